"""Replicas with an ``own.recent.json``."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from crdtctl import Replica
from crdtctl.store import durable, recent

#: Counters with names of this form make an own.json that is larger than `durable.LARGE`.
NAME = f"counter-{{}}-{'x' * 150}"
COUNT = 1_300


def grow(replica: Replica, value: int = 1) -> None:
    """Give a replica so many counters that it has an ``own.recent.json``."""
    with replica.batch() as batch:
        for number in range(COUNT):
            batch.increment(NAME.format(number), value)
    assert recent_of(replica).exists()


def recent_of(replica: Replica) -> Path:
    """Return the path of ``own.recent.json``."""
    return Path(replica.path, "own.recent.json")


def lines_in(path: Path) -> list[str]:
    """Return the names of the counters in a canonical file."""
    return [line.partition('":{')[0][1:] for line in path.read_text().splitlines()[1:-1]]


@contextmanager
def every_replica_is_large(limit: int = 400) -> Iterator[None]:
    """Let each replica have an ``own.recent.json`` of up to `limit` bytes of lines, here and in child processes."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(durable, "LARGE", 0)
        patched.setattr(recent, "MAX_LINES", limit)
        yield
