"""The fast path: plain forms of ``increment``, ``decrement`` and ``show``, before anything heavy is imported.

    increment NAME [AMOUNT]      (inc)
    decrement NAME [AMOUNT]      (dec)
    show [NAME]

Each may have ``--replica PATH`` anywhere. What counts may have labels: ``--label KEY=VALUE``, or those in the spelling
of a series. The fast path either does the whole job, or changes nothing
and declines, and then the full command runs. It accepts only plain names and plain files (`crdtctl.codec.plain`).
Any failure before the rename is declined too: the full command meets it again, and reports it. A test runs both with
the same arguments and files, and compares exit status, output and every file.
"""

from crdtctl.codec import plain
from crdtctl.codec.layout import MAX_SAFE, TRAILER_SIZE, InMemory, is_trailer, is_whole, search, trailer_of
from crdtctl.store import binding, durable, locate
from crdtctl.system import os, stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias, TypeVar

    from crdtctl.codec.layout import Pages

    #: Header, reason why it may be a copy, membership line, the counter's line, the lines before and after it, and the
    #: maximum size of all lines.
    _Found: TypeAlias = tuple[plain.OwnHeader, str, bytes, bytes, bytes | memoryview, bytes | memoryview, int]
    T = TypeVar("T")

#: Verb → place of the total that it raises.
COLUMNS = {"increment": 0, "inc": 0, "decrement": 1, "dec": 1}
#: The start of a line that is not a counter's.
_RESERVED_LINE = b'"' + plain.RESERVED
#: Maximum size in bytes of a file whose counters are all shown here. For more, the full command is faster.
_MAX_LISTED = 2**17
#: Time in seconds to try for the lock. Then the full command waits, as long as it is configured to.
_PATIENCE = 0.1
_POLL = 0.001


def run(arguments: list[str]) -> int | None:
    """Do the job of a plain command line and return its exit status; None if the full command has to run."""
    where, words = _split(arguments)
    if where is not None and (not where or where[0] == "-"):
        return None
    if not words or (len(words) > 3 and words[0] not in COLUMNS):
        return None
    for variable in os.environ:
        if variable.startswith(("CRDTCTL_", "_CRDTCTL_")) and variable != locate.VARIABLE:
            return None
    try:
        if words == ["show"]:
            return _show_all(where)
        verb, name = words[0], words[1].encode()
        if len(words) <= 3 and plain.is_name(name):
            if verb == "show" and len(words) == 2:
                return _show(name, where)
            if verb in COLUMNS and not os.isatty(1):
                amount = plain.number(words[2].encode()) if len(words) == 3 else 1
                if amount:
                    return _count(COLUMNS[verb], name, name, amount, where)
        text = " ".join(words)
        if verb in COLUMNS and ("{" in text or " -l" in text or " --label" in text) and not os.isatty(1):
            from crdtctl.codec import plain_labels  # only here: most counters have no labels

            verb, on_line, amount, where = plain_labels.read(arguments)
            return _count(COLUMNS[verb], plain_labels.in_search(on_line), on_line, amount, where)
    except (OSError, LookupError, ValueError, durable.NotApplied):
        pass
    return None


def _split(arguments: list[str]) -> tuple[str | None, list[str]]:
    """Return the value of the first ``--replica``, None without one, and the other words."""
    for at, word in enumerate(arguments):
        if word == "--replica" and at + 1 < len(arguments):
            return arguments[at + 1], arguments[:at] + arguments[at + 2 :]
        if word.startswith("--replica="):
            return word[10:], arguments[:at] + arguments[at + 1 :]
    return None, arguments


# Counting ----------------------------------------------------------------------------------------------


def _count(column: int, name: bytes, on_line: bytes, amount: int, where: str | None) -> int | None:
    directory = durable.open_directory(locate.find(where))
    try:
        os.stat("own.json", dir_fd=directory)  # no lock file is made in a directory without a replica
        lock = durable.open_lock(directory, durable.OWN)
        try:
            if not _lock_soon(lock) or not durable.is_same_file(directory, "own.lock", lock):
                return None
            return _commit(directory, lock, column, name, on_line, amount)
        finally:
            durable.close(lock)  # releases the lock, or the full command would wait for it
    finally:
        durable.close(directory)


