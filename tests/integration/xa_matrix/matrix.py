#!/usr/bin/python3
"""The crash matrix of XA: plays every row and checks the invariants from outside. See README.md.

  matrix.py [ROW...]

Every row is named in the output. Exit code 77: something is missing.
"""

import shutil
import sys
import tempfile
import time
import traceback

import rows
import rows_broker  # noqa: F401  (they fill the table)
import rows_others  # noqa: F401
from world import DRIVER, FULL_DISK, TRANSFER, World, make_ledger, program

from broker import SKIPPED
from postgresql import server_folder


def missing():
    if shutil.which("setpriv") is None:
        return "setpriv is not installed"
    for file in (program("giromqd"), program("giromq"), DRIVER, TRANSFER, FULL_DISK):
        if not file.exists():
            return f"{file} is not built"
    return None if server_folder() else "PostgreSQL is not installed"


def play(number, database):
    """The word about the row, and whether it is well."""
    dies, point, function = rows.ROWS[number]
    began = time.monotonic()
    world = World(database, number)
    try:
        world.open()
        function(world)
        word, is_well = f"ok, {time.monotonic() - began:.1f} s", True
    except rows.NotApplicable as reason:
        word, is_well = f"not applicable: {reason}", True
    except Exception:  # noqa: BLE001  (the other rows are to be played, too)
        word, is_well = f"FAILED\n{traceback.format_exc()}\n{world.broker.log_tail()}", False
    finally:
        world.close()
    print(f"row {number:2} ({dies}) {point}: {word}", flush=True)
    return is_well


def main():
    reason = missing()
    if reason:
        print(f"skipped: {reason}")
        return SKIPPED
    absent = [number for number in range(1, rows.LAST + 1) if number not in rows.ROWS]
    if absent:
        print(f"FAILED: nobody has written the rows {absent}")
        return 1
    wanted = [int(number) for number in sys.argv[1:]] or sorted(rows.ROWS)
    folder = tempfile.mkdtemp(prefix="giromq-matrix-ledger-")
    database = make_ledger(folder)
    try:
        failed = [number for number in wanted if not play(number, database)]
    finally:
        database.close()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"FAILED: rows {failed}" if failed else f"OK ({len(wanted)})")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
