#!/usr/bin/python3
"""Runs the tests over python3-qpid-proton against giromqd of GIROMQ_BUILD_DIR: `run.py [-f] [test_queues.Flow.test_... ...]`.

It is Debian's Python that has the module, so the first line names it. Exit code 77: something is missing.
"""

import pathlib
import sys
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from broker import SKIPPED, program  # noqa: E402


class Result(unittest.TextTestResult):
    """Says how long each test took, and which one is running."""

    def startTest(self, test):
        self._began = time.monotonic()
        super().startTest(test)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.stream.writeln(f"    {time.monotonic() - self._began:.2f} s")


def main():
    try:
        import proton  # noqa: F401
    except ImportError:
        print("skipped: python3-qpid-proton is not installed")
        return SKIPPED
    if not program("giromqd").exists():
        print(f"skipped: {program('giromqd')} is not built")
        return SKIPPED
    names = [name for name in sys.argv[1:] if not name.startswith("-")]
    loader = unittest.defaultTestLoader
    suite = loader.loadTestsFromNames(names) if names else loader.discover(str(HERE))
    runner = unittest.TextTestRunner(stream=sys.stdout, verbosity=2, failfast="-f" in sys.argv, resultclass=Result)
    result = runner.run(suite)
    if not result.wasSuccessful() or result.testsRun == 0:
        return 1
    print(f"OK ({result.testsRun})")  # what tests/results.py counts
    return 0


if __name__ == "__main__":
    sys.exit(main())
