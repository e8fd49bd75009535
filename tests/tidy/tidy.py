#!/usr/bin/env python3
"""Checks of the source tree that a compiler does not make. See tests/tidy/README.md.

    tidy.py                      every rule: self-test, then the tree
    tidy.py RULE...              these rules
    tidy.py --list               the names of the rules
    tidy.py --by-folder          all violations, counted by top-level folder and layer
Options: --root DIR (default: the project), --build DIR (for compile_commands.json and the cache of what passed).
Exit code: 0 clean, 1 violations, 2 wrong use, 77 every rule asked for was skipped (a tool is not installed).
"""

import argparse
import pathlib
import sys

import layers
import rules_coroutines  # noqa: F401  (each module registers its rules)
import rules_cxx  # noqa: F401
import rules_docs  # noqa: F401
import rules_includes  # noqa: F401
import rules_text  # noqa: F401
import rules_tools  # noqa: F401
from framework import RULES, Skipped, Tree, self_test

SKIPPED_EXIT_CODE = 77


def run(one, tree, out):
    """Runs a rule; returns (violations or None if it was skipped)."""
    try:
        broken = list(self_test(one))
        if broken:
            for text in broken:
                print(f"self-test: {text}", file=out)
            return broken
        violations = list(one.check(tree))
    except Skipped as reason:
        print(f"skipped {one.name}: {reason}", file=out)
        return None
    for violation in violations:
        print(violation, file=out)
    print(f"{'ok' if not violations else 'FAILED'} {one.name}: {len(violations)} violations", file=out)
    if violations:
        print(f"   {' '.join(one.explanation.split())}", file=out)
    return violations


def print_by_folder(results):
    folders = {}
    known = list(layers.LEVELS) + list(layers.OUTSIDE)
    for violations in results.values():
        for violation in violations or ():
            path = getattr(violation, "path", "tests/tidy")
            folder = layers.folder_of(path, known) or "/".join(path.split("/")[:2 if path.startswith("tests/") else 1])
            folders.setdefault(folder, []).append(violation)
    for folder in sorted(folders):
        print(f"\n{folder}: {len(folders[folder])}")
        for violation in folders[folder]:
            print(f"  {violation}")


def main(arguments):
    project = pathlib.Path(__file__).resolve().parent.parent.parent
    parser = argparse.ArgumentParser(description="Checks of the source tree that a compiler does not make.")
    parser.add_argument("rules", nargs="*", metavar="RULE")
    parser.add_argument("--root", default=project, type=pathlib.Path)
    parser.add_argument("--build", type=pathlib.Path)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--by-folder", action="store_true")
    options = parser.parse_args(arguments)
    if options.list:
        print("\n".join(RULES))
        return 0
    unknown = [name for name in options.rules if name not in RULES]
    if unknown:
        parser.error(f"no such rule: {', '.join(unknown)}")
    tree = Tree(options.root.resolve(), options.build)
    results = {name: run(RULES[name], tree, sys.stdout) for name in options.rules or RULES}
    if options.by_folder:
        print_by_folder(results)
    if any(results.values()):
        return 1
    return SKIPPED_EXIT_CODE if all(found is None for found in results.values()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
