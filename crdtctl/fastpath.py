"""The plain forms of ``increment``, ``decrement`` and ``show``, before anything heavy is imported.

    increment NAME [AMOUNT]      (inc)
    decrement NAME [AMOUNT]      (dec)
    show NAME

each also with ``--replica PATH`` before it or behind it. Each either does the whole job or touches nothing
and declines, and then the full command runs. This is an optimisation and never a second truth: it accepts
only what it recognises to the byte (a plain name, a counter of this replica with one type, lines exactly as
the codec writes them), and a test drives both ways with the same arguments and files and compares exit
status, output and every file. Whatever goes wrong before the rename is declined too: the full command meets
it again and finds the words for it.
"""

import os
import stat
import time

from crdtctl.codec.layout import (
    HEAD_END,
    HEAD_START,
    MAX_SAFE,
    TRAILER_SIZE,
    InMemory,
    is_trailer,
    is_whole,
    search,
    trailer_of,
)
from crdtctl.store import binding, durable, locate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    Head = tuple[bytes, int, int, bytes, str, str, int]

#: Characters of a name that mean nothing special anywhere: no quotes, no '=', no option, no escapes.
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:/@+-")
_TAG = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
_VERBS = {"increment": 0, "inc": 0, "decrement": 1, "dec": 1}
#: Type → how each of its totals enters the value.
_WEIGHTS = {b"pncounter": (1, -1), b"gcounter": (1,)}
_MAX_HEAD = 2**16
#: What stands in the place of a counter's name where it is said who has ended.
_ENDED = b"="
#: How a line begins that is none of a counter.
_NO_COUNTER = b'"='
#: How long to try for the lock before the full command waits for it in earnest.
_PATIENCE = 0.1

_OWN_HEAD = HEAD_START + b'own","replica":"'
_KNOWN_HEAD = HEAD_START + b'known","replica":"'


def run(arguments: list[str]) -> int | None:
    """Do the job of a plain command line and return its exit status, or None: not one of ours."""
    where = None
    if len(arguments) > 3 and "--replica" in (arguments[0], arguments[-2]):
        at = 0 if arguments[0] == "--replica" else len(arguments) - 2
        where = arguments[at + 1]
        arguments = arguments[:at] + arguments[at + 2 :]
        if not where or where[0] == "-":
            return None
    if not 2 <= len(arguments) <= 3 or not _is_plain(arguments[1]):
        return None
    for variable in os.environ:
        if variable.startswith(("CRDTCTL_", "_CRDTCTL_")) and variable != locate.VARIABLE:
            return None
    verb, name = arguments[0], arguments[1].encode()
    try:
        if verb == "show" and len(arguments) == 2:
            return _show(name, where)
        if verb in _VERBS and not os.isatty(1):
            amount = _number(arguments[2].encode()) if len(arguments) == 3 else 1
            return _count(_VERBS[verb], name, amount, where) if amount else None
    except (OSError, ValueError, IndexError, durable.NotApplied):
        pass
    return None


def _is_plain(name: str) -> bool:
    return 0 < len(name) <= 200 and name[0] != "-" and _PLAIN.issuperset(name)


def _number(digits: bytes) -> int:
    """Return a whole number as the codec writes it; 0 for anything else too."""
    if not digits.isdigit() or len(digits) > 16 or digits[0] == 0x30:
        return 0
    number = int(digits)
    return number if number <= MAX_SAFE else 0


def _total(digits: bytes) -> int:
    """Return a whole number that may be 0; raise ValueError for anything else."""
    number = _number(digits)
    if number or digits == b"0":
        return number
    raise ValueError


# Counting ----------------------------------------------------------------------------------------------


def _count(column: int, name: bytes, amount: int, where: str | None) -> int | None:
    directory = durable.open_directory(locate.find(where))
    try:
        os.stat("own.json", dir_fd=directory)  # a directory that is no replica is left without a lock file
        lock = durable.open_lock(directory, durable.OWN)
        try:
            if not _lock_soon(lock) or not durable.is_same_file(directory, "own.lock", lock):
                return None
            return _commit(directory, lock, column, name, amount)
        finally:
            durable.close(lock)  # and with it the lock, for which the full command would wait
    finally:
        durable.close(directory)


