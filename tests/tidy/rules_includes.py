"""Rules over the #include lines: layers, fences, public headers."""

import re

import cxx
import layers
from framework import CXX, HEADERS, Violation, rule


def resolve(tree, path, include):
    """The file of the project that an #include in `path` means, or None."""
    folder = path.rsplit("/", 1)[0]
    for root in (folder,) + layers.INCLUDE_ROOTS:
        candidate = include if root == "." else f"{root}/{include}"
        parts = []
        for part in candidate.split("/"):
            if part == ".." and parts:
                parts.pop()
            elif part != ".":
                parts.append(part)
        candidate = "/".join(parts)
        if tree.has(candidate):
            return candidate
    return None


def project_includes(tree, path):
    """(line, path of the included file of the project)"""
    for line, _, include in cxx.includes(tree.text(path)):
        target = resolve(tree, path, include)
        if target is not None:
            yield line, target


@rule(bad=[({"broker/store/a.hpp": '#include "core/b.hpp"\n', "broker/core/b.hpp": ""}, "level 2 must not include broker/core (level 4)"),
           ({"broker/tx/a.cpp": '#include "store/sqlite/b.hpp"\n', "broker/store/sqlite/b.hpp": ""}, "broker/store/sqlite (level 3)"),
           ({"broker/amqp/a.cpp": '#include "../admin/b.hpp"\n', "broker/admin/b.hpp": ""}, "broker/admin (level 5)"),
           ({"broker/base/a.cpp": '#include <net/b.hpp>\n', "broker/net/b.hpp": ""}, "broker/net (level 6)")],
      good=[{"broker/core/a.cpp": '#include "store/b.hpp"\n#include "core/c.hpp"\n// #include "net/d.hpp"\n', "broker/store/b.hpp": "",
             "broker/core/c.hpp": "", "broker/net/d.hpp": ""}])
def includes_only_point_down(tree):
    """A layer includes only layers of a lower level."""
    for path in tree.files(CXX):
        layer = layers.layer_of(path)
        if layer is None:
            continue
        for line, target in project_includes(tree, path):
            other = layers.layer_of(target)
            if other is None or other == layer or (layer, other) in layers.EXCEPTIONS:
                continue
            if layers.LEVELS[other] >= layers.LEVELS[layer]:
                yield Violation(path, line,
                    f"{layer} of level {layers.LEVELS[layer]} must not include {other} (level {layers.LEVELS[other]})")


@rule(bad=[({"broker/main/CMakeLists.txt": "", "broker/new_layer/a.hpp": ""}, "broker/new_layer is in no layer")],
      good=[{"broker/base/a.hpp": "", "admin-web/b.cpp": ""}])
def every_source_of_the_broker_has_a_layer(tree):
    """A new folder under broker/ gets its level before it gets its first file."""
    for path in tree.files(CXX, under=("broker", "admin-web", "xa")):
        if layers.layer_of(path) is None and layers.folder_of(path, layers.OUTSIDE) is None:
            yield Violation(path, 0, f"{path.rsplit('/', 1)[0]} is in no layer: add it to tests/tidy/layers.py")


@rule(bad=[({"client-api/src/a.cpp": '#include "base/b.hpp"\n', "broker/base/b.hpp": ""}, "client-api/src must not include broker/base"),
           ({"broker/core/a.cpp": '#include "support/b.hpp"\n', "tests/support/b.hpp": ""}, "must not include tests"),
           ({"broker/net/a.cpp": '#include "giromq/b.hpp"\n', "client-api/include/giromq/b.hpp": ""},
            "must not include client-api/include"),
           ({"examples/payments/a.cpp": '#include "store/b.hpp"\n', "broker/store/b.hpp": ""}, "examples must not include broker/store")],
      good=[{"client-api/src/a.cpp": '#include "giromq/b.hpp"\n#include "xa/x.hpp"\n', "client-api/include/giromq/b.hpp": "",
             "xa/x.hpp": "",
             "tests/unit/base/a.cpp": '#include "base/b.hpp"\n', "broker/base/b.hpp": ""}])
