"""The plain forms of ``show``."""

from crdtctl.codec import plain
from crdtctl.codec.layout import MAX_SAFE, TRAILER_SIZE, is_whole
from crdtctl.fastpath.finding import find
from crdtctl.store import durable, locate
from crdtctl.system import os, stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias, TypeVar

    #: Replica id → share of the value, see `plain_values.read`.
    Shares: TypeAlias = dict[bytes, int] | None
    #: Makes the output for this replica's id, the name, the type and the value of a counter, and its shares.
    Form: TypeAlias = Callable[[bytes, bytes, bytes, int, Shares], bytes]

    T = TypeVar("T")

#: Maximum size in bytes of a file whose counters are all shown here. For more, the full command is faster.
_MAX_LISTED = 2**17


def show(words: "Sequence[str]", where: str | None) -> int | None:
    """Print the value of a counter, or the values of all. Return the exit status; None if the full command has to."""
    if not words:
        return _show_all(where)
    name, *options = words
    form = _FORMS.get(tuple(options))
    if form is None or not plain.is_name(name.encode()) or (form is _rows and _is_decorated()):
        return None
    return _show(name.encode(), where, form)


def _show(name: bytes, where: str | None, form: "Form") -> int | None:
    def look_up(own: int, recent: int | None, known: int | None) -> tuple[bytes, bytes, bytes]:
        return (
            find(own, "own", name) if recent is None else _find_recent(own, recent, name),
            find(known, "known", name) if known is not None else b"",
            plain.between(os.pread(own, plain.OPENING, 0), b'"replica":"', b'"') if form is _json else b"",
        )

    *lines, replica = read_files(where, look_up)
    present = [line for line in lines if line]
    if not present:
        return None
    from crdtctl.codec import plain_values

    tag, value, shares = plain_values.read(present, name)
    return print_text(form(replica, name, tag, value, shares))


def _value(_replica: bytes, _name: bytes, _tag: bytes, value: int, _shares: "Shares") -> bytes:
    """Return the value on a line."""
    return b"%d\n" % value


def _json(replica: bytes, name: bytes, tag: bytes, value: int, _shares: "Shares") -> bytes:
    """Return the report of ``--format json``."""
    if not plain.is_name(replica) or abs(value) > MAX_SAFE:
        raise ValueError
    start = b'{"schema":1,"replica":"%b","counters":[\n' % replica
    return start + b'{"name":"%b","type":"%b","value":%d}\n]}\n' % (name, tag, value)


def _rows(_replica: bytes, name: bytes, tag: bytes, _value: int, shares: "Shares") -> bytes:
    """Return the rows of ``--by-replica``, sorted by replica."""
    if shares is None:
        raise ValueError
    return b"".join([b"%b\t%b\t%b\t%d\n" % (name, tag, one, share) for one, share in sorted(shares.items())])


#: Options → the form of the output.
_FORMS: "dict[tuple[str, ...], Form]" = {
    (): _value,
    ("--by-replica",): _rows,
    ("--format=json",): _json,
    ("--format", "json"): _json,
    ("-f", "json"): _json,
}


def _show_all(where: str | None) -> int | None:
    if _is_decorated():
        return None

    def read(own: int, recent: int | None, known: int | None) -> tuple[bytes, bytes]:
        if recent is not None:
            raise ValueError  # it has very many counters
        return _lines(own, plain.read_own_header), b"" if known is None else _lines(known, plain.check_known_header)

    texts = read_files(where, read)
    from crdtctl.store.listing import listing

    return print_text(listing(*texts))


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
