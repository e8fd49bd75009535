#include "self_test.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <system_error>

#include "decision_log.hpp"
#include "transfer.hpp"

namespace xa_transfer {
namespace {

void check(bool condition, const std::string& what) {
    if (!condition) throw std::runtime_error(what);
}

void an_order_is_understood_or_refused() {
    const auto transfer = parse_transfer("T1 A1 A2 1250");
    check(transfer && transfer->id == "T1" && transfer->debtor == "A1" && transfer->creditor == "A2" && transfer->amount == 1250,
          "an order");
    check(text_of(*transfer) == "T1 A1 A2 1250", "the text of an order");
    for (const std::string text : {"", "T1", "T1 A1 A2", "T1 A1 A2 1250 x", "T1 A1 A2 0", "T1 A1 A2 -5", "T1 A1 A2 1.5", "T1 A1 A1 5",
                                   "T1  A2 5", "T1 A1 A2 1000000000001", "T1 A1 A2 99999999999999999999", "T1 A'1 A2 5"}) {
        check(!parse_transfer(text), "not an order: '" + text + "'");
    }
    check(!parse_transfer(std::string(33, 'T') + " A1 A2 5"), "a field that is too long");
}

void a_decision_is_found_again_and_one_that_was_torn_is_none(const std::string& path) {
    {
        DecisionLog log(path);
        log.decide_commit("a/1/1");
        log.decide_commit("a/1/2");
    }
    std::ofstream(path, std::ios::app) << "commit a/1/3";  // the process died while it wrote
    DecisionLog log(path);
    check(log.is_committed("a/1/1") && log.is_committed("a/1/2"), "decisions that were written");
    check(!log.is_committed("a/1/3"), "a decision that was torn");
    log.clear();
    check(!log.is_committed("a/1/1") && std::filesystem::file_size(path) == 0, "a log without decisions");
}

void two_coordinators_never_share_a_log(const std::string& path) {
    const DecisionLog log(path);
    try {
        const DecisionLog second(path);
    } catch (const std::system_error&) {
        return;
    }
    throw std::runtime_error("a log that is open was opened by another");
}

}  // namespace

int run_self_test() {
    const auto folder = std::filesystem::temp_directory_path() / "giromq-xa-transfer-XXXXXX";
    std::string name = folder.string();
    check(::mkdtemp(name.data()) != nullptr, "a folder");
    an_order_is_understood_or_refused();
    a_decision_is_found_again_and_one_that_was_torn_is_none(name + "/a.decisions");
    two_coordinators_never_share_a_log(name + "/b.decisions");
    std::filesystem::remove_all(name);
    std::cout << "OK (3)\n";
    return 0;
}

}  // namespace xa_transfer
