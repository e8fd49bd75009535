"""What every rule uses: the tree of files, violations, and the registry of rules with the fixtures that prove that they can fail."""

import os
import pathlib
import tempfile
from dataclasses import dataclass, field

SKIPPED_FOLDERS = {".git", "build", ".cache", "node_modules", "__pycache__", "dist"}
CXX = (".cpp", ".hpp", ".h")
HEADERS = (".hpp", ".h")
TEXT = CXX + (".c", ".py", ".sh", ".md", ".cmake", ".txt", ".ts", ".tsx", ".css", ".html", ".js", ".mjs", ".java", ".json", ".xml",
              ".xsd", ".yml", ".yaml", ".sql", ".service", ".conf", ".in", ".pc")


@dataclass
class Violation:
    path: str
    line: int
    text: str

    def __str__(self):
        place = f"{self.path}:{self.line}" if self.line else self.path
        return f"{place}: {self.text}"


class Tree:
    """The files of the project (or of a fixture), by path from the root with `/`."""

    def __init__(self, root, build=None):
        self.root = pathlib.Path(root)
        self.build = pathlib.Path(build) if build else None
        self._texts = {}
        self._files = sorted(self._walk())

    def _walk(self):
        for folder, folders, files in os.walk(self.root):
            folders[:] = [name for name in folders if name not in SKIPPED_FOLDERS]
            for name in files:
                yield pathlib.Path(folder, name).relative_to(self.root).as_posix()

    def files(self, suffixes=None, under=None):
        for path in self._files:
            if under and not any(path.startswith(prefix + "/") for prefix in under):
                continue
            if suffixes and not path.endswith(tuple(suffixes)):
                continue
            if os.path.isfile(self.root / path):
                yield path

    def text_files(self):
        for path in self.files():
            name = path.rsplit("/", 1)[-1]
            if path.endswith(TEXT) or "." not in name or name in (".clang-format", ".clang-tidy", ".gitignore"):
                if not path.startswith("tests/fuzz/corpus/") and b"\0" not in self.bytes(path)[:4096]:
                    yield path

    def bytes(self, path):
        try:
            return (self.root / path).read_bytes()
        except FileNotFoundError:  # edited while it is checked
            return b""

    def text(self, path):
        if path not in self._texts:
            self._texts[path] = self.bytes(path).decode("utf-8", errors="replace")
        return self._texts[path]

    def lines(self, path):
        return self.text(path).splitlines()

    def has(self, path):
        return (self.root / path).is_file()


class Skipped(Exception):
    """A rule that cannot run here, with the reason (a tool that is not installed)."""


@dataclass
class Rule:
    name: str
    check: object
    # Fixtures: a list of ({path: content}, expected part of the violation or None if the tree is clean).
    bad: list = field(default_factory=list)
    good: list = field(default_factory=list)

    @property
    def explanation(self):
        return (self.check.__doc__ or "").strip()


RULES = {}


def rule(bad, good=()):
    """Registers a check: a function of a Tree that yields Violations. `bad` are fixtures in which it must find something, as pairs of
    files and a part of the message; `good` are fixtures in which it must find nothing."""

    def register(check):
        RULES[check.__name__] = Rule(check.__name__, check, list(bad), list(good))
        return check

    return register


def make_fixture(folder, files):
    for path, content in files.items():
        target = pathlib.Path(folder, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, encoding="utf-8")


def self_test(one):
    """Proves that a rule can fail, and that it does not always fail. Yields what is wrong with the rule."""
    if not one.bad:
        yield f"{one.name}: has no fixture that it must refuse"
    for files, expected in one.bad:
        with tempfile.TemporaryDirectory(prefix="giromq-tidy-") as folder:
            make_fixture(folder, files)
            found = [str(violation) for violation in one.check(Tree(folder))]
            if not any(expected in text for text in found):
                yield f"{one.name}: did not report '{expected}' in the fixture {sorted(files)}; it reported {found}"
    for files in one.good:
        with tempfile.TemporaryDirectory(prefix="giromq-tidy-") as folder:
            make_fixture(folder, files)
            found = [str(violation) for violation in one.check(Tree(folder))]
            if found:
                yield f"{one.name}: reported {found} in the clean fixture {sorted(files)}"
