#pragma once

/* The numbers of the X/Open XA specification (C193, chapter 4), the only place in the project where they are written down.
 *
 * Plain C, so that the xa.h of the C switch can prove its macros against these lists, while C++ makes its enumerations of them
 * (return_code.hpp, flags.hpp). Each line is ENTRY(our name, the specification's name, value, what it means). */

#define GIROMQ_XA_RETURN_CODES(ENTRY)                                                                                \
    ENTRY(ok, XA_OK, 0, "done")                                                                                      \
    ENTRY(read_only, XA_RDONLY, 3, "the branch changed nothing and has ended")                                       \
    ENTRY(retry, XA_RETRY, 4, "nothing was done; the call may be made again")                                        \
    ENTRY(heuristic_mixed, XA_HEURMIX, 5, "an administrator's decision committed a part and rolled back the rest")   \
    ENTRY(heuristic_rollback, XA_HEURRB, 6, "an administrator's decision rolled the branch back")                    \
    ENTRY(heuristic_commit, XA_HEURCOM, 7, "the branch has been committed by another decision than the caller's")    \
    ENTRY(heuristic_hazard, XA_HEURHAZ, 8, "the branch may have been completed by an administrator's decision")      \
    ENTRY(no_migrate, XA_NOMIGRATE, 9, "the association can be resumed only where it was suspended")                 \
    ENTRY(rb_rollback, XA_RBROLLBACK, 100, "the branch is rolled back, for no particular reason")                    \
    ENTRY(rb_comm_fail, XA_RBCOMMFAIL, 101, "the branch is rolled back because its connection was lost")             \
    ENTRY(rb_deadlock, XA_RBDEADLOCK, 102, "the branch is rolled back because of a deadlock")                        \
    ENTRY(rb_integrity, XA_RBINTEGRITY, 103, "the branch is rolled back to keep the integrity of its resources")     \
    ENTRY(rb_other, XA_RBOTHER, 104, "the branch is rolled back for a reason that XA does not list")                 \
    ENTRY(rb_proto, XA_RBPROTO, 105, "the branch is rolled back because of a protocol error")                        \
    ENTRY(rb_timeout, XA_RBTIMEOUT, 106, "the branch is rolled back because it took too long")                       \
    ENTRY(rb_transient, XA_RBTRANSIENT, 107, "the branch is rolled back; the same work may succeed in a new branch") \
    ENTRY(er_async, XAER_ASYNC, -2, "asynchronous calls are not supported")                                          \
    ENTRY(er_rm_error, XAER_RMERR, -3, "the broker failed to do it")                                                 \
    ENTRY(er_nota, XAER_NOTA, -4, "the XID is not known")                                                            \
    ENTRY(er_inval, XAER_INVAL, -5, "the arguments are invalid")                                                     \
    ENTRY(er_proto, XAER_PROTO, -6, "the call does not fit the state of the branch or of the caller")                \
    ENTRY(er_rm_fail, XAER_RMFAIL, -7, "the broker is out of reach or cannot do it now")                             \
    ENTRY(er_dupid, XAER_DUPID, -8, "the XID is known already")                                                      \
    ENTRY(er_outside, XAER_OUTSIDE, -9, "the caller is in a local transaction")

#define GIROMQ_XA_ROLLBACK_CODE_FIRST 100 /* XA_RBBASE */
#define GIROMQ_XA_ROLLBACK_CODE_LAST 107  /* XA_RBEND */

#define GIROMQ_XA_CALL_FLAGS(ENTRY)                                                      \
    ENTRY(async, TMASYNC, 0x80000000, "perform the call asynchronously")                 \
    ENTRY(one_phase, TMONEPHASE, 0x40000000, "commit without prepare")                   \
    ENTRY(fail, TMFAIL, 0x20000000, "the caller's part of the work has failed")          \
    ENTRY(no_wait, TMNOWAIT, 0x10000000, "return XA_RETRY rather than wait")             \
    ENTRY(resume, TMRESUME, 0x08000000, "resume a suspended association")                \
    ENTRY(success, TMSUCCESS, 0x04000000, "the caller's part of the work has succeeded") \
    ENTRY(suspend, TMSUSPEND, 0x02000000, "suspend the association, do not end it")      \
    ENTRY(start_scan, TMSTARTRSCAN, 0x01000000, "begin a recovery scan")                 \
    ENTRY(end_scan, TMENDRSCAN, 0x00800000, "end the recovery scan after this call")     \
    ENTRY(multiple, TMMULTIPLE, 0x00400000, "wait for any asynchronous call")            \
    ENTRY(join, TMJOIN, 0x00200000, "join a branch that exists")                         \
    ENTRY(migrate, TMMIGRATE, 0x00100000, "the suspended association may be resumed by another thread")

#define GIROMQ_XA_SWITCH_FLAGS(ENTRY)                                                      \
    ENTRY(registers, TMREGISTER, 0x00000001, "the resource manager registers dynamically") \
    ENTRY(no_migrate, TMNOMIGRATE, 0x00000002, "associations cannot migrate")              \
    ENTRY(use_async, TMUSEASYNC, 0x00000004, "asynchronous calls are supported")

#define GIROMQ_XA_GTRID_BYTES_MAX 64 /* MAXGTRIDSIZE */
#define GIROMQ_XA_BQUAL_BYTES_MAX 64 /* MAXBQUALSIZE */
#define GIROMQ_XA_XID_DATA_BYTES 128 /* XIDDATASIZE */
