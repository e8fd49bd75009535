"""Rules over the documents and the layout of the tree."""

import re

import layers
from framework import CXX, Violation, rule

TOP_FOLDERS = {"broker", "xa", "admin-web", "client-api", "schemas", "tests", "packaging", "cmake", "docs", "bench", "examples"}
README_LINES = 80


@rule(bad=[({"broker/base/a.hpp": ""}, "broker has no README.md"), ({"misc/a.txt": "", "misc/README.md": ""},
    "misc is not one of the project's")],
      good=[{"broker/README.md": "", "docs/README.md": "", ".ci/run": "", "CMakeLists.txt": ""}])
def top_folders_are_the_known_ones_and_have_a_readme(tree):
    """The top-level folders are fixed, and each says in README.md what lives there."""
    folders = sorted({path.split("/", 1)[0] for path in tree.files() if "/" in path and not path.startswith(".")})
    for folder in folders:
        if folder not in TOP_FOLDERS:
            yield Violation(folder, 0, f"{folder} is not one of the project's top-level folders")
        elif not tree.has(f"{folder}/README.md"):
            yield Violation(folder, 0, f"{folder} has no README.md")


@rule(bad=[({"broker/core/a.cpp": ""}, "broker/core has no README.md")], good=[{"broker/core/a.cpp": "",
    "broker/core/README.md": "# core\n"}])
def every_layer_has_a_readme(tree):
    """One page for each layer: what it is, what it owns, on which thread."""
    for folder in layers.LEVELS:
        if folder != "admin-web" and any(layers.layer_of(path) == folder for path in tree.files(CXX, under=(folder,))):
            if not tree.has(f"{folder}/README.md"):
                yield Violation(folder, 0, f"{folder} has no README.md")


@rule(bad=[({"broker/core/README.md": "line\n" * 81}, "81 lines")], good=[{"broker/core/README.md": "line\n" * 80,
    "docs/a.md": "line\n" * 300}])
def folder_readmes_fit_on_a_page(tree):
    """A README.md of a folder of the broker has at most 80 lines."""
    for path in tree.files(("README.md",), under=("broker", "xa")):
        count = len(tree.lines(path))
        if count > README_LINES:
            yield Violation(path, 0, f"{count} lines, at most {README_LINES}")


_LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")


