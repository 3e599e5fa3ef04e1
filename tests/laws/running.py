"""Running worlds: many of them, one again, and the fewest of its steps that still fail."""

import sys
import time
import traceback
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from random import Random

from crdtctl.errors import CrdtctlError
from tests.laws.checks import check, settle
from tests.laws.world import KINDS, STEP, Step, step, steps_of, world
from tests.support.places import quick_directory

#: Steps of one world, and how many of them pass between two checks of the replica that took part.
LENGTH = 200
BETWEEN = 25


def steps_of_seed(seed: int, length: int = LENGTH) -> tuple[str, list[Step]]:
    """Return the kind and the steps of the world with this number."""
    kind = KINDS[seed % len(KINDS)]
    return kind, steps_of(kind, Random(seed).randbytes(length * STEP))


def play(kind: str, steps: Sequence[Step]) -> None:
    """Carry out steps in a new world. Raise `AssertionError` if a law does not hold."""
    with quick_directory() as place, world(place, kind) as made:
        for number, one in enumerate(steps):
            step(made, one)
            if number % BETWEEN == BETWEEN - 1:
                check(made, made.peers[one.tape[0] % len(made.peers)])
        settle(made)


def failure(kind: str, steps: Sequence[Step]) -> str | None:
    """Return how a world fails, or None."""
    try:
        play(kind, steps)
    except (AssertionError, CrdtctlError, LookupError, TypeError, ValueError):
        return traceback.format_exc(limit=-6)
    return None


def fewest(kind: str, steps: Sequence[Step], limit: float = 60) -> list[Step]:
    """Return steps of a world that fails, of which none can be left out, as far as `limit` seconds allow."""
    kept, size, end = list(steps), max(1, len(steps) // 2), time.monotonic() + limit
    while size and time.monotonic() < end:
        at = 0
        while at < len(kept) and time.monotonic() < end:
            without = kept[:at] + kept[at + size :]
            if failure(kind, without) is None:
                at += size
            else:
                kept = without
        size //= 2
    return kept


def run_seed(seed: int) -> str | None:
    """Return a report of a world that fails, or None."""
    kind, steps = steps_of_seed(seed)
    if failure(kind, steps) is None:
        return None
    found = fewest(kind, steps)
    return "\n".join([f"world {seed} fails; its fewest steps:", kind, *map(repr, found), failure(kind, found) or ""])


def run(steps: int, seed: int, processes: int, replay: Path | None) -> int:
    """Run worlds, or the steps in a file: the kind in the first line, and a step in each other one."""
    if replay is not None:
        kind, *lines = replay.read_text().split()
        said = failure(kind, [Step.read(line) for line in lines])
        print(said or "the laws hold")
        return 1 if said else 0
    worlds = range(seed, seed + -(-steps // LENGTH))
    with ProcessPoolExecutor(processes) as pool:
        for said in pool.map(run_seed, worlds, chunksize=4):
            if said is not None:
                print(said, file=sys.stderr)
                pool.shutdown(cancel_futures=True)
                return 1
    print(f"the laws hold in {len(worlds)} worlds of {LENGTH} steps each: {len(worlds) * LENGTH:,} steps")
    return 0
