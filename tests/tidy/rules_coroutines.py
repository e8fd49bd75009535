"""The lint against the miscompilation of co_await by g++ 12.

g++ 12 destroys some temporaries of a co_await expression twice, or while they are still in use: a lambda with captures and an
aggregate built in place. (A type with a constructor is not affected; clang is not affected.) The heuristics:

* the full expression around each `co_await` is found by brackets: it ends at `;`, at the braces of the block around it, or at the
  parentheses of the if, while, for or switch around it;
* inside it, a lambda with a non-empty capture list, or a braced initialiser, is a violation: give it a name on a line of its own
  before. Whether the braced type is an aggregate cannot be seen from the text, so all braces are refused;
* `Type name{co_await f()};` is a declaration and allowed;
* a lambda with captures that is itself a coroutine (its body, not that of a lambda inside, has co_await, co_return or co_yield) is a
  violation: the captures die with the lambda, before the coroutine ends;
* a parameter of a function that returns an awaitable must not be a reference: it may dangle after the first suspension.
"""

import re

import cxx
from framework import CXX, Violation, rule

CO_WORD = re.compile(r"\bco_(?:await|return|yield)\b")
SCOPED = re.compile(r"\b(?:if|while|for|switch)\s*(?:constexpr\s*)?$")


def innermost(all_brackets, offset):
    best = None
    for bracket in all_brackets:
        if bracket.opening > offset:
            break
        if bracket.closing > offset:
            best = bracket
    return best


def full_expression(blanked, all_brackets, offset):
    """(start, end) of the full expression around `offset`."""
    around = innermost(all_brackets, offset)
    while around is not None and not around.is_block:
        if around.kind == "(" and SCOPED.search(blanked[max(0, around.opening - 40):around.opening]):
            break
        around = around.parent
    start = around.opening + 1 if around else 0
    limit = around.closing if around else len(blanked)
    end = limit
    inner = [bracket for bracket in all_brackets if bracket.parent is around]
    # Semicolons directly inside `around` divide it; a block directly inside it (an if, a function) does so too.
    cuts = []
    position = start
    for bracket in inner:
        cuts += [index for index in range(position, bracket.opening) if blanked[index] == ";"]
        if bracket.is_block:
            cuts += [bracket.opening, bracket.closing]
        elif bracket.kind == "(" and SCOPED.search(blanked[max(0, bracket.opening - 40):bracket.opening]):
            cuts.append(bracket.closing)  # the statement after `if (...)` is another one
        position = bracket.closing + 1
    cuts += [index for index in range(position, limit) if blanked[index] == ";"]
    for cut in cuts:
        if cut < offset:
            start = max(start, cut + 1)
        elif cut < end:
            end = cut
    return start, end


def _is_declaration(blanked, start, bracket):
    """`Type name{` at the beginning of the statement."""
    return re.fullmatch(r"\s*(?:const\s+|static\s+)*[\w:]+(?:<[^;{}]*>)?[\s&*]+(?:const\s+)?\w+\s*",
        blanked[start:bracket.opening]) is not None


def _lambda_blocks(found):
    return {item.body.opening for item in found if item.body is not None}


@rule(bad=[({"broker/net/a.cpp": "awaitable<void> f() { co_await run([t] { use(t); }); }\n"}, "a lambda with captures"),
           ({"broker/net/a.cpp": "awaitable<void> f() { auto r = co_await g(Options{.port = 1, .name = n}); }\n"}, "a braced initialiser"),
           ({"broker/net/a.cpp": "awaitable<void> f() {\n  if (co_await g({1, 2})) { done(); }\n}\n"}, "a.cpp:2: a braced initialiser"),
           ({"broker/net/a.cpp": "awaitable<void> f() { use(x, co_await g(), [&] { done(); }); }\n"}, "a lambda with captures"),
           ({"broker/net/a.cpp": "awaitable<void> f() { co_await g(std::vector<int>{1}); }\n"}, "a braced initialiser"),
           ({"broker/net/a.cpp": "awaitable<int> f() { co_return co_await g(Pair{1, 2}); }\n"}, "a braced initialiser")],
      good=[{"broker/net/a.cpp": """
awaitable<void> f() {
    const Options options{.port = 1};
    auto work = [t] { use(t); };
    auto [error, count] = co_await read(options, std::move(work), as_tuple);
    if (co_await g(options)) {
        std::vector<int> more{1, 2};
        co_await h([](int x) { return x; });
    }
    Thing thing{co_await g(options)};
    for (;;) { co_await g(options); }
    switch (co_await g(options)) { case 1: { Point p{1, 2}; break; } }
    // co_await g(Options{1})
    log("co_await g(Options{1})");
    co_return;
}
"""}])
def co_await_holds_no_lambda_or_braced_temporary(tree):
    """g++ 12 miscompiles a co_await expression that holds a capturing lambda or an aggregate temporary: name the object first."""
    for path in tree.files(CXX):
        if "co_await" not in tree.text(path):
            continue
        blanked = cxx.blank(tree.text(path))
        found = cxx.brackets(blanked)
        all_lambdas = list(cxx.lambdas(cxx.blank_directives(blanked), found))
        bodies = _lambda_blocks(all_lambdas)
        for match in re.finditer(r"\bco_await\b", blanked):
            start, end = full_expression(blanked, found, match.start())
            for item in all_lambdas:
                around = item.body and item.body.opening < match.start() < item.body.closing
                if start <= item.opening < end and item.captures and not around:
                    yield Violation(path, cxx.line_of(blanked, match.start()),
                        "a lambda with captures in an expression with co_await: name it first")
            for bracket in found:
                if bracket.kind != "{" or not start <= bracket.opening < end or bracket.is_block or bracket.opening in bodies:
                    continue
                if bracket.opening < match.start() < bracket.closing and _is_declaration(blanked, start, bracket):
                    continue
                yield Violation(path, cxx.line_of(blanked, match.start()),
                    "a braced initialiser in an expression with co_await: name it first")