def _commit(directory: int, lock: int, column: int, name: bytes, amount: int) -> int | None:
    data, head, fault = _own(directory)
    if fault:
        return None  # this replica was copied, or its backup was restored
    replica, seq, departures, tags, bound, witness, start = head
    end = len(data) - TRAILER_SIZE
    first, last = search(InMemory(data), start, end, name)
    if first == last or seq >= MAX_SAFE or _has_ended(data, start, end, replica):
        return None
    tag, totals, rest = _own_line(data[first:last], name, replica)
    if column >= len(totals):
        return None
    totals[column] += amount
    if totals[column] > MAX_SAFE:
        return None
    text = memoryview(data)
    draft = durable.Draft(directory, durable.OWN, lock)
    try:
        bound = binding.of(draft.fd, lasting=binding.is_lasting(bound))
        pieces: list[bytes | memoryview] = [
            _own_opening(replica, seq + 1, tags, bound, witness) + HEAD_END,
            text[start:first],
            _line(name, tag, replica, seq + 1, totals, rest),
            text[last:end],
        ]
        pieces.append(trailer_of(pieces))
        draft.write_all(pieces)
        draft.commit()
    except OSError as error:
        if draft.is_renamed:
            return _unknown(error)
        raise
    finally:
        draft.abandon()
    binding.remember(witness, seq + departures + 1)
    return 0


def _has_ended(data: bytes, start: int, end: int, replica: bytes) -> bool:
    """Return whether a line says that the replica is sealed, or anything that is not known here."""
    first, last = search(InMemory(data), start, end, _ENDED)
    opening = b'"=":{"membership":{"%b":[' % replica
    row = data[first + len(opening) : last].split(b",", 2)
    return first < last and (data[first : first + len(opening)] != opening or len(row) < 3 or row[1] != b"0")


def _lock_soon(lock: int) -> bool:
    deadline = 0.0
    while not durable.try_lock(lock):
        now = time.monotonic()
        deadline = deadline or now + _PATIENCE
        if now >= deadline:
            return False
        time.sleep(0.001)
    return True


def _own(directory: int) -> "tuple[bytes, Head, str]":
    """Return own.json, its header, and why it may be a copy; raise ValueError if it is anything special."""
    fd = durable.open_state(directory, "own.json")
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode) or status.st_size > durable.MAX_OWN_BYTES:
            raise ValueError
        data = durable.read_all(fd)
        if not is_whole(data):
            raise ValueError
        head = _own_head(data)
        _, seq, departures, _, bound, witness, _ = head
        return data, head, binding.fault(fd, bound, witness, seq + departures)
    finally:
        durable.close(fd)


def _own_opening(replica: bytes, seq: int, tags: bytes, bound: str, witness: str) -> bytes:
    """Return the header of own.json as the codec writes it, up to its counters."""
    return b'%b%b","clock":{"%b":%d}%b,"binding":"%b"%b' % (
        _OWN_HEAD,
        replica,
        replica,
        seq,
        b',"tags":{"%b":"%b"}' % (replica, tags) if tags else b"",
        bound.encode(),
        b',"witness":"%b"' % witness.encode() if witness else b"",
    )


def _own_head(data: bytes) -> "Head":
    """Return the replica's id, its last commit, its departures, these as text, its binding, its witness, its end."""
    start = data.index(b"\n", 0, _MAX_HEAD) + 1
    replica = data[len(_OWN_HEAD) : data.index(b'"', len(_OWN_HEAD))]
    opening = b'%b%b","clock":{"%b":' % (_OWN_HEAD, replica, replica)
    end = data.index(b"}", len(opening) - 1)
    seq = _number(data[len(opening) : end])
    rest, _, witness = data[end + 1 : start - len(HEAD_END)].partition(b',"witness":"')
    tags, _, bound = rest.partition(b',"binding":"')
    tags = tags[len(replica) + 13 : -2]
    witness, bound = witness[:-1], bound[:-1]
    if not (seq and _is_plain(replica.decode()) and _is_text(bound) and (not witness or _is_text(witness))):
        raise ValueError
    count = _departures(tags, seq) if tags else 0
    if data[:start] != _own_opening(replica, seq, tags, bound.decode(), witness.decode()) + HEAD_END:
        raise ValueError
    return replica, seq, count, tags, bound.decode(), witness.decode(), start


def _is_text(data: bytes) -> bool:
    """Return whether `data` stands for itself in JSON, and is something."""
    return data.isascii() and data.decode().isprintable() and b'"' not in data and b"\\" not in data and data != b""


def _departures(tags: bytes, seq: int) -> int:
    """Return how many departures there were; raise ValueError if that is not told as it should be."""
    first, *kept = tags.split(b" ")
    count, before = _number(first), 0
    for one in kept:
        number, _, tag = one.partition(b".")
        here = _number(number)
        if not before < here <= seq or len(tag) != 4 or not _TAG.issuperset(tag):
            raise ValueError
        before = here
    if not count or len(kept) != kept_of(count):
        raise ValueError
    return count


