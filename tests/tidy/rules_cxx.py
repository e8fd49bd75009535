"""Rules over the C++ text: sizes, headers, names."""

import re

import cxx
from framework import CXX, HEADERS, Violation, rule

LINE_LENGTH = 140
FILE_LINES = 800
FUNCTION_LINES = 70

# Functions that are longer than FUNCTION_LINES, as (path, name): lines. It only ever gets shorter: an entry that is no longer needed,
# or that could be smaller, is a violation too.
LONG_FUNCTIONS = {}


@rule(bad=[({"broker/core/a.cpp": "int a;  //" + "x" * 140 + "\n"}, "characters"), ({"tests/run.sh": "echo " + "x" * 140 + "\n"},
    "characters")],
      good=[{"broker/core/a.cpp": "// " + "ä" * 137 + "\n", "README.md": "long lines of prose are fine " * 20 + "\n"}])
def lines_have_at_most_140_characters(tree):
    """Source lines fit a screen; prose and data are exempt."""
    for path in tree.files(CXX + (".py", ".sh", ".ts", ".tsx", ".cmake", "CMakeLists.txt", ".c")):
        for number, line in enumerate(tree.lines(path), 1):
            if len(line) > LINE_LENGTH:
                yield Violation(path, number, f"{len(line)} characters, at most {LINE_LENGTH}")


@rule(bad=[({"broker/core/a.cpp": "int a;\n" * 801}, "801 lines")], good=[{"broker/core/a.cpp": "int a;\n" * 800}])
def files_have_at_most_800_lines(tree):
    """A longer file holds a second idea."""
    for path in tree.files(CXX + (".py", ".sh", ".ts", ".tsx", ".c")):
        count = len(tree.lines(path))
        if count > FILE_LINES:
            yield Violation(path, 0, f"{count} lines, at most {FILE_LINES}")


_BODY = "    step();\n" * 68
_LONG_BODY = "    step();\n" * 69


@rule(bad=[({"broker/core/a.cpp": "namespace giromq {\nvoid f() {\n" + _LONG_BODY + "}\n}\n"}, "f() has 71 lines"),
           ({"broker/core/a.cpp": "class A {\n  A(int x)\n : a_{x}, b_(x) {\n" + _LONG_BODY + "}\n};\n"}, "has 72 lines"),
           ({"broker/core/a.hpp": "template <typename T>\nclass A<T(int)> {\n  T& value() & {\n" + _LONG_BODY + "}\n};\n"},
            "value() has 71"),
           ({"broker/core/a.cpp": "void g() { if (x) { y(); } }\nstatic Result<int> A::f(int a) const noexcept {\n" + _LONG_BODY + "}\n"},
            "f() has 71")],
      good=[{"broker/core/a.cpp": "namespace giromq {\nvoid f() {\n" + _BODY + "}\nvoid g() {\n" + _BODY + "}\n}\n",
             "broker/core/b.cpp": "struct A {\n" + "    int a = 1;\n" * 100 + "};\nconst int b[] = {\n" + "  1,\n" * 100 + "};\n"}])
def functions_have_at_most_70_lines(tree):
    """A function fits a screen. Counted from its first line to its last bracket, lambdas inside included."""
    seen = set()
    for path in tree.files(CXX):
        for function in cxx.functions(tree.text(path)):
            allowed = LONG_FUNCTIONS.get((path, function.name), FUNCTION_LINES)
            if function.lines > FUNCTION_LINES:
                seen.add((path, function.name))
            if function.lines > allowed:
                yield Violation(path, function.first_line, f"{function.name}() has {function.lines} lines, at most {allowed}")
            elif FUNCTION_LINES < function.lines < allowed:
                yield Violation(path, function.first_line, f"{function.name}() has {function.lines} lines now: lower LONG_FUNCTIONS")
    for path, name in LONG_FUNCTIONS:
        if tree.has(path) and (path, name) not in seen:
            yield Violation(path, 0, f"{name}() is short now: take it out of LONG_FUNCTIONS")


@rule(bad=[({"broker/core/a.hpp": "#ifndef A\n#define A\n#endif\n"}, "#pragma once")],
      good=[{"broker/core/a.hpp": "// A comment.\n#pragma once\n\nint a();\n", "broker/core/a.cpp": "int a;\n"}])
