"""Rules that run a tool: the compiler over each header, clang-format, CMake. Results are kept by content in the build folder."""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import tempfile

import cxx
import layers
import rules_includes
from framework import CXX, HEADERS, Skipped, Violation, rule

JOBS = 2
PUBLIC_HEADERS = "client-api/include/"


class Cache:
    """Remembers what passed, by a hash of everything that the result depends on. Without a build folder nothing is remembered."""

    def __init__(self, tree, name):
        self.folder = tree.build / "tidy" / name if tree.build else None

    def _file(self, key):
        return self.folder / hashlib.sha256(key).hexdigest()

    def passed(self, key):
        return self.folder is not None and self._file(key).exists()

    def keep(self, key):
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._file(key).touch()


def closure(tree, path, seen=None):
    """A file and every file of the project that it includes, directly or not."""
    seen = {path} if seen is None else seen
    for _, target in rules_includes.project_includes(tree, path):
        if target not in seen:
            seen.add(target)
            closure(tree, target, seen)
    return seen


def _compile_commands(tree):
    """(source, command) for each source of the project that the build compiles."""
    database = tree.build / "compile_commands.json" if tree.build else None
    if database is None or not database.exists():
        return
    for entry in json.loads(database.read_text(encoding="utf-8")):
        try:
            yield pathlib.Path(entry["file"]).relative_to(tree.root.resolve()).as_posix(), entry["command"]
        except ValueError:
            continue


def _first_of_its_source(tree):
    """The headers that are the very first include of a source that the build compiles: it has shown that they need nothing else."""
    found = set()
    for source, _ in _compile_commands(tree):
        first = next(iter(cxx.includes(tree.text(source))), None) if tree.has(source) else None
        target = rules_includes.resolve(tree, source, first[2]) if first else None
        # Public headers are compiled with less than their sources are.
        if target and not target.startswith(PUBLIC_HEADERS):
            found.add(target)
    return found


def _flags_by_folder(tree):
    """folder -> include paths, definitions and standard that the build uses for a source in it."""
    flags = {}
    for source, command in _compile_commands(tree):
        folder = source.rpartition("/")[0]
        words, kept, index = shlex.split(command), [], 0
        while index < len(words):
            word = words[index]
            if word == "-isystem" or word in ("-I", "-D"):
                kept += [word, words[index + 1]]
                index += 1
            elif word.startswith(("-I", "-D", "-std=", "-isystem")):
                kept.append(word)
            index += 1
        flags.setdefault(folder, kept)
    return flags


def _flags_for(tree, path, by_folder):
    if path.startswith(PUBLIC_HEADERS):
        return ["-std=c++20", f"-I{tree.root / 'client-api/include'}"]
    folder = path.rsplit("/", 1)[0]
    while folder:
        if folder in by_folder:
            return by_folder[folder]
        folder = folder.rpartition("/")[0]
    return ["-std=c++20"] + [f"-I{tree.root if root == '.' else tree.root / root}" for root in layers.INCLUDE_ROOTS]


def _compiler():
    compiler = os.environ.get("CXX") or shutil.which("g++") or shutil.which("c++") or shutil.which("clang++")
    if not compiler:
        raise Skipped("there is no C++ compiler")
    return compiler


def _compile_alone(tree, path, compiler, flags, cache, version):
    parts = [version, " ".join(flags).encode(), path.encode()]
    parts += [hashlib.sha256(tree.bytes(one)).digest() for one in sorted(closure(tree, path))]
    key = b"\0".join(parts)
    if cache.passed(key):
        return None
    command = [compiler, "-x", "c++", "-fsyntax-only", "-w", *flags, "-"]
    source = f'#include "{(tree.root / path).resolve()}"\n'
    result = subprocess.run(command, input=source, capture_output=True, text=True, check=False)
    if result.returncode == 0:
        cache.keep(key)
        return None
    errors = [line for line in result.stderr.splitlines() if "error:" in line]
    return errors[0] if errors else result.stderr.strip()[:300]


@rule(bad=[({"broker/base/a.hpp": "#pragma once\nstd::string name();\n"}, "does not compile alone"),
           ({"broker/base/a.hpp": '#pragma once\n#include "base/b.hpp"\nB b();\n', "broker/base/b.hpp": "#pragma once\n"}, "a.hpp")],
      good=[{"broker/base/a.hpp": '#pragma once\n#include <string>\n#include "base/b.hpp"\nstd::string name(B b);\n',
             "broker/base/b.hpp": "#pragma once\nstruct B {};\n"}])
