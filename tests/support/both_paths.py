"""The two ways to carry out a command line: the fast path first, or the full command alone."""

import mmap
import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

from crdtctl import fastpath
from crdtctl.cli import main
from crdtctl.codec.layout import TRAILER_SIZE, is_whole
from crdtctl.store import binding, durable, files
from tests.conftest import Result
from tests.support.forked import forked
from tests.support.places import quick_directory
from tests.support.plain_commands import FAR, HERE, HUB, Case

import_module("crdtctl.cli.app")
for verb in ("add", "create", "decrement", "increment", "show"):
    import_module(f"crdtctl.commands.{verb}")  # before forking, once for all

#: A byte of memory that the children share: whether the fast path did the job.
_did_it = mmap.mmap(-1, 1)


GIVEN_IDS = (HERE, HUB, FAR)
_BITS = re.compile(rb"-[0-9a-f]{32}")
_TAG = re.compile(rb"\b([0-9]+)\.[0-9A-Za-z_-]{4}\b")
_WHEN = re.compile(rb"20[2-9][5-9]-[0-9-]+T[0-9:]+Z")

#: What a shell says when it asks for completions; nobody looks at it otherwise.
COMPLETING = {"COMP_WORDS": "crdtctl incr", "COMP_CWORD": "1"}


@dataclass(frozen=True)
class Outcome:
    """How a command ended, and every file that it left; `is_fast` says who did it."""

    ended: Result
    files: Mapping[str, tuple[int, int, bytes]]
    is_fast: bool = field(compare=False)


def fast_first(arguments: Sequence[str]) -> int:
    """Do what ``python -m crdtctl`` does."""
    status = fastpath.run(list(arguments))
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
        texts = (
            _same_for_both(text.replace(place, "PLACE").encode()).decode() for text in (ended.stdout, ended.stderr)
        )
        return Outcome(
            Result(ended.status, *texts),
            {
                _same_for_both(bytes(path.relative_to(here))).decode(): _looked_at(path, place)
                for path in sorted(here.rglob("*"))
            },
            bool(_did_it[0]),
        )


def _same_for_both(data: bytes) -> bytes:
    """Return a text without what is random or depends on the time."""
    for name in GIVEN_IDS:
        data = data.replace(name.encode(), name[:-32].encode() + b"GIVEN")
    return _WHEN.sub(b"WHEN", _TAG.sub(rb"\1.TAG", _BITS.sub(b"-NEW", data)))


def _looked_at(path: Path, place: str) -> tuple[int, int, bytes]:
    """Return the mode, the number of links and the content of what stands at `path`.

    Which file an own.json is, which it says itself and which is never the same, is checked here and left out.
    """
    status = path.lstat()
    if path.is_symlink():
        return status.st_mode, status.st_nlink, os.fsencode(path.readlink())
    data = path.read_bytes() if path.is_file() else b""
    with path.open("rb") if path.is_file() else nullcontext() as file:
        is_file = binding.of(file.fileno(), lasting=True).encode() if file else b""
    if (is_file and is_file in data) or _BITS.search(data):
        is_right = is_whole(data)
        data = data.replace(is_file, b"BOUND").replace(place.encode(), b"PLACE")
        data = data[:-TRAILER_SIZE] + b"RIGHT" if is_right else data
    return status.st_mode, status.st_nlink, _same_for_both(data)
