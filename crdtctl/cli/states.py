"""Words of the command line → state files and clocks."""

from __future__ import annotations

from crdtctl.cli.paths import given
from crdtctl.errors import CrdtctlError, MissingError, UsageError, printable
from crdtctl.system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from crdtctl.contexts import ExitStack
    from crdtctl.store.inputs import Input

#: Maximum size in bytes of a clock, and of a list of files.
_MAX_CLOCK = 2**26
_MAX_LIST = 2**28
#: Number of bytes that distinguish a state from a clock.
_ENOUGH = 64
_NOT_A_TIME = "a clock is an output of 'crdtctl clock', a file with one, or a state file; it is not a time"


def named(files: Sequence[str] | None, files_from: str | None, null: bool) -> list[str]:
    """Return the paths of the files on a command line and in its list; raise `UsageError`."""
    if files_from is None:
        if null:
            raise UsageError("-0 works only with a list of files", "add --files-from LIST, or leave it out")
        return list(files or [])
    from crdtctl.cli.reading import blocks, called  # only here, and below: most inputs are files

    pieces: list[bytes] = []
    size = 0
    for block in blocks(files_from):
        pieces.append(block)
        size += len(block)
        if size > _MAX_LIST:
            raise UsageError(f"the list {called(files_from)} is too large")
    data = b"".join(pieces)
    if null:
        listed = [os.fsdecode(name) for name in data.split(b"\0")]
    elif b"\0" in data:
        raise UsageError(f"the list {called(files_from)} contains zero bytes", "leave out -print0, or add -0")
    else:
        listed = [os.fsdecode(line.removesuffix(b"\r")) for line in data.removeprefix(b"\xef\xbb\xbf").split(b"\n")]
    found = [*(files or []), *(name for name in listed if name)]
    if not found:
        raise MissingError(f"{called(files_from)} names no file")
    if files_from == "-" and "-" in found:
        raise UsageError("standard input is already the list of files", "leave out '-'; a file of that name is ./-")
    return found


def states(paths: Sequence[str], stack: ExitStack) -> list[Input]:
    """Return the state files of a command line; '-' is standard input, and a directory the state files below it."""
    from crdtctl.store import packed
    from crdtctl.store.inputs import Input

    if paths.count("-") > 1:
        raise UsageError("standard input can be read only once", "leave out one '-'")
    found = []
    for word in paths:
        if word == "-":
            from crdtctl.cli.reading import standard_input

            found.append(packed.standard_input(standard_input, stack))
            continue
        path = given(word)
        files = {word: path}
        if os.path.isdir(path):
            from crdtctl.cli.directories import state_files

            try:
                files = {one: one for one in state_files(path)}
            except CrdtctlError as failure:
                found.append(Input(word, failure=failure))
                continue
        found += packed.gathered([Input(label, path=one, given=True) for label, one in files.items()], stack)
    return found


def clock(text: str) -> dict[str, int]:
    """Return the clock in `text`: an output of ``clock``, a file with one, a state file, or '-'."""
    from crdtctl.store.clock_text import parse_clock
    from crdtctl.store.inputs import looks_like_state
    from crdtctl.store.replica import Replica

    if not text.strip() or text.lstrip()[:1] == "{" or "\n" in text.strip() or "\t" in text:  # not a path
        data = text.encode("utf-8", "replace")
        return Replica.clock_of(data) if looks_like_state(data) else parse_clock(text)
    text = given(text)
    if text != "-" and os.path.isdir(text):
        from shlex import quote

        raise UsageError(
            f"{printable(text)} is a directory", f"the clock of a replica: crdtctl --replica {quote(text)} clock"
        )
    if text != "-" and not os.path.exists(text):
        raise MissingError(f"cannot read {printable(text)}: No such file or directory", _NOT_A_TIME)
    return _read_clock(text)


def _read_clock(path: str) -> dict[str, int]:
    from itertools import chain

    from crdtctl.cli.reading import called, text_blocks
    from crdtctl.contexts import ExitStack
    from crdtctl.store.clock_text import parse_clock
    from crdtctl.store.inputs import looks_like_state, spool
    from crdtctl.store.replica import Replica

    following = filter(None, text_blocks(path))
    head = b""
    while len(head) < _ENOUGH and (block := next(following, b"")):
        head += block
    if looks_like_state(head):
        everything = chain([head], following)
        with ExitStack() as stack:
            return Replica.clock_of(
                spool(lambda _: next(everything, b""), stack, path if path != "-" else called(path))
            )
    pieces = [head]
    size = len(head)
    for block in following:
        pieces.append(block)
        size += len(block)
        if size > _MAX_CLOCK:
            raise UsageError("not a clock: it is too large", "give the output of 'crdtctl clock'")
    return parse_clock(b"".join(pieces).decode("utf-8", "replace"))
