/* A transaction manager in C over the switch of libgiromq-xa, told what to do line by line (global_transactions_test.py). Built twice:
 * linked with the library, and with GIROMQ_XA_LOADED, loading it by dlopen.
 *
 *   switch_client LIBRARY static|dynamic OPEN_STRING
 *
 *   open | close | start XID FLAGS | end XID FLAGS | prepare XID | commit XID FLAGS | rollback XID | forget XID      the code
 *   recover                 the number and the XIDs
 *   send QUEUE TEXT         the code
 *   receive QUEUE           the code and the text
 *   stranger XID            what start answers in a thread that has not opened the resource manager
 *   foreign SYMBOL          whether the program sees that symbol
 *   flags                   of the switch
 *
 * With the dynamic switch the library calls ax_reg with the first work, which is answered with the XID of "begin XID" until "done". */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <giromq-xa/giromq_xa.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RMID 7

static struct xa_switch_t* rm;
static int (*send_text)(int, const char*, const char*);
static int (*receive_text)(int, const char*, long, char*, unsigned long, long*);
static const char* (*last_error)(void);
static XID registered; /* what ax_reg answers; the null XID outside of a transaction */

static XID xid_of(const char* name) {
    XID xid;
    memset(&xid, 0, sizeof xid);
    xid.formatID = 4711;
    xid.gtrid_length = (long)strlen(name);
    xid.bqual_length = 6;
    memcpy(xid.data, name, strlen(name));
    memcpy(xid.data + strlen(name), "branch", 6);
    return xid;
}

int ax_reg(int rmid, XID* xid, long flags) {
    if (rmid != RMID || flags != TMNOFLAGS) return TMER_INVAL;
    *xid = registered;
    return TM_OK;
}

int ax_unreg(int rmid, long flags) { return rmid == RMID && flags == TMNOFLAGS ? TM_OK : TMER_INVAL; }

static long flags_of(const char* word) {
    if (strcmp(word, "join") == 0) return TMJOIN;
    if (strcmp(word, "resume") == 0) return TMRESUME;
    if (strcmp(word, "success") == 0) return TMSUCCESS;
    if (strcmp(word, "fail") == 0) return TMFAIL;
    if (strcmp(word, "suspend") == 0) return TMSUSPEND;
    if (strcmp(word, "one-phase") == 0) return TMONEPHASE;
    if (strcmp(word, "async") == 0) return TMASYNC;
    return TMNOFLAGS;
}

static void recover(void) {
    XID found[64];
    long count = rm->xa_recover_entry(found, 64, RMID, TMSTARTRSCAN | TMENDRSCAN);
    printf("%ld", count);
    for (long index = 0; index < count; ++index) printf(" %.*s", (int)found[index].gtrid_length, found[index].data);
    printf("\n");
}

static void* start_as_stranger(void* name) {
    XID xid = xid_of(name);
    return (void*)(long)rm->xa_start_entry(&xid, RMID, TMNOFLAGS);
}

static void stranger(const char* name) {
    pthread_t thread;
    void* code = NULL;
    pthread_create(&thread, NULL, start_as_stranger, (void*)name);
    pthread_join(thread, &code);
    printf("%ld\n", (long)code);
}

static int with_xid(const char* call, XID* xid, const char* more) {
    if (strcmp(call, "start") == 0) return rm->xa_start_entry(xid, RMID, flags_of(more));
    if (strcmp(call, "end") == 0) return rm->xa_end_entry(xid, RMID, flags_of(more));
    if (strcmp(call, "prepare") == 0) return rm->xa_prepare_entry(xid, RMID, flags_of(more));
    if (strcmp(call, "commit") == 0) return rm->xa_commit_entry(xid, RMID, flags_of(more));
    if (strcmp(call, "rollback") == 0) return rm->xa_rollback_entry(xid, RMID, flags_of(more));
    if (strcmp(call, "forget") == 0) return rm->xa_forget_entry(xid, RMID, flags_of(more));
    return -100;
}

static void carry_out(const char* call, const char* name, const char* more, char* open_string) {
    XID xid = xid_of(name);
    char text[256] = "";
    long length = -1;
    int code = XA_OK;
    if (strcmp(call, "recover") == 0) return recover();
    if (strcmp(call, "stranger") == 0) return stranger(name);
    if (strcmp(call, "foreign") == 0) {
        printf("%s\n", dlsym(RTLD_DEFAULT, name) == NULL ? "no" : "yes");
        return;
    }
    if (strcmp(call, "flags") == 0) {
        printf("%ld\n", rm->flags);
        return;
    }
    if (strcmp(call, "receive") == 0) {
        code = receive_text(RMID, name, 20000, text, sizeof text, &length);
        printf("%d %s\n", code, length < 0 ? "none" : text);
        return;
    }
    if (strcmp(call, "begin") == 0) {
        registered = xid;
    } else if (strcmp(call, "done") == 0) {
        registered.formatID = -1;
    } else if (strcmp(call, "open") == 0) {
        code = rm->xa_open_entry(open_string, RMID, TMNOFLAGS);
    } else if (strcmp(call, "close") == 0) {
        code = rm->xa_close_entry(open_string, RMID, TMNOFLAGS);
    } else if (strcmp(call, "send") == 0) {
        code = send_text(RMID, name, more);
    } else {
        code = with_xid(call, &xid, more);
    }
    if (code < 0) fprintf(stderr, "%s %s: %d %s\n", call, name, code, last_error());
    printf("%d\n", code);
}

static void find_library(const char* library, int is_dynamic) {
#ifdef GIROMQ_XA_LOADED
    void* handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    rm = dlsym(handle, is_dynamic ? "giromq_xa_switch_dynamic" : "giromq_xa_switch");
    *(void**)&send_text = dlsym(handle, "giromq_xa_send_text");
    *(void**)&receive_text = dlsym(handle, "giromq_xa_receive_text");
    *(void**)&last_error = dlsym(handle, "giromq_xa_last_error");
#else
    (void)library;
    rm = is_dynamic ? &giromq_xa_switch_dynamic : &giromq_xa_switch;
    send_text = giromq_xa_send_text;
    receive_text = giromq_xa_receive_text;
    last_error = giromq_xa_last_error;
#endif
}

int main(int count, char** arguments) {
    char line[512];
    if (count != 4) return 2;
    find_library(arguments[1], strcmp(arguments[2], "dynamic") == 0);
    registered.formatID = -1;
    while (fgets(line, sizeof line, stdin) != NULL) {
        char call[64] = "", name[128] = "", more[256] = "";
        if (sscanf(line, "%63s %127s %255s", call, name, more) >= 1) carry_out(call, name, more, arguments[3]);
        fflush(stdout);
    }
    return 0;
}