@rule(bad=[({"broker/net/a.cpp": "void f() { spawn([this]() -> awaitable<void> { co_await run(); }); }\n"},
    "lambda with captures is a coroutine"),
           ({"broker/net/a.cpp": "void f() { auto g = [&]() -> awaitable<int> { co_return 1; }; }\n"},
            "lambda with captures is a coroutine")],
      good=[{"broker/net/a.cpp": """
void f() { spawn([]() -> awaitable<void> { co_await run(); }); int a[2] = {1, 2}; use(a[1]); }
void g() { post([this] { spawn([](int x) -> awaitable<void> { co_return; }); }); }
"""}])
def coroutines_are_not_lambdas_with_captures(tree):
    """The captures of a lambda coroutine die with the lambda, before the coroutine ends."""
    for path in tree.files(CXX):
        if not CO_WORD.search(tree.text(path)):
            continue
        blanked = cxx.blank(tree.text(path))
        found = cxx.brackets(blanked)
        all_lambdas = list(cxx.lambdas(cxx.blank_directives(blanked), found))
        for item in all_lambdas:
            if not item.captures or item.body is None:
                continue
            nested = [other.body for other in all_lambdas if other.body and item.body.opening < other.body.opening < item.body.closing]
            for match in CO_WORD.finditer(blanked, item.body.opening, item.body.closing):
                if not any(body.opening < match.start() < body.closing for body in nested):
                    yield Violation(path, cxx.line_of(blanked, item.opening), "a lambda with captures is a coroutine: make it a function")
                    break


COROUTINE = re.compile(r"\bawaitable<(?:[^<>]|<[^<>]*>)*>\s+(?:\w+::)*\w+\s*(\()")


@rule(bad=[({"broker/net/a.hpp": "awaitable<void> serve(const Options& options);\n"}, "parameter 'const Options& options' is a reference"),
           ({"broker/net/a.cpp": "net::awaitable<std::map<int, int>> X::serve(int a, Thing&& b) {}\n"}, "is a reference")],
      good=[{"broker/net/a.hpp": "awaitable<void> serve(std::shared_ptr<Loop> loop, std::function<void(const int&)> f);\n"
             "awaitable<int> g();\n"}])
def coroutine_parameters_are_values(tree):
    """What a coroutine refers to must outlive its suspensions: parameters are values (a shared_ptr where something is shared)."""
    for path in tree.files(CXX):
        if "awaitable<" not in tree.text(path):
            continue
        blanked = cxx.blank(tree.text(path))
        closing = {bracket.opening: bracket.closing for bracket in cxx.brackets(blanked)}
        for match in COROUTINE.finditer(blanked):
            end = closing.get(match.start(1))
            for parameter in _parameters(blanked[match.end():end]):
                if "&" in re.sub(r"[<(].*[>)]", "", parameter, flags=re.DOTALL):
                    yield Violation(path, cxx.line_of(blanked, match.start()),
                        f"the parameter '{' '.join(parameter.split())}' is a reference")


def _parameters(text):
    depth, start = 0, 0
    for index, character in enumerate(text):
        if character in "<([{":
            depth += 1
        elif character in ">)]}":
            depth -= 1
        elif character == "," and depth == 0:
            yield text[start:index]
            start = index + 1
    yield text[start:]