def _lock_soon(lock: int) -> bool:
    if durable.try_lock(lock):
        return True
    import time  # only here: a lock is rarely held

    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        time.sleep(_POLL)
        if durable.try_lock(lock):
            return True
    return False


def _commit(directory: int, lock: int, column: int, name: bytes, on_line: bytes, amount: int) -> int | None:
    fd = durable.open_state(directory, "own.json")
    try:
        ending = durable.RECENT if durable.has_recent(fd) else ".json"
        found = _in_recent(directory, fd, name) if ending == durable.RECENT else _in_own(fd, name)
    finally:
        durable.close(fd)
    header, fault, sealed, old, before, after, limit = found
    if fault:
        return None  # this replica was copied, or its backup was restored
    if header.seq >= MAX_SAFE or plain.may_be_sealed(sealed, header.replica):
        return None
    line = plain.read_own_line(old, on_line, header.replica)
    line.totals[column] += amount
    if line.totals[column] > MAX_SAFE:
        return None
    others = plain.has_periods(durable.opening(directory, "known.json", plain.OPENING))
    if b"{" in name and (others or header.periods):
        return None  # the periods of the counter without labels hold for its series
    if others or line.maps.startswith(plain.DATED):
        line.maps = _in_period(directory, sealed, line, name, column, amount, others=others)
        header.periods = header.periods or line.maps.startswith(plain.DATED)
    header.seq += 1
    witness, writes = header.witness.decode(), header.seq + header.exports
    text = line.encode(header.replica, header.seq)
    if len(before) + len(text) + len(after) > limit:
        return None
    draft = durable.Draft(directory, durable.OWN, lock, ending)
    try:
        lasting = binding.is_lasting(header.bound.decode())
        header.bound = binding.of(draft.fd, lasting=lasting).encode()
        pieces = [header.encode(), before, text, after]
        pieces.append(trailer_of(pieces))
        draft.write_all(pieces)
        draft.commit()
    except OSError as error:
        if draft.is_renamed:
            return _unknown(error)
        raise
    finally:
        draft.abandon()
    binding.write_witness(witness, writes)
    return 0


def _in_period(
    directory: int, membership: bytes, line: plain.OwnLine, name: bytes, column: int, amount: int, *, others: bool
) -> bytes:
    """Return the maps of a line after an amount; with `others`, other replicas may have settings of periods."""
    import time  # only here, as above

    from crdtctl.codec import plain_periods

    settings: list[tuple[int, int]] = []
    if others:
        if membership:
            raise ValueError  # it may have absorbed replicas whose entries are in the other file
        fd = durable.open_state(directory, "known.json")
        try:
            found = _find(fd, "heard", name)
        finally:
            durable.close(fd)
        settings = plain_periods.heard(found, line.name, line.tag) if found else []
    return plain_periods.counted(line.maps, settings, column, amount, len(line.totals), int(time.time()))


def _in_own(fd: int, name: bytes) -> "_Found":
    """Find a counter in the open own.json, which is verified; raise ValueError if it is special."""
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode) or status.st_size > durable.MAX_OWN_BYTES:
        raise ValueError
    data = durable.read_all(fd)
    if not is_whole(data):
        raise ValueError
    header = plain.read_own_header(plain.header_line(data))
    bound, witness = header.bound.decode(), header.witness.decode()
    if witness and status.st_size >= durable.LARGE:
        raise ValueError  # the full command gives it an own.recent.json
    fault = binding.fault(fd, bound, witness, header.seq + header.exports)
    start, end = len(header.encode()), len(data) - TRAILER_SIZE
    pages, text = InMemory(data), memoryview(data)
    first, last = search(pages, start, end, plain.RESERVED)
    sealed = data[first:last]
    first, last = search(pages, start, end, name)
    return header, fault, sealed, data[first:last], text[start:first], text[last:end], durable.MAX_OWN_BYTES