def _without_code(text):
    text = re.sub(r"^(```|~~~).*?^\1", lambda match: re.sub(r"[^\n]", " ", match.group(0)), text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`\n]*`", lambda match: " " * len(match.group(0)), text)


def anchors(text):
    """The anchors of the headings of a Markdown text, as forges make them."""
    found = set()
    for match in re.finditer(r"^#{1,6}\s+(.+?)\s*#*$", text, re.MULTILINE):
        title = re.sub(r"[`*_]|\[([^\]]*)\]\([^)]*\)", lambda part: part.group(1) or "", match.group(1))
        slug = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        number, unique = 0, slug
        while unique in found:
            number += 1
            unique = f"{slug}-{number}"
        found.add(unique)
    return found


@rule(bad=[({"README.md": "See [this](docs/gone.md).\n"}, "docs/gone.md does not exist"),
           ({"docs/a.md": "[x](b.md#nowhere)\n", "docs/b.md": "# Here\n"}, "no heading #nowhere"),
           ({"docs/a.md": "[x](/docs/b.md)\n", "docs/b.md": ""}, "is absolute")],
      good=[{"README.md": "[a](docs/a.md), [b](docs/a.md#two-words), [c](https://example.org/x), `[d](gone.md)`, "
             "[e](#top)\n# Top\n```\n[f](gone)\n```\n",
             "docs/a.md": "# Two words\n[up](../README.md)\n"}])
def links_in_documents_resolve(tree):
    """Relative links of Markdown files lead to a file, and to a heading in it."""
    for path in tree.files((".md",)):
        text = _without_code(tree.text(path))
        for match in _LINK.finditer(text):
            link = match.group(1)
            line = text.count("\n", 0, match.start()) + 1
            if re.match(r"[a-z][a-z0-9+.-]*:", link):
                continue
            if link.startswith("/"):
                yield Violation(path, line, f"the link {link} is absolute")
                continue
            target, _, anchor = link.partition("#")
            file = (tree.root / path).parent / target if target else tree.root / path
            if not file.exists():
                yield Violation(path, line, f"{link} does not exist")
            elif anchor and file.suffix == ".md":
                if anchor not in anchors(re.sub(r"^(```|~~~).*?^\1", "", file.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)):
                    yield Violation(path, line, f"{target or path} has no heading #{anchor}")


CHANGES = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")


@rule(bad=[({"README.md": ""}, "there is no CHANGELOG.md"), ({"CHANGELOG.md": "# Changes\n"}, "begins with '# Changelog'"),
           ({"CHANGELOG.md": "# Changelog\n\n## [1.0.0] - 2027-01-01\n\n### Added\n- X.\n"}, "first section is '## [Unreleased]'"),
           ({"CHANGELOG.md": "# Changelog\n\n## [Unreleased]\n\n### News\n- X.\n"}, "News is not one of"),
           ({"CHANGELOG.md": "# Changelog\n\n## [Unreleased]\n\n## 1.0\n"}, "is not '## [x.y.z] - YYYY-MM-DD'"),
           ({"CHANGELOG.md": "# Changelog\n\n## [Unreleased]\n\n### Added\nfree text\n"}, "is not an entry")],
      good=[{"CHANGELOG.md": "# Changelog\n\nAll that users notice.\n\n## [Unreleased]\n\n### Added\n\n- A thing,\n  told on two lines.\n\n"
             "## [0.1.0] - 2027-01-01\n\n### Fixed\n\n- B.\n"}])
def the_changelog_has_its_form(tree):
    """Sections are versions with dates, newest first, `[Unreleased]` above; entries are lists under Added, Changed, Fixed and so on."""
    path = "CHANGELOG.md"
    if not tree.has(path):
        yield Violation(path, 0, "there is no CHANGELOG.md")
        return
    lines = tree.lines(path)
    if not lines or lines[0] != "# Changelog":
        yield Violation(path, 1, "begins with '# Changelog'")
    sections, in_changes = 0, False
    for number, line in enumerate(lines[1:], 2):
        if line.startswith("## "):
            sections, in_changes = sections + 1, False
            if sections == 1 and line != "## [Unreleased]":
                yield Violation(path, number, "the first section is '## [Unreleased]'")
            elif sections > 1 and not re.fullmatch(r"## \[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", line):
                yield Violation(path, number, "is not '## [x.y.z] - YYYY-MM-DD'")
        elif line.startswith("### "):
            in_changes = True
            if line[4:] not in CHANGES:
                yield Violation(path, number, f"{line[4:]} is not one of {', '.join(CHANGES)}")
        elif sections and line.strip() and not (in_changes and line.startswith(("- ", "  "))):
            yield Violation(path, number, "is not an entry of a list")


@rule(bad=[({"docs/adr/first.md": "# A\n"}, "is not named NNNN-words.md"), ({"docs/adr/0001-a-b.md": "# Title\n\n## Decision\n"},
    "Context"),
           ({"docs/adr/0002-a-b.md": "# T\n## Context\n## Decision\n## Consequences\n"}, "0001 is missing")],
      good=[{"docs/adr/0001-a-b.md": "# T\n\nStatus: accepted\n\n## Context\n## Decision\n## Consequences\n", "docs/adr/README.md": ""}])
def decisions_have_their_form(tree):
    """Each decision in docs/adr is numbered without gaps and says its status, context, decision and consequences."""
    numbers = []
    for path in tree.files((".md",), under=("docs/adr",)):
        name = path.rsplit("/", 1)[1]
        if name == "README.md":
            continue
        match = re.fullmatch(r"(\d{4})-[a-z0-9-]+\.md", name)
        if not match:
            yield Violation(path, 0, "is not named NNNN-words.md")
            continue
        numbers.append(int(match.group(1)))
        for needed in ("Status: ", "## Context", "## Decision", "## Consequences"):
            if not re.search("^" + re.escape(needed), tree.text(path), re.MULTILINE):
                yield Violation(path, 0, f"has no '{needed.strip()}'")
    for number in range(1, max(numbers, default=0) + 1):
        if numbers.count(number) != 1:
            yield Violation("docs/adr", 0, f"{number:04} is {'missing' if number not in numbers else 'there twice'}")


@rule(bad=[({"LICENSE": "MIT\n"}, "Apache"), ({"README.md": ""}, "there is no LICENSE")],
      good=[{"LICENSE": "\n Apache License\n Version 2.0, January 2004\n"}])
def the_licence_is_apache_2(tree):
    """The licence is the full text of Apache 2.0."""
    if not tree.has("LICENSE"):
        yield Violation("LICENSE", 0, "there is no LICENSE")
    elif not re.search(r"Apache License\s+Version 2\.0", tree.text("LICENSE")):
        yield Violation("LICENSE", 0, "is not the Apache License, Version 2.0")
