"""The plain forms of ``show``."""

from crdtctl.codec import plain
from crdtctl.codec.layout import TRAILER_SIZE, is_whole
from crdtctl.fastpath.finding import find
from crdtctl.store import durable, locate
from crdtctl.system import os, stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeVar

    from crdtctl.codec import plain_keys

    T = TypeVar("T")

#: Maximum size in bytes of a file whose counters are all shown here. For more, the full command is faster.
_MAX_LISTED = 2**17


def show(words: "Sequence[str]", where: str | None) -> int | None:
    """Print the value of a counter, or the values of all. Return the exit status; None if the full command has to."""
    if not words:
        return _show_all(where)
    name = words[0].encode()
    return _show(name, where) if len(words) == 1 and plain.is_name(name) else None


def _show(name: bytes, where: str | None) -> int | None:
    def look_up(own: int, recent: int | None, known: int | None) -> tuple[bytes, bytes]:
        return (
            find(own, "own", name) if recent is None else _find_recent(own, recent, name),
            find(known, "known", name) if known is not None else b"",
        )

    value = 0
    seen: set[bytes] = set()
    tags: set[bytes] = set()
    several: list[plain_keys.Keys] = []
    for line in filter(None, _read(where, look_up)):
        tag, entries, keys = _entries(line, name)
        tags.add(tag)
        if len(tags) > 1 or not seen.isdisjoint(entries):
            return None
        seen.update(entries)
        value += plain.value_of(tag, entries)
        several += keys
    if not seen:
        return None
    if several:
        from crdtctl.codec.plain_keys import value_of

        value += value_of(tags.pop(), several)
    return _print(b"%d\n" % value)


def _entries(line: bytes, name: bytes) -> "tuple[bytes, dict[bytes, list[int]], list[plain_keys.Keys]]":
    """Return the type of the counter on a line, replica id → totals without keys, and the keys of each replica."""
    if plain.DATED in line:
        from crdtctl.codec.plain_periods import read_dated  # only here: few counters have periods

        tag, entries, _ = read_dated(line, name)
        return tag, entries, []
    if b",{" in line:
        from crdtctl.codec.plain_keys import read_line  # only here: few counters have keys

        return read_line(line, name)
    return *plain.read_line(line, name), []


def _show_all(where: str | None) -> int | None:
    if os.isatty(1) or os.environ.get("GITHUB_ACTIONS"):
        return None  # drawn as a table, or with escapes

    def read(own: int, recent: int | None, known: int | None) -> tuple[bytes, bytes]:
        if recent is not None:
            raise ValueError  # it has very many counters
        return _lines(own, plain.read_own_header), b"" if known is None else _lines(known, plain.check_known_header)

    texts = _read(where, read)
    from crdtctl.store.listing import listing

    return _print(listing(*texts))


def _read(where: str | None, read: "Callable[[int, int | None, int | None], T]") -> "T":
    """Return the result of `read`. It gets own.json, own.recent.json and known.json, open and of one moment."""
    directory = durable.open_directory(locate.find(where))
    try:
        files = durable.open_all(directory)
    finally:
        durable.close(directory)
    try:
        return read(*files)
    finally:
        for fd in files:
            if fd is not None:
                durable.close(fd)


def _lines(fd: int, check: "Callable[[bytes], object]") -> bytes:
    """Return the lines of the counters in a small file. Raise ValueError if it is large, or special."""
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode) or status.st_size > _MAX_LISTED:
        raise ValueError
    data = durable.read_all(fd)
    if not is_whole(data):
        raise ValueError
    header = plain.header_line(data)
    check(header)
    return data[len(header) : -TRAILER_SIZE]


def _print(text: bytes) -> int:
    done = os.write(1, text) if text else 0
    if done < len(text):  # a part is printed, so this cannot be declined any more
        return _write_rest(text[done:])
    return 0


def _find_recent(own: int, recent: int, name: bytes) -> bytes:
    """Return the line of a counter in own.recent.json, or else in own.json, as `_find` does."""
    from crdtctl.store.recent import Pair  # only here, as above

    pair = Pair(own, recent)
    if pair.has_reserved_lines() or pair.has_series(name):
        raise ValueError
    return pair.line(name)


def _write_rest(text: bytes) -> int:
    from crdtctl.store.streams import write_all

    try:
        write_all(1, text)
    except OSError as error:
        from crdtctl.cli.main import fail
        from crdtctl.cli.output import unwritable

        return fail(unwritable(error))
    return 0