def headers_begin_with_pragma_once(tree):
    """The first line of a header that is not a comment."""
    for path in tree.files(HEADERS):
        if not cxx.blank_comments(tree.text(path)).lstrip().startswith("#pragma once"):
            yield Violation(path, 1, "a header begins with #pragma once")


@rule(bad=[({"broker/core/a.hpp": "#pragma once\nusing namespace std;\n"}, "using namespace in a header"),
           ({"broker/core/a.cpp": "using namespace giromq;\n"}, "using namespace at file scope")],
      good=[{"broker/core/a.hpp": "#pragma once\n// using namespace std;\nusing std::string;\n",
             "broker/core/a.cpp": "void f() {\n    using namespace std::chrono_literals;\n}\nusing namespace std::chrono_literals;\n",
             "tests/unit/core/a.cpp": "using namespace giromq;\n"}])
def namespaces_are_not_opened_wide(tree):
    """No `using namespace` in a header, nor at file scope of a source file, save for literals. Tests may, in source files."""
    for path in tree.files(CXX):
        text = cxx.blank(tree.text(path))
        for match in re.finditer(r"^([ \t]*)using\s+namespace\s+([\w:]+)", text, re.MULTILINE):
            if match.group(2).endswith("literals"):
                continue
            line = cxx.line_of(text, match.start(2))
            if path.endswith(HEADERS):
                yield Violation(path, line, "using namespace in a header")
            elif not match.group(1) and not path.startswith("tests/"):
                yield Violation(path, line, "using namespace at file scope")


_CASE = re.compile(r"\bCPPUNIT_TEST(?:_EXCEPTION|_FAIL|_ASSERT)?\s*\(\s*(\w+)")


@rule(bad=[({"tests/unit/core/a.cpp": "CPPUNIT_TEST(testQueue);\n"}, "testQueue"), ({"tests/unit/core/a.cpp": "CPPUNIT_TEST(works);\n"},
    "works"),
           ({"tests/unit/core/a.cpp": "CPPUNIT_TEST(test_order_kept);\n"}, "test_order_kept")],
      good=[{"tests/unit/core/a.cpp": "CPPUNIT_TEST(ack_is_sent_only_after_commit);\n// CPPUNIT_TEST(x);\n"}])
def test_names_are_sentences(tree):
    """A failing test's name says what is broken: at least three words in snake_case, and not `test_`."""
    for path in tree.files(CXX, under=("tests",)):
        text = cxx.blank(tree.text(path))
        for match in _CASE.finditer(text):
            name = match.group(1)
            if not re.fullmatch(r"[a-z0-9]+(?:_[a-z0-9]+){2,}", name) or name.startswith("test_"):
                yield Violation(path, cxx.line_of(text, match.start()), f"{name} is not a sentence in snake_case")


@rule(bad=[({"tests/unit/core/a.cpp": "class A { void order_is_kept_always() {} };\nCPPUNIT_TEST_SUITE(A);\nCPPUNIT_TEST_SUITE_END();\n"
             "CPPUNIT_TEST_SUITE_REGISTRATION(A);\nvoid A::b() { CPPUNIT_ASSERT(true); }\n"}, "no CPPUNIT_TEST"),
           ({"tests/unit/core/a.cpp": "CPPUNIT_TEST_SUITE(A);\nCPPUNIT_TEST(order_is_kept_always);\nCPPUNIT_TEST_SUITE_END();\n"},
            "never registered")],
      good=[{"tests/unit/core/a.cpp": "CPPUNIT_TEST_SUITE(A);\nCPPUNIT_TEST(order_is_kept_always);\nCPPUNIT_TEST_SUITE_END();\n"
             "CPPUNIT_TEST_SUITE_REGISTRATION(A);\n"}])
