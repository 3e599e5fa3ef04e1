"""Break the program in every known way, and print the results: ``python -m tests.torture``.

``--only WORD`` runs the rows whose module has WORD in its name; ``--part 0.1`` runs a tenth of each.
``--write`` writes the table into README.md beside this file.
"""

import argparse
import importlib
import sys
import time
from pathlib import Path

from tests.support import results
from tests.torture.report import Row, notes, table

PAGE = Path(__file__).with_name("README.md")

#: Modules of this package that have a function `measure`, in the order of the table.
ROWS: tuple[str, ...] = (
    *(
        "sweeps",
        "follows",
        "outcomes",
        "power",
        "blocks",
        "processes",
        "faults",
        "places",
        "streams",
        "locks",
        "clocks",
    ),
    *("copies", "forks", "hostile", "mutants"),
)


def main() -> int:
    """Run the rows; return 1 if one of them does not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--only", default="", help="run the rows whose module has this in its name")
    parser.add_argument("--part", type=float, default=1.0, help="how much of each to run (default: 1.0, all)")
    parser.add_argument("--write", action="store_true", help="write the table into README.md beside the program")
    options = parser.parse_args()
    if options.write and (options.only or options.part < 1):
        parser.error("--write needs all rows in full: leave out --only and --part")
    started = time.monotonic()
    rows: list[Row] = []
    for name in ROWS:
        if options.only in name:
            began = time.monotonic()
            found = importlib.import_module(f"tests.torture.{name}").measure(options.part)
            rows += found
            for row in found:
                print(f"{row.verdict:8} {row.what}: {row.seen}", file=sys.stderr)
            print(f"         {name} took {time.monotonic() - began:.0f} s", file=sys.stderr)
    minutes = (time.monotonic() - started) / 60
    page = [f"Measured on {results.origin()}, in {minutes:.0f} minutes.", table(rows), notes(rows)]
    print(*page, sep="\n\n")
    if options.write:
        results.write(PAGE, "\n\n".join(page))
    return 1 if any(row.holds is False for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
