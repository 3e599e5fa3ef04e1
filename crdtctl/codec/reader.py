"""Reading a canonical file: its header, one line, or all its lines, in constant memory."""

from __future__ import annotations

import zlib

from crdtctl.codec.clock import CROWDED
from crdtctl.codec.header import decode_head
from crdtctl.codec.invalid import SMALL, Invalid, refuse_absurd
from crdtctl.codec.layout import (
    LONGEST_NAME,
    NAME_END,
    TRAILER_SIZE,
    InMemory,
    digits,
    is_crowded,
    is_trailer,
    name_of,
    search,
    trailer,
)
from crdtctl.codec.lines import decode_line, decode_own_line
from crdtctl.crdt import LOCALLY_MERGED, NO_COUNTERS
from crdtctl.crdt.counter import put_under
from crdtctl.crdt.names import replica_fault
from crdtctl.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from crdtctl.codec.header import Head
    from crdtctl.codec.layout import Pages
    from crdtctl.crdt.counter import Counter
    from crdtctl.crdt.forks import Names

    #: Headers by their mark.
    Heads = dict[int, Head]

#: Number of bytes that are read in one call.
READ_SIZE = 2**18
_STEP = 4096
#: Number of lines that are checked together.
_CHECKED = 4096
#: Minimum number of lines that are decoded together.
_MANY = 64
#: The names of the reserved lines, which hold no counter.
NO_NAMES = frozenset(name.encode() for name in NO_COUNTERS)
#: Maximum size in bytes of a header: a clock of about a million replicas.
_MAX_HEAD = 2**26
_VERSION = b'{"crdtctl":'


class Part(NamedTuple):
    """The counters from the name `first` up to the name `beyond`, without that one; empty: no limit."""

    first: bytes
    beyond: bytes


ALL = Part(b"", b"")


def _mark(head: bytes) -> int:
    """Return a number that identifies the text of a header in this process."""
    return hash(head) << 32 | zlib.crc32(head)


def _refuse_costly(head: bytes) -> None:
    """Raise `Invalid` for a header that would take many times its size of memory."""
    if len(head) <= SMALL:
        return
    import re  # only here: large headers are rare, and small ones are cheap

    clocks = rb'"(?:clock|received)":\{((?:"[^"\\]*+(?:\\.[^"\\]*+)*+":[0-9]++,?)*+)'
    if any(is_crowded(found[1]) for found in re.finditer(clocks, head)):
        raise Invalid(CROWDED)
    refuse_absurd(head)


