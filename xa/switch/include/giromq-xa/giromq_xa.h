#pragma once

#ifndef GIROMQ_XA_H
#define GIROMQ_XA_H

/* The GiroMQ broker as a resource manager of an X/Open transaction manager (libgiromq-xa). The open string is a list of name=value,
 * separated by commas:
 *
 *     url=amqp://127.0.0.1:5672   the broker, with options as in giromq/connection_factory.hpp; required
 *     user=NAME                   with
 *     password-file=FILE          whose first line is the password
 *     branch_timeout=SECONDS      after which the broker rolls back a branch that is not prepared; default: the broker's
 *     pipeline=yes|no             xa_end does not wait for the broker; only for managers that prepare in the same process; default: no
 *     axlib=FILE                  the library that has ax_reg and ax_unreg, for the dynamic switch, where the program does not have them
 *
 * A thread of control is a thread: each opens its own connection, and sees the session of its own branch. */

#include "xa.h"

#ifdef __cplusplus
#include <giromq/xa.hpp>
#include <memory>
extern "C" {
#endif

#define GIROMQ_XA_EXPORT __attribute__((visibility("default")))

/* The manager says to which branch the work belongs (xa_start). */
GIROMQ_XA_EXPORT extern struct xa_switch_t giromq_xa_switch;
/* The library asks the manager with the first work (ax_reg). */
GIROMQ_XA_EXPORT extern struct xa_switch_t giromq_xa_switch_dynamic;

/* For C: a text message to a queue, in the branch of the calling thread. XA_OK, XAER_PROTO if the resource manager is not open in this
 * thread, XAER_OUTSIDE without a branch, XAER_RMERR if the broker or the library refuses; giromq_xa_last_error() says why. */
GIROMQ_XA_EXPORT int giromq_xa_send_text(int rmid, const char* queue, const char* text);
/* The next text message of a queue, of at most `size` bytes with the final zero. `length` is its length, -1 if there was none within the
 * time. A message that does not fit is XAER_INVAL, and has been received. */
GIROMQ_XA_EXPORT int giromq_xa_receive_text(int rmid, const char* queue, long milliseconds, char* text, unsigned long size, long* length);
/* A sentence about the last call in this thread that did not return XA_OK; valid until the next. */
GIROMQ_XA_EXPORT const char* giromq_xa_last_error(void);

#ifdef __cplusplus
}

namespace giromq {
/* The session that works in the branch of the calling thread; null if the resource manager is not open in this thread. */
GIROMQ_XA_EXPORT std::shared_ptr<Session> xa_session(int rmid);
}  // namespace giromq
#endif

#endif
