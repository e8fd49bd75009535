"""Rules over every text file: unfinished work, machine paths, white space, data that parses."""

import ast
import json
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree

import cxx
from framework import CXX, Violation, rule

# Written in pieces so that this file does not break its own rules.
_MARKS = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|X" + r"XX|HA" + r"CK)\b")
_UNFINISHED = re.compile(r"\b(?:not (?:yet )?implemented|NotImpl" + r"emented\w*|st" + r"ub)\b", re.IGNORECASE)
_MACHINE = re.compile(r"(?<![\w.$}])/(?:w" + r"ork|ro" + r"ot|ho" + r"me/[a-z]+|Us" + r"ers/[a-z]+)/|\bpy" + r"env\b")


def _is_fixture(path):
    """Files that are wrong on purpose."""
    return path.startswith("tests/fuzz/corpus/") or re.search(r"(?:^|/)(?:invalid|malformed)(?:[/_]|-)", path) is not None


@rule(bad=[({"broker/core/a.cpp": "// TO" "DO: later\n"}, "TO" "DO"), ({"docs/a.md": "FIX" "ME\n"}, "FIX" "ME"),
           ({"broker/core/a.cpp": "throw 1;  // not " "implemented\n"}, "not " "implemented")],
      good=[{"broker/net/a.cpp": "refuse(\"not " "implemented\");\n", "broker/core/a.cpp": "// mktemp giromq.XXXXXX todos\n",
             "README.md": "MQTT is not implemented.\n"}])
def nothing_is_left_unfinished(tree):
    """Work is finished, or an issue says what is missing; marks in the code rot."""
    for path in tree.text_files():
        if path.startswith("tests/tidy/") and not path.endswith(".md"):
            continue
        # AMQP has a condition amqp:not-implemented, whose sentence is no confession.
        code = cxx.blank_strings(tree.text(path)).splitlines() if path.endswith(CXX) else []
        for number, line in enumerate(tree.lines(path), 1):
            match = _MARKS.search(line)
            if match is None and number - 1 < len(code):
                match = _UNFINISHED.search(code[number - 1])
            if match:
                yield Violation(path, number, f"'{match.group(0)}' marks unfinished work")


@rule(bad=[({"broker/core/a.cpp": "int a;\n\tint b;\n"}, "tab")], good=[{"broker/core/a.cpp": "const char* a = \"\\t\";\n"}])
def source_has_no_tabs(tree):
    """Spaces only, so that columns are the same everywhere."""
    for path in tree.text_files():
        if path.endswith(CXX + (".py", ".sh", ".cmake", ".txt", ".json", ".xml", ".xsd", ".yml", ".yaml", ".ts", ".tsx", ".sql", ".md")):
            for number, line in enumerate(tree.lines(path), 1):
                if "\t" in line and not _is_fixture(path):
                    yield Violation(path, number, "tab character")


@rule(bad=[({"broker/core/a.cpp": "int a; \n"}, "white space at the end"), ({"docs/a.md": "text"}, "ends without a line break"),
           ({"docs/a.md": "text\r\n"}, "carriage return")],
      good=[{"broker/core/a.cpp": "int a;\n", "docs/a.md": "text\n", "docs/empty.md": ""}])
def lines_end_cleanly(tree):
    """No white space at the end of a line, Unix line breaks, one at the end of the file."""
    for path in tree.text_files():
        content = tree.bytes(path)
        if _is_fixture(path) or not content:
            continue
        if not content.endswith(b"\n"):
            yield Violation(path, 0, "ends without a line break")
        for number, line in enumerate(content.split(b"\n"), 1):
            if line.endswith(b"\r"):
                yield Violation(path, number, "carriage return")
            elif line != line.rstrip():
                yield Violation(path, number, "white space at the end of the line")


@rule(bad=[({"packaging/a.sh": "cd /w" "ork/main\n"}, "a path of one machine"), ({"docs/a.md": "in /ho" "me/anna/giromq\n"},
    "a path of one machine"),
           ({"admin-web/ui/package-lock.json": '{"a": {"resolved": "https://npm.mirror.example/x.tgz"}}\n'}, "registry")],
      good=[{"packaging/a.sh": 'cd "$root/wo' 'rk/x"\nls /var/lib/giromq\n', "docs/a.md": "https://example.org/w" "ork/a\n",
             "admin-web/ui/package-lock.json": '{"a": {"resolved": "https://registry.npmjs.org/x.tgz"}}\n'}])
def nothing_names_the_machine_it_was_written_on(tree):
    """No absolute path of a home or working folder, and no private package registry."""
    for path in tree.text_files():
        if path.startswith("tests/tidy/") and path.endswith(".py"):
            continue
        for number, line in enumerate(tree.lines(path), 1):
            if _MACHINE.search(line):
                yield Violation(path, number, "a path of one machine")
            match = re.search(r'"resolved":\s*"(?!https://registry\.npmjs\.org/)([^"]*)"', line)
            if match:
                yield Violation(path, number, f"a registry other than the public one: {match.group(1)}")


