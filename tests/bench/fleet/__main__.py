"""``python -m tests.bench.fleet``: the command line, and the table."""

import argparse
import os
import random
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

from tests.bench.amounts import SEED
from tests.bench.fleet import model, real
from tests.bench.ground import place_to_work
from tests.bench.report import line
from tests.support import results

PAGE = Path(__file__).with_name("README.md")

COLUMNS = ("layout", "rounds", "puts", "gets", "put", "got", "each gets", "the largest state")


class Sizes(NamedTuple):
    """How many replicas there are, in how many regions of the same size, and how many counters each has."""

    replicas: int
    regions: int
    counters: int = 10


SIZES = Sizes(10_000, 100)
QUICK = Sizes(100, 10)


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.fleet",
        description="Count the rounds, requests and bytes until all replicas of a fleet know all that was counted.",
    )
    parser.add_argument("--quick", action="store_true", help="100 replicas instead of 10,000")
    parser.add_argument("--directory", metavar="PATH", help="where to work")
    parser.add_argument("--write", action="store_true", help="write the table into README.md beside the program")
    options = parser.parse_args()
    if options.write and options.quick:
        parser.error("--write needs the full size: leave out --quick")
    sizes = QUICK if options.quick else SIZES
    place = options.directory or place_to_work()
    size = f"{sizes.replicas:,} replicas, {sizes.regions:,} regions, {sizes.counters} counters"
    lines = [f"{size}. Counted on {results.origin()}.", "", line(COLUMNS), f"|{'---|' * len(COLUMNS)}"]
    print(*lines, sep="\n", flush=True)
    # Times are not measured, so nothing needs to be on disk.
    with tempfile.TemporaryDirectory(prefix="fleet-", dir=place) as home, patch("os.fsync", lambda fd: None):
        os.environ["XDG_STATE_HOME"] = f"{home}/state"
        for cells in rows(Path(home), sizes):
            lines.append(line(cells))
            print(lines[-1], flush=True)
    if options.write:
        results.write(PAGE, "\n".join(lines))
    return 0


def rows(home: Path, sizes: Sizes) -> Iterator[tuple[str, ...]]:
    """Yield the rows of the table."""
    everything = model.sizes(sizes.counters)(sizes.replicas)
    pairs = model.pairs(sizes.replicas, sizes.counters, random.Random(SEED))
    yield _row("random pairs", pairs, sizes.replicas, everything)
    hub = model.hub(sizes.replicas, sizes.counters, random.Random(SEED))
    yield _row("one hub", hub, sizes.replicas, everything)
    bridges = model.bridges(sizes.replicas, sizes.regions, sizes.counters, random.Random(SEED))
    yield _row("regions and a centre", bridges, sizes.replicas, everything)
    clients = sizes.replicas // sizes.regions
    region = real.region(home / "region", clients, random.Random(SEED))
    yield _row(f"tiers: one region of {clients} clients", region.figures, clients, region.largest)
    centre = real.centre(home / "centre", sizes.regions, random.Random(SEED))
    yield _row(f"tiers: {sizes.regions} permanent ones", centre.figures, sizes.regions, centre.state)
    yield _row("tiers, all", _all_of(region, centre, sizes.regions), sizes.replicas, centre.state + region.largest)
    jobs = real.jobs_of(home, sizes.replicas, sizes.counters)
    yield _row("sealed jobs, absorbed", jobs.figures, 1, jobs.state)


def _all_of(region: real.HandedOver, centre: real.HandedOver, regions: int) -> model.Figures:
    """Return the figures of all regions together, followed by those of the centre."""
    one, last = region.figures, centre.figures
    return model.Figures(
        rounds=region.arrived + last.rounds,
        puts=regions * one.puts + last.puts,
        put_bytes=regions * one.put_bytes + last.put_bytes,
        gets=regions * one.gets + last.gets,
        got_bytes=regions * one.got_bytes + last.got_bytes,
    )


def _row(layout: str, found: model.Figures, readers: int, state: int) -> tuple[str, ...]:
    counts = (f"{number:,}" for number in (found.rounds, found.puts, found.gets))
    return (layout, *counts, *map(_size, (found.put_bytes, found.got_bytes, found.got_bytes // readers, state)))


def _size(size: int) -> str:
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.3g} {unit}" if unit != "B" else f"{size} B"
        size /= 1000  # type: ignore[assignment]
    return f"{size:,.1f} GB"


if __name__ == "__main__":
    sys.exit(main())
