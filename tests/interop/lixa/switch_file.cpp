// What LIXA loads as `switch_file`: the address of a switch of libgiromq-xa; -DDYNAMIC for the one that registers itself.
#include <giromq-xa/giromq_xa.h>

extern "C" __attribute__((visibility("default"))) struct xa_switch_t* lixa_get_xa_switch(void) {
#ifdef DYNAMIC
    return &giromq_xa_switch_dynamic;
#else
    return &giromq_xa_switch;
#endif
}