@rule(bad=[({"docs/a.json": '{"a": 1,}\n'}, "a.json"), ({"schemas/a.xsd": "<a><b></a>\n"}, "a.xsd"), ({"docs/a.yml": "a: 1\n\tb: 2\n"},
    "a.yml"),
           ({"docs/a.yml": "a:\n  - [1, 2\nb: 3\n"}, "a.yml")],
      good=[{"docs/a.json": '{"a": [1, null]}\n', "schemas/a.xsd": "<a><b/></a>\n",
             "docs/a.yml": "a:\n  - b: {c: [1, 2]}\n  - 'it''s: [fine'\nd: |\n  a [ b\n",
             "tests/unit/xml/invalid/a.xml": "<a>"}])
def data_files_parse(tree):
    """Every JSON, XML and YAML file is well-formed (YAML: tabs and brackets only, unless Python's yaml package is there)."""
    for path in tree.files((".json", ".xml", ".xsd", ".yml", ".yaml", ".svg")):
        if _is_fixture(path):
            continue
        try:
            if path.endswith(".json"):
                json.loads(tree.text(path))
            elif path.endswith((".yml", ".yaml")):
                check_yaml(tree.text(path))
            else:
                xml.etree.ElementTree.fromstring(tree.bytes(path))
        except Exception as failure:  # each parser has its own exceptions
            yield Violation(path, 0, f"does not parse: {' '.join(str(failure).split())}")


def check_yaml(text):
    """Raises ValueError if the text cannot be YAML."""
    _check_yaml_brackets(text)
    try:
        import yaml
    except ImportError:
        return
    for _ in yaml.safe_load_all(text):
        pass


def _check_yaml_brackets(text):
    block_indent, depth = None, 0
    for number, line in enumerate(text.split("\n"), 1):
        indent = len(line) - len(line.lstrip(" "))
        if block_indent is not None and (not line.strip() or indent > block_indent):
            continue
        block_indent = None
        if line[indent:].startswith("\t"):
            raise ValueError(f"line {number}: indented with a tab")
        plain = re.sub(r"'(?:[^']|'')*'|\"(?:\\.|[^\"\\])*\"", "", line)
        plain = re.sub(r"(?:^|\s)#.*", "", plain)
        if depth > 0 and indent == 0 and re.match(r"[\w-]+:\s", plain):
            raise ValueError(f"line {number}: a bracket before it is not closed")
        if re.search(r":\s+[\[{]|^\s*-\s+[\[{]|^\s*[\]}]", plain) or depth > 0:
            depth += len(re.findall(r"[\[{]", plain)) - len(re.findall(r"[\]}]", plain))
        if depth < 0:
            raise ValueError(f"line {number}: a bracket too many")
        if re.search(r"(?:^|\s)[|>][+-]?\d?\s*$", plain):
            block_indent = indent
    if depth != 0:
        raise ValueError("a bracket is not closed")


def _shell_scripts(tree):
    for path in tree.files():
        if path.endswith(".sh") or ("." not in path.rsplit("/", 1)[-1] and re.match(rb"#!.*\b(?:ba)?sh\b", tree.bytes(path)[:64])):
            yield path


@rule(bad=[({"packaging/a.sh": "#!/usr/bin/env bash\nset -euo pipefail\nif true; then\n"}, "does not parse"),
           ({"packaging/a.sh": "#!/usr/bin/env bash\necho a\n"}, "set -u"), ({"packaging/b": "#!/bin/sh\necho a\n"}, "set -u")],
      good=[{"packaging/a.sh": "#!/usr/bin/env bash\n# A comment.\nset -euo pipefail\necho a\n",
             "packaging/lib/b.sh": "# Sourced.\na() { true; }\n"}])
def shell_scripts_parse_and_stop_at_unset_variables(tree):
    """`bash -n` accepts every script, and each that is run (not sourced) says at least `set -u`."""
    bash = shutil.which("bash")
    for path in _shell_scripts(tree):
        if bash:
            result = subprocess.run([bash, "-n", str(tree.root / path)], capture_output=True, text=True, check=False)
            if result.returncode != 0:
                yield Violation(path, 0, f"does not parse: {result.stderr.strip()}")
        text = tree.text(path)
        if text.startswith("#!") and not re.search(r"^set -\w*u", text, re.MULTILINE):
            yield Violation(path, 0, "says neither `set -u` nor `set -euo pipefail`")


@rule(bad=[({"packaging/a.sh": "#!/usr/bin/env bash\n"}, "not executable")], good=[{"packaging/a.sh": "# Sourced.\n"}])
def programs_are_executable(tree):
    """A file that begins with #! can be run."""
    for path in tree.files():
        if tree.bytes(path)[:2] == b"#!" and not os.access(tree.root / path, os.X_OK):
            yield Violation(path, 0, "begins with #! and is not executable")


@rule(bad=[({"tests/a.py": "def f(:\n"}, "does not parse")], good=[{"tests/a.py": "def f():\n    return 1\n"}])
def python_files_parse(tree):
    """Every Python file is syntactically right."""
    for path in tree.files((".py",)):
        try:
            ast.parse(tree.text(path))
        except SyntaxError as failure:
            yield Violation(path, failure.lineno or 0, f"does not parse: {failure.msg}")
