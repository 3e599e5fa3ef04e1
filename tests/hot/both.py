"""The two ways to carry out a command line: the hot path first, or the full command alone."""

import mmap
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

from crdtctl import hot
from crdtctl.commands import main
from crdtctl.store import durable, files
from tests.conftest import Ended
from tests.hot.cases import Case
from tests.store.forked import forked
from tests.store.places import quick_directory

for verb in ("app", "add", "create", "decrement", "increment", "show"):
    import_module(f"crdtctl.commands.{verb}")  # before forking, once for all

#: A byte of memory that the children share: whether the hot path did the job.
_did_it = mmap.mmap(-1, 1)


#: What a shell says when it asks for completions; nobody looks at it otherwise.
COMPLETING = {"COMP_WORDS": "crdtctl incr", "COMP_CWORD": "1"}


@dataclass(frozen=True)
class Outcome:
    """How a command ended, and every file that it left; `is_hot` says who did it."""

    ended: Ended
    files: Mapping[str, tuple[int, int, bytes]]
    is_hot: bool = field(compare=False)


def hot_first(arguments: Sequence[str]) -> int:
    """Do what ``python -m crdtctl`` does."""
    status = hot.run(list(arguments))
    _did_it[0] = status is not None
    return main.main(arguments) if status is None else status


def full(arguments: Sequence[str]) -> int:
    """Do what the full command does."""
    return main.main(arguments)


def outcome(case: Case, way: Callable[[Sequence[str]], int]) -> Outcome:
    """Carry out a case one way, in a process and a directory made for it."""
    with quick_directory() as place:
        here = Path(place) / "work" / "here"  # what is above it is ours, too
        here.mkdir(parents=True)
        case.put(here)
        _did_it[0] = False

        def work() -> int:
            if case.is_large:
                for module in (durable, files):
                    vars(module)["VERIFY_BELOW"] = 0
            try:
                return way(case.arguments)
            except SystemExit as end:  # completion ends like this
                return end.code if isinstance(end.code, int) else 0

        environment = {"HOME": str(here), "PATH": os.defpath, "TERM": "xterm", **COMPLETING, **case.environment}
        ended = forked(work, here / case.directory, environment)
        return Outcome(
            Ended(ended.status, *(text.replace(place, "PLACE") for text in (ended.stdout, ended.stderr))),
            {str(path.relative_to(here)): _looked_at(path) for path in sorted(here.rglob("*"))},
            bool(_did_it[0]),
        )


def _looked_at(path: Path) -> tuple[int, int, bytes]:
    """Return the mode, the number of links and the content of what stands at `path`."""
    status = path.lstat()
    if path.is_symlink():
        return status.st_mode, status.st_nlink, os.fsencode(path.readlink())
    return status.st_mode, status.st_nlink, path.read_bytes() if path.is_file() else b""