def kept_of(count: int) -> int:
    """Return how many of so many departures are kept: as many as `crdtctl.crdt.forks.retained` lists."""
    kept, power = min(count, 16), 4
    while power <= count:  # beyond the latest 16: odd multiples of the power, among the latest 8 times the power
        low, high = max(0, count - 8 * power), count - 16
        kept += max(0, (high + power) // (2 * power) - (low + power) // (2 * power))
        power *= 2
    return kept


def _check_known_head(line: bytes) -> None:
    """Raise ValueError if the header of known.json is anything special."""
    replica, _, rest = line[len(_KNOWN_HEAD) : -len(HEAD_END)].partition(b'","clock":{')
    clock, _, rest = rest.partition(b"}")
    told, _, rest = rest.partition(b',"heard":{')
    heard, _, past = rest.partition(b"}")
    tags = told[len(b',"tags":{') : -1]
    past, _, unheard = past.partition(b',"unheard":{')
    past, unheard = past[len(b',"past":[[') : -2], unheard[:-1]
    whole = b'%b%b","clock":{%b}%b,"heard":{%b}%b%b%b' % (
        _KNOWN_HEAD,
        replica,
        clock,
        b',"tags":{%b}' % tags if tags else b"",
        heard,
        b',"past":[[%b]]' % past if past else b"",
        b',"unheard":{%b}' % unheard if unheard else b"",
        HEAD_END,
    )
    if line != whole or not _is_plain(replica.decode()):
        raise ValueError
    seqs = {author: _number(seq) for author, seq in _entries(clock, b'":', b',"', b"")}
    if not all(seqs.values()):
        raise ValueError
    for author, text in _entries(tags, b'":"', b'","', b'"'):
        _departures(text, seqs.get(author, 0))
    for _, when in _entries(heard, b'":"', b'","', b'"'):
        if not _is_text(when):
            raise ValueError
    if not all(count == b"0" or _number(count) for _, count in _entries(unheard, b'":', b',"', b"")):
        raise ValueError
    for one in past.split(b"],[") if past else []:
        before, _, rest = one.partition(b'",')
        seq, why, when = rest.split(b",")
        if not _is_plain(before[1:].decode()) or str(int(seq)).encode() != seq or not 0 <= int(seq) <= MAX_SAFE:
            raise ValueError
        if before[:1] + why[:1] + why[-1:] + when[:1] + when[-1:] != b'"""""' or not (
            _is_text(why[1:-1]) and _is_text(when[1:-1])
        ):
            raise ValueError


def _entries(text: bytes, middle: bytes, between: bytes, end: bytes) -> "Iterator[tuple[bytes, bytes]]":
    """Yield the keys, plain and sorted, and the values of what stands between the braces of an object."""
    if not text:
        return
    if text[:1] != b'"' or text[len(text) - len(end) :] != end:
        raise ValueError
    before = b""
    for entry in text[1 : len(text) - len(end)].split(between):
        key, _, value = entry.partition(middle)
        if key <= before or not _is_plain(key.decode()):
            raise ValueError
        before = key
        yield key, value


def _line(name: bytes, tag: bytes, replica: bytes, seq: int, totals: list[int], rest: bytes) -> bytes:
    numbers = b",".join(b"%d" % total for total in totals)
    return b'"%b":{"%b":{"%b":[%d,%b%b]}}' % (name, tag, replica, seq, numbers, rest)


def _own_line(line: bytes, name: bytes, replica: bytes) -> tuple[bytes, list[int], bytes]:
    """Return the type, the totals and what follows them on a line of own.json; raise ValueError if it is special."""
    numbers, more, maps = line.partition(b",{")
    if more:  # once-keys and reset marks, which counting leaves as they are
        line = numbers + b"]}}"
    tag, authors = _plain_line(line, name)
    if list(authors) != [replica]:
        raise ValueError
    totals = authors[replica]
    if more:
        if maps[-4:] != b"}]}}" or len(maps) > _MAX_HEAD:
            raise ValueError
        _check_maps(maps[:-4], len(totals))
    return tag, totals, more + maps[:-3]


def _check_maps(text: bytes, width: int) -> None:
    """Raise ValueError if these are not up to three maps, without the outer braces, of rows of `width` numbers."""
    maps = text.split(b"},{")
    if len(maps) > 3 or not maps[-1]:
        raise ValueError
    for number, inside in enumerate(maps):
        for _, row in _entries(inside, b'":[', b'],"', b"]"):
            totals = [_total(digits) for digits in row.split(b",")]
            if number == 0 and len(totals) == width + 1 and totals.pop() == 0:  # the commit that sent a once-key
                raise ValueError
            if len(totals) != width or not any(totals):
                raise ValueError


def _plain_line(line: bytes, name: bytes) -> tuple[bytes, dict[bytes, list[int]]]:
    """Return the type and author → totals on a line of numbers; raise ValueError if it is anything special."""
    opening = b'"%b":{"' % name
    tag = line[len(opening) : line.index(b'"', len(opening))]
    body = line[len(opening) + len(tag) + 4 : -3]
    if line != b'%b%b":{"%b]}}' % (opening, tag, body):
        raise ValueError
    width = len(_WEIGHTS[tag]) + 1 if tag in _WEIGHTS else 0
    authors: dict[bytes, list[int]] = {}
    before = b""
    for part in body.split(b'],"'):
        author, _, numbers = part.partition(b'":[')
        row = [_total(digits) for digits in numbers.split(b",")]
        if author <= before or len(row) != width or not row[0] or not _is_plain(author.decode()):
            raise ValueError
        authors[author] = row[1:]
        before = author
    return tag, authors


def _unwritable(error: OSError) -> int:
    from crdtctl.cli.main import fail
    from crdtctl.cli.output import unwritable

    return fail(unwritable(error))


def _unknown(error: OSError) -> int:
    try:
        from crdtctl.cli.main import fail
        from crdtctl.store.files import outcome_unknown

        return fail(outcome_unknown("own.json", error))
    except Exception:  # noqa: BLE001  # what cannot be said in words must not be declined either: it would count twice
        return 76


# Showing -----------------------------------------------------------------------------------------------


def _show(name: bytes, where: str | None) -> int | None:
    directory = durable.open_directory(locate.find(where))
    try:
        before = os.stat("own.json", dir_fd=directory)
        own = _find(directory, "own.json", _OWN_HEAD, name)
        known = _find(directory, "known.json", _KNOWN_HEAD, name)
        after = os.stat("own.json", dir_fd=directory)
        if (before.st_ino, before.st_mtime_ns) != (after.st_ino, after.st_mtime_ns):
            return None  # what it said may have been taken out of the other file meanwhile
    finally:
        durable.close(directory)
    lines = [line for line in (own, known) if line]
    if not lines:
        return None
    value = 0
    seen: set[bytes] = set()
    tags: set[bytes] = set()
    for line in lines:
        tag, authors = _plain_line(line, name)
        tags.add(tag)
        if len(tags) > 1 or not seen.isdisjoint(authors):
            return None
        seen.update(authors)
        for totals in authors.values():
            value += sum(weight * total for weight, total in zip(_WEIGHTS[tag], totals, strict=True))
    text = b"%d\n" % value
    done = os.write(1, text)
    if done < len(text):  # a part is out, so this cannot be declined any more
        return _write_rest(text[done:])
    return 0


def _write_rest(text: bytes) -> int:
    from crdtctl.store.streams import write_all

    try:
        write_all(1, text)
    except OSError as error:
        return _unwritable(error)
    return 0


def _find(directory: int, file: str, head: bytes, name: bytes) -> bytes | None:
    """Return the line of a counter, or None; raise ValueError if the file is anything special."""
    try:
        fd = durable.open_state(directory, file)
    except FileNotFoundError:
        if file == "known.json":
            return None
        raise
    try:
        status = os.fstat(fd)
        size = status.st_size
        if not stat.S_ISREG(status.st_mode):
            raise ValueError
        pages: InMemory | durable.OnDisk
        if size <= durable.VERIFY_BELOW:
            data = durable.read_all(fd)
            if len(data) != size or not is_whole(data):
                raise ValueError
            pages = InMemory(data)
        else:
            pages = durable.OnDisk(fd)
        opening = pages.read(0, _MAX_HEAD)
        start = opening.index(b"\n") + 1
        end = size - TRAILER_SIZE
        first, last = search(pages, start, end, _ENDED)
        after = last + 2 if first < last else last
        if pages.read(after, len(_NO_COUNTER)) == _NO_COUNTER:
            raise ValueError  # attempts of jobs, not all of which count
        if head == _OWN_HEAD:
            _own_head(opening)
            if first < last:
                raise ValueError  # not everything in the other file may count
        else:
            _check_known_head(opening[:start])
        if pages.read(end - 1, 1) != b"\n" or not is_trailer(pages.read(end, TRAILER_SIZE + 1)):
            raise ValueError
        first, last = search(pages, start, end, name)
        return pages.read(first, last - first) if last > first else None
    finally:
        durable.close(fd)
