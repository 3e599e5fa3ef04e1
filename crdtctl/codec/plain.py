"""The plain part of the format, read and written without the full codec: for the fast path.

A text is plain if it contains nothing special: counters of numbers, names without escapes, ids without forks. Readers
raise ValueError or IndexError for every other text, which the full codec then reads or refuses. A plain text means the
same to both, and both write the same bytes: tests/codec/test_plain.py compares them.

This module is on the path of every increment, so it imports nothing that Python has not loaded already, but zlib.
"""

from crdtctl.codec.layout import HEAD_END, HEAD_START, MAX_SAFE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: Type → weight of each of its totals in the value, for the types whose entries are totals.
WEIGHTS = {b"pncounter": (1, -1), b"gcounter": (1,)}
#: Name of the membership line. Every reserved name begins with it.
RESERVED = b"="
#: Name of the line of renames.
RENAMES = b"=renames"
#: The field of a header that records that an entry in the file may have periods. It is in the first bytes of a file.
PERIODS = b',"periods":1'
OPENING = 512
#: The text before the settings of periods, in an entry that has neither keys, nor marks, nor readings.
DATED = b",{},{},{},{},0,{},"
#: Maximum size of these settings and periods in bytes.
_MAX_DATED = 2**18
#: Maximum number of characters of the effects of a commit together, and of requests in a commit whose effects are kept.
MAX_EFFECTS = 1000
MOST_EFFECTS = 100
#: Maximum size of a header in bytes. A longer one is not read.
MAX_HEADER = 2**16

#: The characters of a plain name. None of them is special to JSON, to the shell-like syntax of arguments or to ids.
_NAME = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:/@+-"
_NONCE = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
_HEX = b"0123456789abcdef"
_MAX_NAME = 200


# Names and numbers -------------------------------------------------------------------------------------


def is_name(text: bytes) -> bool:
    """Return whether `text` is a plain name of a counter or a replica."""
    return 0 < len(text) <= _MAX_NAME and text[0] != 0x2D and not text.strip(_NAME)


def are_names(texts: "Sequence[bytes]") -> bool:
    """Return whether all texts are plain names."""
    return not b"".join(texts).strip(_NAME) and all(0 < len(text) <= _MAX_NAME and text[0] != 0x2D for text in texts)


def number(digits: bytes) -> int:
    """Return a whole number from 1 to `MAX_SAFE` in its shortest form; 0 for any other text."""
    if not digits.isdigit() or len(digits) > 16 or digits[0] == 0x30:
        return 0
    value = int(digits)
    return value if value <= MAX_SAFE else 0


def total(digits: bytes) -> int:
    """Return a whole number from 0 to `MAX_SAFE`."""
    value = number(digits)
    if value or digits == b"0":
        return value
    raise ValueError


def is_position(text: bytes) -> bool:
    """Return whether `text` is a position in a followed file: ``INODE.OFFSET.CRC``."""
    inode, _, rest = text.partition(b".")
    offset, _, crc = rest.partition(b".")
    return all(one.isdigit() and len(one) <= 20 for one in (inode, offset)) and len(crc) == 8 and not crc.strip(_HEX)


def is_nonce(text: bytes) -> bool:
    """Return whether `text` is the nonce of an ``own.json`` that has an ``own.recent.json``: twelve digits."""
    return len(text) == 12 and not text.strip(_HEX)


