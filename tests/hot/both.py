"""The two ways to carry out a command line: the hot path first, or the full command alone."""

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from crdtctl import hot
from crdtctl.commands import add, create, decrement, increment, main, show  # noqa: F401  # before forking, for speed
from crdtctl.store import files
from tests.conftest import Ended
from tests.hot.cases import Case
from tests.store.forked import forked

#: How a child ends to say that the hot path declined.
DECLINED = 98

Way = Callable[[Sequence[str]], int]


@dataclass(frozen=True)
class Outcome:
    """How a command ended, and every file that it left."""

    ended: Ended
    files: Mapping[str, tuple[int, int, bytes]]


def hot_first(arguments: Sequence[str]) -> int:
    """Do what ``python -m crdtctl`` does."""
    status = hot.run(list(arguments))
    return main.main(arguments) if status is None else status


def hot_alone(arguments: Sequence[str]) -> int:
    """Do what the hot path does, or say that it declines."""
    status = hot.run(list(arguments))
    return DECLINED if status is None else status


def full(arguments: Sequence[str]) -> int:
    """Do what the full command does."""
    return main.main(arguments)


def outcome(case: Case, way: Way, *, verify_below: int = files.VERIFY_BELOW) -> Outcome:
    """Carry out a case one way, in a directory made for it, always at the same path."""
    with tempfile.TemporaryDirectory() as place:
        here = Path(place) / "here"
        here.mkdir()
        case.put(here)

        def work() -> int:
            hot._VERIFY_BELOW = files.VERIFY_BELOW = verify_below
            return way(case.arguments)

        environment = {"HOME": str(here), "PATH": os.defpath, "TERM": "xterm", **case.environment}
        ended = forked(work, here / case.directory, environment)
        return Outcome(
            Ended(ended.status, *(text.replace(place, "PLACE") for text in (ended.stdout, ended.stderr))),
            {str(path.relative_to(here)): _looked_at(path) for path in sorted(here.rglob("*"))},
        )


def _looked_at(path: Path) -> tuple[int, int, bytes]:
    """Return the mode, the number of links and the content of what stands at `path`."""
    status = path.lstat()
    if path.is_symlink():
        return status.st_mode, status.st_nlink, os.fsencode(path.readlink())
    return status.st_mode, status.st_nlink, path.read_bytes() if path.is_file() else b""
