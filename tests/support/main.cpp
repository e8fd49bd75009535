#include <cppunit/BriefTestProgressListener.h>
#include <cppunit/CompilerOutputter.h>
#include <cppunit/TestResult.h>
#include <cppunit/TestResultCollector.h>
#include <cppunit/TestRunner.h>
#include <cppunit/extensions/TestFactoryRegistry.h>

#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

#include "base/log.hpp"

namespace {

void list(const CppUnit::Test& test) {
    if (test.getChildTestCount() == 0) {
        std::cout << test.getName() << '\n';
        return;
    }
    for (int index = 0; index < test.getChildTestCount(); ++index) list(*test.getChildTestAt(index));
}

int usage(std::ostream& out, int code) {
    out << "Usage: test-program [--list] [--only SUITE::TEST] [--seed N]\n"
           "Runs every registered CppUnit test. GIROMQ_TEST_SEED (or --seed) sets the seed of random tests;\n"
           "GIROMQ_TEST_LONG=1 makes them exhaustive.\n";
    return code;
}

}  // namespace

int main(int argc, char** argv) {
    std::string only;
    bool list_only = false;
    for (int index = 1; index < argc; ++index) {
        const std::string_view argument = argv[index];
        if (argument == "--list") {
            list_only = true;
        } else if (argument == "--only" && index + 1 < argc) {
            only = argv[++index];
        } else if (argument == "--seed" && index + 1 < argc) {
            ::setenv("GIROMQ_TEST_SEED", argv[++index], 1);
        } else {
            return usage(argument == "--help" ? std::cout : std::cerr, argument == "--help" ? 0 : 2);
        }
    }
    // Expected refusals are logged by the code under test; only errors are of interest here.
    giromq::log::set_level(std::getenv("GIROMQ_TEST_VERBOSE") != nullptr ? giromq::log::Level::debug : giromq::log::Level::error);

    CppUnit::Test* const all = CppUnit::TestFactoryRegistry::getRegistry().makeTest();
    if (list_only) {
        list(*all);
        delete all;
        return 0;
    }
    CppUnit::TestResult controller;
    CppUnit::TestResultCollector collector;
    CppUnit::BriefTestProgressListener progress;
    controller.addListener(&collector);
    controller.addListener(&progress);
    CppUnit::TestRunner runner;
    runner.addTest(all);
    runner.run(controller, only);
    CppUnit::CompilerOutputter(&collector, std::cerr).write();
    if (collector.runTests() == 0) {
        std::cerr << "no test was run\n";
        return 1;
    }
    return collector.wasSuccessful() ? 0 : 1;
}