def read_base(text: bytes) -> tuple[bytes, int, int, bytes]:
    """Return the description of ``own.json`` in the header of its ``own.recent.json``.

    It consists of a nonce, the size of the file and that of a block, in bytes, and eight digits of a CRC-32 for each
    block.
    """
    nonce, size, block, sums = text.split(b" ")
    length, step = number(size), number(block)
    if not (is_nonce(nonce) and length and step) or len(sums) != 8 * -(-length // step) or sums.strip(_HEX):
        raise ValueError
    return nonce, length, step, sums


def _is_text(text: bytes) -> bool:
    """Return whether `text` is printable ASCII without escapes, and not empty."""
    return text != b"" and text.isascii() and text.decode().isprintable() and b'"' not in text and b"\\" not in text


# Headers -----------------------------------------------------------------------------------------------


class OwnHeader:
    """A plain header of ``own.json``: `history` is the text of the export markers, `exports` their number.

    `received` is the number of the last commit that forgot or renamed counters, or 0.
    `follows` is the text of the positions in followed files, `last` that of the effects of the last commit, and
    `periods` whether an entry may have periods. With a `base`, it is the header of ``own.recent.json``.
    """

    def __init__(
        self,
        base: bytes,
        replica: bytes,
        seq: int,
        history: bytes,
        bound: bytes,
        witness: bytes,
        follows: bytes,
        last: bytes = b"",
        *,
        periods: bool = False,
        received: int = 0,
    ) -> None:
        self.base = base
        self.replica = replica
        self.periods = periods
        self.received = received
        self.seq = seq
        self.history = history
        self.exports = _exports(history, seq) if history else 0
        self.bound = bound
        self.witness = witness
        self.follows = follows
        self.last = last

    def encode(self) -> bytes:
        """Return the header line, with its line feed."""
        return b'%b%b","replica":"%b"%b,"clock":{"%b":%d}%b%b,"binding":"%b"%b%b%b%b' % (
            HEAD_START,
            b'recent","base":"' + self.base if self.base else b"own",
            self.replica,
            PERIODS if self.periods else b"",
            self.replica,
            self.seq,
            b',"tags":{"%b":"%b"}' % (self.replica, self.history) if self.history else b"",
            b',"received":{"%b":%d}' % (self.replica, self.received) if self.received else b"",
            self.bound,
            b',"witness":"%b"' % self.witness if self.witness else b"",
            b',"follows":{%b}' % self.follows if self.follows else b"",
            b',"last":["%b"]' % self.last if self.last else b"",
            HEAD_END,
        )


def header_line(opening: bytes) -> bytes:
    """Return the header line at the start of a file, with its line feed."""
    return opening[: opening.index(b"\n", 0, MAX_HEADER) + 1]


def read_own_header(line: bytes, base: bytes = b"") -> OwnHeader:
    """Return the header of ``own.json`` on its first line; with a `base`, that of ``own.recent.json``."""
    replica = between(line, b'"replica":"', b'"')
    header = OwnHeader(
        base,
        replica,
        number(between(line, b'"clock":{"%b":' % replica, b"}")),
        between(line, b'"tags":{"%b":"' % replica, b'"}'),
        between(line, b'"binding":"', b'"'),
        between(line, b'"witness":"', b'"'),
        between(line, b'"follows":{', b"}"),
        between(line, b'"last":["', b'"]'),
        periods=has_periods(line),
        received=number(between(line, b'"received":{"%b":' % replica, b"}")),
    )
    witness = header.witness
    if not (header.seq and is_name(replica) and _is_text(header.bound) and (not witness or _is_text(witness))):
        raise ValueError
    if header.encode() != line:
        raise ValueError
    if header.last and not all(map(_is_text, header.last.replace(b'\\"', b"'").split(b'","'))):
        raise ValueError
    for _, position in members_of(header.follows, b'":"', b'","', b'"'):
        if not is_position(position):
            raise ValueError
    return header


def read_recent_header(line: bytes) -> OwnHeader:
    """Return the header of ``own.recent.json`` on its first line."""
    base = between(line, b'"base":"', b'"')
    read_base(base)
    return read_own_header(line, base)


def has_periods(line: bytes) -> bool:
    """Return whether the header at the start of a file records that an entry in the file may have periods."""
    return PERIODS + b',"clock":{' in line


def check_known_header(line: bytes) -> None:
    """Raise ValueError unless the first line of ``known.json`` is a plain header."""
    replica = between(line, b'"replica":"', b'"')
    clock = between(line, b'"clock":{', b"}")
    histories = between(line, b'"tags":{', b"}")
    heard = between(line, b'"heard":{', b"}")
    received = between(line, b'"received":{', b"}")
    receipts = between(line, b'"receipts":{', b"}}")
    past = between(line, b'"past":[[', b"]]")
    unheard = between(line, b'"unheard":{', b"}")
    again = b'%bknown","replica":"%b"%b,"clock":{%b}%b,"heard":{%b}%b%b%b%b%b' % (
        HEAD_START,
        replica,
        PERIODS if has_periods(line) else b"",
        clock,
        b',"tags":{%b}' % histories if histories else b"",
        heard,
        b',"received":{%b}' % received if received else b"",
        b',"receipts":{%b}}' % receipts if receipts else b"",
        b',"past":[[%b]]' % past if past else b"",
        b',"unheard":{%b}' % unheard if unheard else b"",
        HEAD_END,
    )
    if again != line or not is_name(replica):
        raise ValueError
    seqs = {replica: number(seq) for replica, seq in members_of(clock, b'":', b',"', b"")}
    if not all(seqs.values()):
        raise ValueError
    for replica, history in members_of(histories, b'":"', b'","', b'"'):
        _exports(history, seqs.get(replica, 0))
    for _, when in members_of(heard, b'":"', b'","', b'"'):
        if not _is_text(when):
            raise ValueError
    if not all(number(seq) for part in _maps(received, receipts) for _, seq in members_of(part, b'":', b',"', b"")):
        raise ValueError
    for _, count in members_of(unheard, b'":', b',"', b""):
        total(count)
    for row in past.split(b"],[") if past else []:
        replica, seq, why, when = row.split(b",")
        total(seq)
        if not is_name(_unquoted(replica)) or not (_is_text(_unquoted(why)) and _is_text(_unquoted(when))):
            raise ValueError


def _maps(received: bytes, receipts: bytes) -> "Iterator[bytes]":
    """Yield the objects, without braces, in the field `received`, and those in the field `receipts`."""
    yield received
    for _, part in members_of(receipts + b"}", b'":{', b'},"', b"}") if receipts else ():
        if not part:
            raise ValueError
        yield part


def between(line: bytes, before: bytes, after: bytes) -> bytes:
    """Return the bytes between two others; empty without them. Encoding the header again checks the rest."""
    start = line.find(before) + len(before)
    return line[start : line.index(after, start)] if start >= len(before) else b""


def _unquoted(text: bytes) -> bytes:
    if text[:1] != b'"' or text[-1:] != b'"':
        raise ValueError
    return text[1:-1]


def members_of(text: bytes, middle: bytes, between: bytes, end: bytes) -> "Iterator[tuple[bytes, bytes]]":
    """Yield the keys, which must be plain and sorted, and the values of an object without its braces."""
    if not text:
        return
    if text[:1] != b'"' or not text.endswith(end):
        raise ValueError
    before = b""
    for entry in text[1 : len(text) - len(end)].split(between):
        key, _, value = entry.partition(middle)
        if key <= before or not is_name(key):
            raise ValueError
        before = key
        yield key, value


def _exports(history: bytes, seq: int) -> int:
    """Return the number of export markers that `history` counts, of a replica whose last commit is `seq`."""
    first, *kept = history.split(b" ")
    count, before = number(first), 0
    for marker in kept:
        digits, _, nonce = marker.partition(b".")
        commit = number(digits)
        if not before < commit <= seq or len(nonce) != 4 or nonce.strip(_NONCE):
            raise ValueError
        before = commit
    if not count or len(kept) != kept_count(count):
        raise ValueError
    return count


def kept_count(count: int) -> int:
    """Return the number of export markers that are kept of `count`: the length of `crdtctl.crdt.forks.retained`."""
    kept, power = min(count, 16), 4
    while power <= count:  # beyond the latest 16: odd multiples of the power, among the latest 8 times the power
        low, high = max(0, count - 8 * power), count - 16
        kept += max(0, (high + power) // (2 * power) - (low + power) // (2 * power))
        power *= 2
    return kept


# Lines -------------------------------------------------------------------------------------------------


def read_line(line: bytes, name: bytes) -> tuple[bytes, dict[bytes, list[int]]]:
    """Return the type of the counter on a line, and replica id → totals."""
    opening = b'"%b":{"' % name
    tag = line[len(opening) : line.index(b'"', len(opening))]
    body = line[len(opening) + len(tag) + 4 : -3]
    if line != b'%b%b":{"%b]}}' % (opening, tag, body):
        raise ValueError
    width = len(WEIGHTS[tag]) + 1 if tag in WEIGHTS else 0
    entries: dict[bytes, list[int]] = {}
    before = b""
    for entry in body.split(b'],"'):
        replica, _, numbers = entry.partition(b'":[')
        row = [total(digits) for digits in numbers.split(b",")]
        if replica <= before or len(row) != width or not row[0] or not is_name(replica):
            raise ValueError
        entries[replica] = row[1:]
        before = replica
    return tag, entries


def value_of(tag: bytes, entries: dict[bytes, list[int]]) -> int:
    """Return the value of a counter of numbers."""
    return sum([weight * total for row in entries.values() for weight, total in zip(WEIGHTS[tag], row, strict=True)])


class OwnLine:
    """A counter's line in ``own.json``: its type, its totals, and the text of the maps that follow them."""

    def __init__(self, name: bytes, tag: bytes, totals: list[int], maps: bytes) -> None:
        self.name = name
        self.tag = tag
        self.totals = totals
        self.maps = maps

    def encode(self, replica: bytes, seq: int) -> bytes:
        """Return the line after commit `seq` of the replica, without the separator from the next line."""
        totals = b",".join([b"%d" % total for total in self.totals])
        return b'"%b":{"%b":{"%b":[%d,%b%b]}}' % (self.name, self.tag, replica, seq, totals, self.maps)


def read_own_line(line: bytes, name: bytes, replica: bytes) -> OwnLine:
    """Return a counter that has an entry of this replica alone. The maps of the entry are checked, and not decoded."""
    numbers, separator, maps = line.partition(b",{")
    if separator:  # idempotency keys and what resets cancelled: counting does not change them
        line = numbers + b"]}}"
    tag, entries = read_line(line, name)
    if list(entries) != [replica]:
        raise ValueError
    totals = entries[replica]
    if separator and (separator + maps).startswith(DATED):
        from crdtctl.codec.plain_periods import read  # only here: few counters have periods

        if maps[-3:] != b"]}}" or len(maps) > _MAX_DATED:
            raise ValueError
        read(maps[len(DATED) - len(separator) : -3], len(totals))
    elif separator:
        if maps[-4:] != b"}]}}" or len(maps) > MAX_HEADER:
            raise ValueError
        _check_maps(maps[:-4], len(totals))
    return OwnLine(name, tag, totals, separator + maps[:-3])


def _check_maps(text: bytes, width: int) -> None:
    """Raise ValueError unless `text` is one to three maps, without the outer braces, of rows of `width` numbers."""
    maps = text.split(b"},{")
    if len(maps) > 3 or not maps[-1]:
        raise ValueError
    for place, members in enumerate(maps):
        for _, row in members_of(members, b'":[', b'],"', b"]"):
            totals = [total(digits) for digits in row.split(b",")]
            if place == 0 and len(totals) == width + 1 and totals.pop() == 0:  # the commit that used the key
                raise ValueError
            if len(totals) != width or not any(totals):
                raise ValueError


def may_be_sealed(line: bytes, replica: bytes) -> bool:
    """Return whether the membership line of ``own.json`` may record that the replica is sealed; empty: no line."""
    opening = b'"%b":{"membership":{"%b":[' % (RESERVED, replica)
    row = line[len(opening) :].split(b",", 2)
    return line != b"" and (not line.startswith(opening) or len(row) < 3 or row[1] != b"0")
