"""Rows: readings of meters, made again."""

import shutil
from pathlib import Path

from tests.bench.contest import Command, Contest, Rival
from tests.bench.ground import Ground
from tests.bench.process import Wrong

#: Counters, and sources of each.
_NAMES, _SOURCES = 1_000, 100


def again(ground: Ground) -> Contest:
    """Observe a batch of readings that are known already, against the first time."""
    lines = ground.root / "readings.txt"
    with lines.open("w") as file:
        for source in range(_SOURCES):
            for name in range(_NAMES):
                print(f"usage.{name:04}", 1 + name + 7 * source, f"host-{source:02}", sep="\t", file=file)
    expected = sum(1 + 7 * source for source in range(_SOURCES))
    scanned, first = ground.replica("scanned"), ground.empty("unscanned")
    own = scanned / ".crdtctl" / "own.json"
    ground.call([ground.crdtctl, "observe", "--batch", lines], scanned)
    before = own.read_bytes()

    def begin() -> None:
        shutil.rmtree(first / ".crdtctl", ignore_errors=True)
        ground.replica("unscanned")

    def command(directory: Path, name: str) -> Command:
        def check(runs: int) -> None:
            value = ground.value(directory, "usage.0000")
            if value != expected or (directory == scanned and own.read_bytes() != before):
                raise Wrong(f"usage.0000 is {value} after {runs} batches, and not {expected}")

        ours = ground.ours(["observe", "--batch", lines], directory=directory, check=check)
        ours.name = name
        return ours

    once = command(first, "crdtctl, the first time")
    once.prepare = begin
    return Contest(ours=command(scanned, "crdtctl"), rivals=[Rival(once, 0.5)])