def the_client_and_the_broker_do_not_include_each_other(tree):
    """client-api, examples and bench include what layers.OUTSIDE grants; the broker includes none of them; nothing includes tests."""
    known = list(layers.OUTSIDE) + list(layers.LEVELS) + [layers.TESTS, "client-api"]
    for path in tree.files(CXX):
        source = layers.folder_of(path, known)
        if source is None or source == layers.TESTS:
            continue
        allowed = layers.OUTSIDE.get(source)
        for line, target in project_includes(tree, path):
            other = layers.folder_of(target, known)
            if other is None or other == source:
                continue
            if allowed is None:
                wrong = other in layers.OUTSIDE or other == layers.TESTS
            else:
                wrong = other not in allowed
            if wrong:
                yield Violation(path, line, f"{source} must not include {other}")


@rule(bad=[({"broker/core/a.cpp": "#include <sqlite3.h>\n"}, "sqlite3.h belongs to"),
           ({"broker/net/a.cpp": "#include <proton/engine.h>\n"}, "proton/engine.h belongs to"),
           ({"broker/config/a.hpp": "#include <xercesc/dom/DOM.hpp>\n"}, "xercesc/"),
           ({"broker/store/a.hpp": "#include <boost/asio.hpp>\n"}, "boost/asio.hpp belongs to"),
           ({"broker/core/a.cpp": "#include <openssl/evp.h>\n"}, "openssl/evp.h"),
           ({"broker/core/a.cpp": "#include <spdlog/spdlog.h>\n"}, "spdlog/spdlog.h"),
           ({"broker/store/a.cpp": "#include <cppunit/TestCase.h>\n"}, "cppunit/TestCase.h")],
      good=[{"broker/store/sqlite/a.cpp": "#include <sqlite3.h>\n", "tests/unit/store/a.cpp": "#include <sqlite3.h>\n",
             "broker/amqp/a.cpp": "#include <proton/engine.h>\n"}])
def third_party_headers_stay_behind_their_fences(tree):
    """Each third-party library is included only where layers.FENCES says."""
    for path in tree.files(CXX):
        if path.startswith(layers.TESTS + "/"):
            continue
        for line, _, include in cxx.includes(tree.text(path)):
            for prefix, folders in layers.FENCES.items():
                if include.startswith(prefix) and layers.folder_of(path, folders) is None:
                    yield Violation(path, line, f"{include} belongs to {', '.join(folders) or 'tests'} only")


@rule(bad=[({"client-api/include/giromq/a.hpp": "#include <boost/asio.hpp>\n"}, "boost/asio.hpp"),
           ({"client-api/include/giromq/a.hpp": '#include "engine.hpp"\n', "client-api/src/engine.hpp": ""}, "engine.hpp")],
      good=[{"client-api/include/giromq/a.hpp": '#include <string>\n#include "giromq/b.hpp"\n', "client-api/include/giromq/b.hpp": ""}])
def public_headers_need_only_the_standard_library(tree):
    """An application compiles against client-api/include alone."""
    for path in tree.files(HEADERS, under=("client-api/include",)):
        for line, quoted, include in cxx.includes(tree.text(path)):
            if include.startswith("giromq/"):
                continue
            if quoted or "/" in include or include.endswith((".h", ".hpp")):
                yield Violation(path, line, f"a public header includes {include}, which is neither standard nor giromq/")


@rule(bad=[({"broker/core/a.cpp": '#include "core/gone.hpp"\n'}, "core/gone.hpp is not in the tree"),
           ({"broker/core/a.cpp": '#include "core/b.cpp"\n', "broker/core/b.cpp": ""}, "is not a header")],
      good=[{"broker/core/a.cpp": '#include "core/b.hpp"\n#include <vector>\n', "broker/core/b.hpp": ""}])
def quoted_includes_are_headers_of_the_tree(tree):
    """Quotes are for the project's headers, angles for everything else; a source file is never included."""
    for path in tree.files(CXX):
        for line, quoted, include in cxx.includes(tree.text(path)):
            if include.endswith((".cpp", ".c")):
                yield Violation(path, line, f"{include} is not a header")
            elif quoted and not include.startswith(layers.GENERATED_PREFIXES) and resolve(tree, path, include) is None:
                yield Violation(path, line, f"{include} is not in the tree: third-party and standard headers are included with <>")


LAYER_LIBRARY = re.compile(r"\badd_layer_library\(\s*(\w+)\s+LEVEL\s+(\d+)([^)]*)\)")


def cmake_layers(tree):
    """folder -> (name, level, dependencies, line) from the CMakeLists.txt files."""
    found = {}
    for path in tree.files(("CMakeLists.txt",)):
        text = tree.text(path)
        for match in LAYER_LIBRARY.finditer(text):
            depends = re.search(r"\bDEPENDS\s+([\w\s]+?)(?:\bTHIRD_PARTY\b|\bSOURCES\b|$)", match.group(3))
            names = depends.group(1).split() if depends else []
            found[path.rsplit("/", 1)[0]] = (match.group(1), int(match.group(2)), names, cxx.line_of(text, match.start()))
    return found