def every_test_suite_is_registered(tree):
    """A suite that is not registered, or has no case, passes without having run."""
    for path in tree.files(CXX, under=("tests",)):
        text = cxx.blank(tree.text(path))
        for match in re.finditer(r"\bCPPUNIT_TEST_SUITE\s*\(\s*(\w+)[^)]*\)(.*?)CPPUNIT_TEST_SUITE_END\b", text, re.DOTALL):
            name, body, line = match.group(1), match.group(2), cxx.line_of(text, match.start())
            if not re.search(r"\bCPPUNIT_TEST\w*\s*\(", body):
                yield Violation(path, line, f"the suite {name} has no CPPUNIT_TEST")
            if not re.search(rf"\bCPPUNIT_TEST_SUITE_(?:NAMED_)?REGISTRATION\s*\([^)]*\b{name}\b", text):
                yield Violation(path, line, f"the suite {name} is never registered")


@rule(bad=[({"broker/core/a.hpp": "class MockStore {};\n"}, "MockStore"), ({"broker/store/fake_store.hpp": "\n"}, "fake_store.hpp")],
      good=[{"tests/support/mock_store.hpp": "class MockStore {};\n", "broker/core/a.hpp": "// Not a mock: class MockStore\n"}])
def there_are_no_mocks_outside_tests(tree):
    """Mocks, fakes and dummies live in tests/. (store/memory is an engine and passes the conformance suite.)"""
    for path in tree.files(CXX):
        if path.startswith("tests/"):
            continue
        name = path.rsplit("/", 1)[1]
        if re.search(r"(?:^|_)(?:mock|fake|stub|dummy)(?:_|\.)", name):
            yield Violation(path, 0, f"{name} looks like a mock")
        text = cxx.blank(tree.text(path))
        for match in re.finditer(r"\b(?:class|struct)\s+((?:Mock|Fake|Stub|Dummy)\w*)", text):
            yield Violation(path, cxx.line_of(text, match.start()), f"{match.group(1)} looks like a mock")


@rule(bad=[({"tests/unit/core/a.cpp": "void f() { std::this_thread::sleep_for(1s); }\n"}, "sleep"),
           ({"broker/core/a.cpp": "void f() { usleep(10); }\n"}, "sleep")],
      good=[{"tests/unit/core/a.cpp": "clock.advance(10ms);  // no sleep_for here\n",
             "tests/integration/a.cpp": "std::this_thread::sleep_for(1s);\n"}])
def nothing_sleeps_in_the_broker_or_in_unit_tests(tree):
    """Time comes from the clock that the test owns. Threads wait for a condition."""
    for path in tree.files(CXX, under=("broker", "tests/unit", "tests/simulation", "admin-web", "xa")):
        text = cxx.blank(tree.text(path))
        for match in re.finditer(r"\b(?:sleep_for|sleep_until|usleep|nanosleep)\s*\(|(?<![\w.>:])sleep\s*\(", text):
            yield Violation(path, cxx.line_of(text, match.start()), "sleep: wait for a condition, or move the clock of the test")


@rule(bad=[({"tests/unit/core/a.cpp": "CPPUNIT_TEST_SUITE(A);\n", "tests/CMakeLists.txt": "giromq_test_program(unit/base LABELS unit)\n"},
            "tests/unit/core is not in tests/CMakeLists.txt")],
      good=[{"tests/unit/core/a.cpp": "CPPUNIT_TEST_SUITE(A);\n", "tests/CMakeLists.txt": "giromq_test_program(unit/core LABELS unit)\n"},
            {"tests/integration/a.cpp": "CPPUNIT_TEST_SUITE(A);\n", "tests/scripts.cmake": "giromq_test_program(integration LABELS x)\n"}])
def every_folder_of_tests_is_built(tree):
    """Each folder with CppUnit suites is a giromq_test_program() of the build."""
    built = "\n".join(tree.text(path) for path in tree.files((".cmake", "CMakeLists.txt"), under=("tests",)))
    folders = {path.rsplit("/", 1)[0] for path in tree.files((".cpp",), under=("tests",)) if "CPPUNIT_TEST_SUITE(" in tree.text(path)}
    for folder in sorted(folders):
        if not re.search(rf"\bgiromq_test_program\(\s*{re.escape(folder.removeprefix('tests/'))}\s", built):
            yield Violation(folder, 0, f"{folder} is not in tests/CMakeLists.txt: its tests never run")