def _in_recent(directory: int, fd: int, name: bytes) -> "_Found":
    """Find a counter in own.recent.json, or in the open own.json; raise ValueError if one of them is special."""
    from crdtctl.store import recent  # only here: small replicas have no such file

    beside = durable.open_state(directory, f"{durable.OWN}{durable.RECENT}")
    try:
        pair = recent.Pair(fd, beside)
        before, after = pair.around(name)
        return pair.header, pair.fault(), pair.line(plain.RESERVED), pair.line(name), before, after, recent.MAX_LINES
    finally:
        durable.close(beside)


# Showing -----------------------------------------------------------------------------------------------


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


def _show(name: bytes, where: str | None) -> int | None:
    def find(own: int, recent: int | None, known: int | None) -> tuple[bytes, bytes]:
        return (
            _find(own, "own", name) if recent is None else _find_recent(own, recent, name),
            _find(known, "known", name) if known is not None else b"",
        )

    lines = _read(where, find)
    value = 0
    seen: set[bytes] = set()
    tags: set[bytes] = set()
    for line in filter(None, lines):
        tag, entries = plain.read_line(line, name)
        tags.add(tag)
        if len(tags) > 1 or not seen.isdisjoint(entries):
            return None
        seen.update(entries)
        value += plain.value_of(tag, entries)
    if not seen:
        return None
    return _print(b"%d\n" % value)


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


def _find(fd: int, kind: str, name: bytes) -> bytes:
    """Return the line of a counter in a file; empty without one. Raise ValueError if the file is special."""
    status = os.fstat(fd)
    size = status.st_size
    if not stat.S_ISREG(status.st_mode):
        raise ValueError
    pages: Pages
    if size <= durable.VERIFY_BELOW:
        data = durable.read_all(fd)
        if len(data) != size or not is_whole(data):
            raise ValueError
        pages = InMemory(data)
    else:
        pages = durable.OnDisk(fd)
    header = plain.header_line(pages.read(0, plain.MAX_HEADER))
    start, end = len(header), size - TRAILER_SIZE
    first, last = search(pages, start, end, plain.RESERVED)
    after = last + 2 if first < last else last
    if pages.read(after, len(_RESERVED_LINE)) == _RESERVED_LINE:
        raise ValueError  # attempts of jobs: some of them may not count
    if kind == "own":
        plain.read_own_header(header)
    else:
        plain.check_known_header(header)
    if kind != "known" and first < last:
        raise ValueError  # it may have absorbed replicas whose entries are in the other file
    if pages.read(end - 1, 1) != b"\n" or not is_trailer(pages.read(end, TRAILER_SIZE + 1)):
        raise ValueError
    first, last = search(pages, start, end, name)
    text = pages.read(first, last - first + len(name) + 4)
    at = last - first
    following = text[at + 2 :] if at else text
    if following.startswith(b'"%b' % name):  # otherwise no name after this line begins with this one
        from crdtctl.codec.plain_labels import refuse_series

        refuse_series(pages, last, end, name)
    return text[:at]


def _find_recent(own: int, recent: int, name: bytes) -> bytes:
    """Return the line of a counter in own.recent.json, or else in own.json, as `_find` does."""
    from crdtctl.store.recent import Pair  # only here, as above

    pair = Pair(own, recent)
    if pair.has_reserved_lines() or pair.has_series(name):
        raise ValueError
    return pair.line(name)


# Failing -----------------------------------------------------------------------------------------------


def _write_rest(text: bytes) -> int:
    from crdtctl.store.streams import write_all

    try:
        write_all(1, text)
    except OSError as error:
        from crdtctl.cli.main import fail
        from crdtctl.cli.output import unwritable

        return fail(unwritable(error))
    return 0


def _unknown(error: OSError) -> int:
    try:
        from crdtctl.cli.main import fail
        from crdtctl.store.files import outcome_unknown

        return fail(outcome_unknown("own.json", error))
    except Exception:  # noqa: BLE001  # even without a message, this must not be declined: it would count twice
        return 76
