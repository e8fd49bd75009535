#!/usr/bin/env python3
"""Counts the cases in a JUnit file that CTest wrote: `results.py FILE` prints 'PASSED FAILED SKIPPED';
`results.py --self-test` checks the counting.

A CppUnit program is one test for CTest and many cases for people: its summary is read from its output. Everything else is one case.
"""

import re
import sys
import xml.etree.ElementTree


def count(case):
    """(passed, failed, skipped) of a <testcase>."""
    output = case.findtext("system-out") or ""
    status = case.get("status", "run")
    if status in ("notrun", "disabled"):
        # A program that is not there is a failure; CTest reports it like a test that chose to be skipped, but for the message.
        reason = case.find("skipped")
        chosen = status == "disabled" or (reason is not None and reason.get("message", "").startswith("SKIP_"))
        return (0, 0, 1) if chosen else (0, 1, 0)
    if status == "run" and case.find("failure") is None:
        summary = re.search(r"OK \((\d+)\)\s*$", output, re.MULTILINE)
        return (int(summary.group(1)) if summary else 1, 0, 0)
    summary = re.search(r"^Run:\s*(\d+)\s+Failure total:\s*(\d+)", output, re.MULTILINE)
    if summary and int(summary.group(2)) > 0:
        return (int(summary.group(1)) - int(summary.group(2)), int(summary.group(2)), 0)
    # It crashed or ran out of time: what had passed until then, and one failure.
    return (len(re.findall(r" : OK(?:$|OK)", output, re.MULTILINE)), 1, 0)


SAMPLES = (
    ('<testcase status="run"><system-out>A::a_b_c : OK\nA::d_e_f : OKOK (2)\n</system-out></testcase>', (2, 0, 0)),
    ('<testcase status="run"><system-out>a script says what it likes</system-out></testcase>', (1, 0, 0)),
    ('<testcase status="fail"><failure/><system-out>A::a_b_c : OK\nA::d_e_f : assertion\nFailures !!!\n'
     'Run: 3   Failure total: 1   Failures: 1   Errors: 0\n</system-out></testcase>', (2, 1, 0)),
    ('<testcase status="fail"><failure/><system-out>A::a_b_c : OK\nA::d_e_f</system-out></testcase>', (1, 1, 0)),
    ('<testcase status="fail"><failure/><system-out>A::a_b_c : OKOK (1)\nthen it leaked</system-out></testcase>', (1, 1, 0)),
    ('<testcase status="notrun"><skipped message="SKIP_RETURN_CODE=77"/></testcase>', (0, 0, 1)),
    ('<testcase status="notrun"><skipped message="Unable to find executable"/></testcase>', (0, 1, 0)),
    ('<testcase status="disabled"/>', (0, 0, 1)),
)


def self_test():
    wrong = 0
    for text, expected in SAMPLES:
        counted = count(xml.etree.ElementTree.fromstring(text))
        if counted != expected:
            print(f"{text}: counted {counted}, not {expected}", file=sys.stderr)
            wrong += 1
    return 1 if wrong else 0


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    totals = [0, 0, 0]
    for case in xml.etree.ElementTree.parse(arguments[0]).getroot().iter("testcase"):
        totals = [total + more for total, more in zip(totals, count(case))]
    print(*totals)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