@rule(bad=[({"broker/model/CMakeLists.txt": "add_layer_library(model LEVEL 4 DEPENDS base)\n", "broker/model/a.hpp": ""},
    "LEVEL 4 differs from 1"),
           ({"broker/model/CMakeLists.txt": "add_layer_library(modell LEVEL 1)\n"}, "is named modell, not model"),
           ({"broker/extra/CMakeLists.txt": "add_layer_library(extra LEVEL 4)\n"}, "is not in tests/tidy/layers.py"),
           ({"broker/tx/a.cpp": ""}, "has no add_layer_library")],
      good=[{"broker/model/CMakeLists.txt": "add_layer_library(model LEVEL 1 DEPENDS base)\n", "broker/model/a.cpp": "",
             "broker/main/main.cpp": ""}])
def layer_table_matches_cmake(tree):
    """The levels of tests/tidy/layers.py and of the CMakeLists.txt files are the same, and every layer with sources is a library."""
    declared = cmake_layers(tree)
    for folder, (name, level, _, line) in declared.items():
        path = f"{folder}/CMakeLists.txt"
        if folder not in layers.LEVELS:
            yield Violation(path, line, f"the layer {name} is not in tests/tidy/layers.py")
            continue
        if level != layers.LEVELS[folder]:
            yield Violation(path, line, f"LEVEL {level} differs from {layers.LEVELS[folder]} in tests/tidy/layers.py")
        if name != layers.target_of(folder):
            yield Violation(path, line, f"the layer is named {name}, not {layers.target_of(folder)}")
    for folder in layers.LEVELS:
        if folder in declared or folder in layers.PROGRAMS:
            continue
        if any(layers.layer_of(path) == folder for path in tree.files(CXX, under=(folder,))):
            yield Violation(folder, 0, "has sources and has no add_layer_library in its CMakeLists.txt")


@rule(bad=[({"broker/amqp/CMakeLists.txt": "add_layer_library(amqp LEVEL 5 DEPENDS model)\n", "broker/core/CMakeLists.txt":
             "add_layer_library(core LEVEL 4)\n", "broker/amqp/a.cpp": '#include "core/b.hpp"\n', "broker/core/b.hpp": ""},
            "includes broker/core, which amqp does not depend on")],
      good=[{"broker/amqp/CMakeLists.txt": "add_layer_library(amqp LEVEL 5 DEPENDS core)\n", "broker/core/CMakeLists.txt":
             "add_layer_library(core LEVEL 4 DEPENDS model)\n", "broker/model/CMakeLists.txt": "add_layer_library(model LEVEL 1)\n",
             "broker/amqp/a.cpp": '#include "model/b.hpp"\n', "broker/model/b.hpp": ""}])
def included_layers_are_linked(tree):
    """A layer includes only layers that it depends on in CMake, directly or through others."""
    declared = cmake_layers(tree)
    by_name = {name: folder for folder, (name, _, _, _) in declared.items()}

    def reach(folder, seen):
        for name in declared[folder][2]:
            other = by_name.get(name)
            if other is not None and other not in seen:
                seen.add(other)
                reach(other, seen)
        return seen

    for path in tree.files(CXX):
        layer = layers.layer_of(path)
        if layer not in declared:
            continue
        reachable = reach(layer, {layer})
        for line, target in project_includes(tree, path):
            other = layers.layer_of(target)
            if other in declared and other not in reachable:
                yield Violation(path, line, f"includes {other}, which {declared[layer][0]} does not depend on in CMake")


@rule(bad=[({"tests/tidy/layers.py": "EXCEPTIONS = ((\"broker/base\", \"broker/net\"),)\n"}, "must stay empty")],
      good=[{"tests/tidy/layers.py": "EXCEPTIONS = ()\n"}])
def the_list_of_layer_exceptions_is_empty(tree):
    """No edge is exempt from the layers."""
    path = "tests/tidy/layers.py"
    if tree.has(path):
        match = re.search(r"^EXCEPTIONS = (.*)$", tree.text(path), re.MULTILINE)
        if not match or match.group(1).strip() != "()":
            yield Violation(path, 0, "EXCEPTIONS must stay empty: move the code to the right layer")