class Source:
    """A canonical file to read from: its header, one line, or all its lines.

    `label` is its name in messages. `ours` is true if this program wrote the file on this machine. Its lines are then
    decoded without checks, so its checksum must have been verified. Bytes that are not a state raise `Invalid`, with
    this source in it. `heads` are headers that were decoded already, by their `mark`; the one of this source is added.
    """

    def __init__(
        self, pages: Pages, size: int, *, label: str = "", ours: bool = False, heads: Heads | None = None
    ) -> None:
        self.pages = pages
        self.size = size
        self.label = label
        self.ours = ours
        #: Replica → ids that its entries are read under instead: the branches of a fork, or an empty tuple.
        self.names: Names = {}
        self.start = self._head_size()
        self.end = size - TRAILER_SIZE
        try:
            head = pages.read(0, self.start)
            self.mark = _mark(head)
            self.head = (heads and heads.get(self.mark)) or self._decoded(head)
            if heads is not None:
                heads[self.mark] = self.head
            del head
        except Invalid as fault:
            raise self.invalid(fault.reason) from None
        self._floor = min(self.head.clock.values(), default=0)
        self.trailer = pages.read(self.end, TRAILER_SIZE + 1) if self.end >= self.start else b""
        if not is_trailer(self.trailer) or pages.read(self.end - 1, 1) != b"\n":
            raise self.invalid("its last line is missing: it is truncated")

    def _decoded(self, head: bytes) -> Head:
        if not self.ours:
            _refuse_costly(head)
        return decode_head(head)

    def twin(self) -> Source:
        """Return another source that reads the same file, for example with other names."""
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        return twin

    def invalid(self, reason: str) -> Invalid:
        """Return the error for this source."""
        return Invalid(reason, self.label, source=self, ours=self.ours)

    def _head_size(self) -> int:
        offset = 0
        size = _STEP
        while offset < _MAX_HEAD and (offset or self.pages.read(0, len(_VERSION)) == _VERSION):
            block = self.pages.read(offset, size)
            end = block.find(b"\n")
            if end >= 0:
                return offset + end + 1
            if not block:
                break
            offset += len(block)
            size = READ_SIZE
        raise self.invalid("it does not begin with the whole header of a state")

    @property
    def checksum(self) -> str:
        """The eight digits of the last line."""
        return digits(self.trailer).decode()

    def verify(self, start: int = 0, checksum: int = 0) -> None:
        """Check that the last line is the checksum of all bytes before it. That of the ones before `start` is known."""
        for offset in range(start, self.end, READ_SIZE):
            checksum = zlib.crc32(self.pages.read(offset, min(READ_SIZE, self.end - offset)), checksum)
        if self.trailer != trailer(checksum):
            raise self.invalid("its checksum does not match: it was changed or damaged")

    def line(self, name: str) -> bytes | None:
        """Return the line of one counter, or None."""
        key = name.encode("utf-8", "surrogatepass")  # a name from a command line may be no UTF-8: it has no line
        try:
            start, end = search(self.pages, self.start, self.end, key)
        except ValueError as error:
            raise self.invalid(f"a line is damaged: {error}") from None
        return self.pages.read(start, end - start) if end > start else None

    def has(self, name: str) -> bool:
        """Return whether there is a line of this name."""
        return self.line(name) is not None

    def counter(self, name: str) -> Counter:
        """Return one counter; empty if the file has none of this name."""
        line = self.line(name)
        return {} if line is None else self.read(line)

    def read(self, line: bytes) -> Counter:
        """Return the counter on one of the lines, with the entries under their `names`."""
        counter = self.decode(line)[1]
        return put_under(counter, self.names) if self.names else counter

    def may_have_reserved(self) -> bool:
        """Return whether a line may be a reserved one, which is certain only in a small file."""
        size = self.end - self.start
        if size > READ_SIZE:
            return True
        text = self.pages.read(self.start - 1, size)
        return b"=" in text and b'\n"=' in text  # the first search is much quicker

    def has_size_of(self, other: Source) -> bool:
        """Return whether the lines of the `other` source take as many bytes."""
        return self.end - self.start == other.end - other.start

    def text(self) -> bytes:
        """Return all lines."""
        return self.pages.read(self.start, self.end - self.start)

    def cuts(self, count: int) -> list[bytes]:
        """Return the names of counters that cut the file in `count` parts of about one size; fewer in a small file."""
        found = [self._name_near((self.end - self.start) * number // count) for number in range(1, count)]
        return sorted({name for name in found if name})

    def _name_near(self, distance: int) -> bytes:
        """Return the name of the counter after a distance from the first one; empty in a file without any."""
        position = self.start + distance
        newline = self.pages.read(position, min(READ_SIZE, self.end - position)).find(b"\n")
        try:
            return name_of(self.pages.read(position + newline + 1, LONGEST_NAME)) if newline >= 0 else b""
        except ValueError:
            return b""

    def span(self, part: Part = ALL) -> tuple[int, int]:
        """Return the offsets of the first line of a part, and of the end of its last one, without a separator."""
        start = self._offset(part.first) if part.first else self.start
        end = self._offset(part.beyond) if part.beyond else self.end
        return start, end - (2 if end < self.end else 1)

    def lines(self, part: Part = ALL) -> Iterator[tuple[bytes, bytes]]:
        """Yield the name and the line of each counter, in order."""
        before = rest = b""
        first, beyond = part
        offset, end = self.span(part)
        while offset < end:
            size = min(
                max(READ_SIZE, len(rest)), end - offset
            )  # grows with a long line: joining many blocks would take the square of its size
            lines = (rest + self.pages.read(offset, size)).split(b",\n")
            offset += size
            rest = lines.pop() if offset < end else b""
            for line in lines:
                name = line[1 : line.find(NAME_END, 1)]
                if b"\\" in name or line[:1] != b'"' or name <= before or name < first or (beyond and name >= beyond):
                    name = self.name_after(before, line, part)
                before = name
                yield name, line

    def name_after(self, before: bytes, line: bytes, part: Part) -> bytes:
        """Return the name on a line of a part; raise `Invalid` if it is damaged, or not after the name `before`."""
        name = line[1 : line.find(NAME_END, 1)]
        if b"\\" in name or line[:1] != b'"':
            try:
                name = name_of(line)
            except ValueError as error:
                raise self.invalid(f"a line is damaged: {error}") from None
        if name <= before or name < part.first or (part.beyond and name >= part.beyond):
            raise self.invalid("its lines are not sorted, or one is repeated or damaged")
        return name

    def names_of(self, tag: str) -> Iterator[str]:
        """Yield the names of the counters of a type. A file without any is only searched, and not split into lines."""
        text = b'"%b":{"' % tag.encode()
        blocks = range(self.start, self.end, READ_SIZE)
        if any(text in self.pages.read(offset, READ_SIZE + len(text)) for offset in blocks):
            for _, line in self.lines():
                if text in line:
                    name, counter = self.decode(line)
                    if tag in counter:
                        yield name

    def decode(self, line: bytes) -> tuple[str, Counter]:
        """Return the counter on one of the lines, checked unless the file is `ours`."""
        try:
            if self.ours:
                return decode_own_line(line)
            name, counter = decode_line(line)
        except Invalid as fault:
            raise self.invalid(fault.reason) from None
        self._check_authors(counter)
        return name, counter

    def _check_authors(self, counter: Counter) -> None:
        """Raise `Invalid` if an entry is not covered by the clock."""
        clock = self.head.clock
        for tag, authors in counter.items():
            if tag in LOCALLY_MERGED:
                for author in authors:
                    if wrong := replica_fault(author):
                        raise self.invalid(wrong)
                continue
            if not authors.keys() <= clock.keys():
                raise self.invalid("an entry belongs to a replica that is not in the clock")
            if max([row[0] for row in authors.values()]) > self._floor:  # a quick check, which is enough for most lines
                for author, row in authors.items():
                    if row[0] > clock[author]:
                        raise self.invalid("an entry is newer than the clock")

    def _offset(self, name: bytes) -> int:
        if isinstance(self.pages, InMemory) and b'"' not in name and b"\\" not in name:
            # Files that are joined mostly have some names in common.
            at = self.pages.data.find(b'\n"%b":{' % name, self.start - 1, self.end)
            if at >= 0:
                return at + 1
        try:
            return search(self.pages, self.start, self.end, name)[0]
        except ValueError as error:
            raise self.invalid(f"a line is damaged: {error}") from None

    def check(self) -> int:
        """Verify the checksum and all lines; return the number of counters."""
        self.verify()
        self.ours, ours = False, self.ours
        try:
            count = 0
            for some in self.in_blocks():
                count += sum(name not in NO_NAMES for name in some)
                plain = self.plain_names(some)
                self._check_lines([line for name, line in some.items() if name not in plain])
            return count
        finally:
            self.ours = ours

    def _check_lines(self, lines: Sequence[bytes]) -> None:
        """Check lines as `decode` does, many at a time if there are many."""
        if len(lines) < _MANY:
            for line in lines:
                self.decode(line)
            return
        from crdtctl.codec import many_lines  # only here: small files do without

        for some in many_lines.blocks(lines):
            for _, counter in many_lines.decoded(some) or map(self.decode, some):  # the latter finds the fault
                self._check_authors(counter)

    def in_blocks(self) -> Iterator[dict[bytes, bytes]]:
        """Yield the lines by name, many at a time, in order."""
        some: dict[bytes, bytes] = {}
        for name, line in self.lines():
            some[name] = line
            if len(some) == _CHECKED:
                yield some
                some = {}
        yield some

    def plain_names(self, lines: Mapping[bytes, bytes], replica: str = "") -> AbstractSet[bytes]:
        """Return the names of those of some lines that are valid here, and hold an entry of one replica alone.

        There may be more such lines. With a `replica`, it is this one.
        """
        from crdtctl.codec.alike import alike  # only here: most commands check no line

        found = alike(lines)
        author = found.replica.decode()
        is_known = max([row[0] for row in found.numbers.values()], default=0) <= self.head.clock.get(author, 0)
        return found.numbers.keys() if is_known and replica in ("", author) else frozenset()
