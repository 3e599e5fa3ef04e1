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

    T = TypeVar("T")

#: Maximum size in bytes of a file whose counters are all shown here. For more, the full command is faster.
_MAX_LISTED = 2**17
_BY_REPLICA = ["--by-replica"]


def show(words: "Sequence[str]", where: str | None) -> int | None:
    """Print the value of a counter, or the values of all. Return the exit status; None if the full command has to."""
    if not words or words[0][:1] == "-":
        return _show_all(words, where)
    name, *options = words
    if not plain.is_name(name.encode()) or (options == _BY_REPLICA and _is_decorated()):
        return None
    return _show(name.encode(), where, options)


def _show(name: bytes, where: str | None, options: "Sequence[str]") -> int | None:
    chosen = None
    if options and options != _BY_REPLICA:
        from crdtctl.fastpath.formats import Chosen  # only here, as below

        chosen = Chosen(options, named=True)

    def look_up(own: int, recent: int | None, known: int | None) -> tuple[bytes, bytes, bytes]:
        return (
            find(own, "own", name) if recent is None else _find_recent(own, recent, name),
            find(known, "known", name) if known is not None else b"",
            _replica_of(own) if chosen else b"",
        )

    *lines, replica = read_files(where, look_up)
    present = [line for line in lines if line]
    if not present:
        return None
    from crdtctl.codec import plain_values

    tag, value, shares = plain_values.read(present, name)
    if chosen:
        chosen.check(tag, value)
        return print_text(chosen.text(replica, [(name, tag, value)]))
    return print_text(_rows(name, tag, shares) if options else b"%d\n" % value)


def _rows(name: bytes, tag: bytes, shares: "dict[bytes, int] | None") -> bytes:
    """Return the rows of ``--by-replica``, sorted by replica."""
    if shares is None:
        raise ValueError
    return b"".join([b"%b\t%b\t%b\t%d\n" % (name, tag, one, share) for one, share in sorted(shares.items())])


def _show_all(options: "Sequence[str]", where: str | None) -> int | None:
    if not options and _is_decorated():
        return None

    def read(own: int, recent: int | None, known: int | None) -> tuple[bytes, bytes, bytes]:
        if recent is not None:
            raise ValueError  # it has very many counters
        lines = b"" if known is None else _lines(known, plain.check_known_header)
        return _lines(own, plain.read_own_header), lines, _replica_of(own) if options else b""

    *texts, replica = read_files(where, read)
    from crdtctl.store.listing import listing

    text = listing(*texts)
    if options:
        from crdtctl.fastpath.formats import Chosen

        cells = [line.split(b"\t") for line in text.split(b"\n")[:-1]]
        text = Chosen(options, named=False).text(replica, [(name, tag, int(value)) for name, tag, value in cells])
    return print_text(text)


def _replica_of(own: int) -> bytes:
    return plain.between(os.pread(own, plain.OPENING, 0), b'"replica":"', b'"')


def _is_decorated() -> bool:
    """Return whether rows are drawn as a table, or have escapes."""
    return os.isatty(1) or bool(os.environ.get("GITHUB_ACTIONS"))


def read_files(where: str | None, read: "Callable[[int, int | None, int | None], T]") -> "T":
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


def print_text(text: bytes) -> int:
    """Print a text, and return the exit status."""
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