def headers_compile_alone(tree):
    """Each header includes what it needs. Flags are those of the folder's sources in compile_commands.json, and a header that comes
    first in one of those sources has been compiled alone by the build."""
    compiler = _compiler()
    version = subprocess.run([compiler, "--version"], capture_output=True, check=False).stdout
    by_folder, cache = _flags_by_folder(tree), Cache(tree, "headers")
    shown = _first_of_its_source(tree)
    paths = [path for path in tree.files(HEADERS) if path not in shown]
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        flags = {path: _flags_for(tree, path, by_folder) for path in paths}
        pending = [pool.submit(_compile_alone, tree, path, compiler, flags[path], cache, version) for path in paths]
        for path, one in zip(paths, pending):
            if one.result():
                yield Violation(path, 0, f"does not compile alone: {one.result()}")


FORMAT_VERSION = "14"


@rule(bad=[({".clang-format": "BasedOnStyle: Google\n", "broker/base/a.cpp": "int  a ;\n"}, "clang-format")],
      good=[{".clang-format": "BasedOnStyle: Google\n", "broker/base/a.cpp": "int a;\n"}])
def sources_are_formatted(tree):
    """`clang-format --dry-run` has nothing to say. Only version 14 (Debian 12) is asked: others differ in details."""
    tool = shutil.which("clang-format-14") or shutil.which("clang-format")
    if not tool:
        raise Skipped("clang-format is not installed")
    version = subprocess.run([tool, "--version"], capture_output=True, text=True, check=False).stdout
    if not re.search(rf"version {FORMAT_VERSION}\.", version):
        raise Skipped(f"clang-format is not version {FORMAT_VERSION}")
    cache, style = Cache(tree, "format"), tree.bytes(".clang-format")

    def check(path):
        key = b"\0".join((version.encode(), style, tree.bytes(path)))
        if cache.passed(key):
            return None
        result = subprocess.run([tool, "--dry-run", "--Werror", path], cwd=tree.root, capture_output=True, text=True, check=False)
        if result.returncode == 0:
            cache.keep(key)
            return None
        lines = sorted({int(match.group(1)) for match in re.finditer(r":(\d+):\d+: (?:error|warning)", result.stderr)})
        return lines or [0]

    paths = list(tree.files(CXX))
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for path, lines in zip(paths, pool.map(check, paths)):
            if lines:
                yield Violation(path, lines[0], f"is not as clang-format would have it ({len(lines)} places): clang-format -i {path}")


_SCRATCH = """cmake_minimum_required(VERSION 3.25)
project(scratch LANGUAGES NONE)
include("${LAYERS}")
"""


def configure(layers_file, libraries):
    """Configures a scratch project with these add_layer_library() calls; (succeeded, output)."""
    cmake = shutil.which("cmake")
    if not cmake:
        raise Skipped("cmake is not installed")
    with tempfile.TemporaryDirectory(prefix="giromq-layers-") as folder:
        pathlib.Path(folder, "CMakeLists.txt").write_text(_SCRATCH + "\n".join(libraries) + "\n", encoding="utf-8")
        command = [cmake, "-G", "Ninja", "-S", folder, "-B", f"{folder}/build", f"-DLAYERS={layers_file}"]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        return result.returncode == 0, " ".join((result.stdout + result.stderr).split())


_LOW, _HIGH = "add_layer_library(low LEVEL 1)", "add_layer_library(high LEVEL 3)"
LAYER_PROJECTS = (
    # (what it is, libraries, whether it configures)
    ("a downward edge", (_LOW, _HIGH.replace(")", " DEPENDS low)")), True),
    ("an upward edge", (_HIGH, _LOW.replace(")", " DEPENDS high)")), False),
    ("an edge within a level", (_LOW, "add_layer_library(beside LEVEL 1 DEPENDS low)"), False),
)


@rule(bad=[({"cmake/Layers.cmake": "function(add_layer_library name)\nendfunction()\n"}, "an upward edge was accepted"),
           ({"cmake/Layers.cmake": "function(add_layer_library name)\nmessage(FATAL_ERROR \"no\")\nendfunction()\n"},
            "a downward edge was refused"),
           ({"README.md": ""}, "there is no cmake/Layers.cmake")])
def cmake_refuses_upward_edges(tree):
    """A scratch project with an upward or a sideways edge does not configure, and says why; one with a downward edge does."""
    path = "cmake/Layers.cmake"
    if not tree.has(path):
        yield Violation(path, 0, f"there is no {path}")
        return
    for name, libraries, accepted in LAYER_PROJECTS:
        succeeded, output = configure(tree.root.resolve() / path, libraries)
        if succeeded != accepted:
            yield Violation(path, 0, f"{name} was {'accepted' if succeeded else 'refused: ' + output[-300:]}")
        elif not succeeded and "layers only point down" not in output:
            yield Violation(path, 0, f"{name} was refused without saying that layers only point down: {output[-300:]}")
