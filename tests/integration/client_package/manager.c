/* A transaction manager of somebody else's, in C. Without arguments it looks at the switch; with an open string it carries out a
 * transaction of one branch. */
#include <giromq-xa/giromq_xa.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

/* The static switch does not call these. */
int ax_reg(int rmid, XID* xid, long flags) {
    (void)rmid, (void)xid, (void)flags;
    return TMER_TMERR;
}
int ax_unreg(int rmid, long flags) {
    (void)rmid, (void)flags;
    return TMER_TMERR;
}

static int failed(const char* what, int code) {
    fprintf(stderr, "%s: %d %s\n", what, code, giromq_xa_last_error());
    return 1;
}

static int carry_out(char* open_string) {
    const struct xa_switch_t* const rm = &giromq_xa_switch;
    const pid_t process = getpid(); /* so that no two programs have the same branch */
    XID xid;
    int code;
    memset(&xid, 0, sizeof xid);
    xid.formatID = 1;
    xid.gtrid_length = (long)sizeof process;
    memcpy(xid.data, &process, sizeof process);
    code = rm->xa_open_entry(open_string, 1, TMNOFLAGS);
    if (code != XA_OK) return failed("xa_open", code);
    if ((code = rm->xa_start_entry(&xid, 1, TMNOFLAGS)) != XA_OK) return failed("xa_start", code);
    if ((code = giromq_xa_send_text(1, "client-package-xa", "pay 1.00 EUR")) != XA_OK) return failed("send", code);
    if ((code = rm->xa_end_entry(&xid, 1, TMSUCCESS)) != XA_OK) return failed("xa_end", code);
    if ((code = rm->xa_prepare_entry(&xid, 1, TMNOFLAGS)) != XA_OK) return failed("xa_prepare", code);
    if ((code = rm->xa_commit_entry(&xid, 1, TMNOFLAGS)) != XA_OK) return failed("xa_commit", code);
    if ((code = rm->xa_close_entry(open_string, 1, TMNOFLAGS)) != XA_OK) return failed("xa_close", code);
    return 0;
}

int main(int argc, char** argv) {
    if (giromq_xa_switch.version != 0 || (giromq_xa_switch_dynamic.flags & TMREGISTER) == 0) return failed("the switch", 0);
    if (argc > 1 && carry_out(argv[1]) != 0) return 1;
    printf("ok with %s\n", giromq_xa_switch.name);
    return 0;
}
