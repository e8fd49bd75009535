// mover WHAT...: a program of LIXA's TX interface. Each `commit` or `rollback` takes a message of "in" from the first broker and puts it
// into "out" of the second, in one global transaction; `nothing` commits without work. Prints what TX says.
#include <giromq-xa/giromq_xa.h>
#include <tx.h>

#include <iostream>
#include <string>

namespace {

constexpr int first_broker = 0;
constexpr int second_broker = 1;

int told(const std::string& call, int code) {
    std::cout << call << ' ' << code << std::endl;
    return code;
}

int work() {
    char text[1000];
    long length = -1;
    if (const int code = giromq_xa_receive_text(first_broker, "in", 10000, text, sizeof text, &length); code != XA_OK) return code;
    if (length < 0) return XAER_RMERR;
    return giromq_xa_send_text(second_broker, "out", text);
}

bool run(const std::string& what) {
    if (told("begin", tx_begin()) != TX_OK) return false;
    if (what != "nothing") {
        if (const int code = work(); code != XA_OK) {
            std::cout << "work " << code << ' ' << giromq_xa_last_error() << std::endl;
            tx_rollback();
            return false;
        }
    }
    const int code = what == "rollback" ? tx_rollback() : tx_commit();
    return told(what, code) == TX_OK;
}

}  // namespace

int main(int argument_count, char** arguments) {
    if (told("open", tx_open()) != TX_OK) return 1;
    bool is_well = true;
    for (int index = 1; is_well && index < argument_count; ++index) is_well = run(arguments[index]);
    told("close", tx_close());
    return is_well ? 0 : 1;
}
