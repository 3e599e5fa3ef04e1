"""The lines of one source, read in blocks and taken in the order of their names."""

from __future__ import annotations

from operator import lt

from crdtctl.codec import one_author
from crdtctl.codec.invalid import Invalid
from crdtctl.codec.layout import NAME_END, InMemory, name_of, search
from crdtctl.codec.one_author import OneAuthorLines
from crdtctl.codec.plain import DATED
from crdtctl.codec.reader import Part, Source
from crdtctl.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

SEPARATOR = b",\n"
_END = len(SEPARATOR)
#: Mean size in bytes of lines that are likely to hold one entry; and the fewest lines that are read as columns.
_NARROW = 256
_FEW = 4
#: Maximum size in bytes of a name that is found without `name_of`, which has a limit for what is read of a line.
_LONGEST = 2**11


def lines_of(text: bytes) -> list[bytes]:
    """Return the lines in a text, as splitting it at each `SEPARATOR` does. That takes several times as long."""
    *lines, last = text.split(b"\n")
    if b"".join([line[-1:] for line in lines]) != b"," * len(lines):
        return text.split(SEPARATOR)
    return [*[line[:-1] for line in lines], last]


class Taken(NamedTuple):
    """Lines that were taken from a run: those with one entry as columns, the others with their names."""

    columns: list[OneAuthorLines]
    names: list[bytes]
    lines: list[bytes]


class Run:
    """A source that is read in blocks of about `size` bytes.

    `last` is the name of the last line that may be taken. Only a source whose entries are read under their own replica
    ids may be read `as_columns`.
    """

    def __init__(self, index: int, source: Source, part: Part, size: int, *, as_columns: bool) -> None:
        self.index = index
        self.source = source
        self.last = b""
        self._part = part
        self._size = size
        self._as_columns = as_columns
        self._offset, self._end = source.span(part)
        self._text = b""  # what was read and not taken; a separator follows each line
        self._ready = 0  # the size of the lines in it that may be taken
        self._taken = b""  # the name of the last line that was taken
        self._fault: Invalid | None = None

    @property
    def has_more(self) -> bool:
        """Whether there are lines that may not be taken yet."""
        return self._offset < self._end or self._fault is not None

    @property
    def is_done(self) -> bool:
        """Whether all lines are taken."""
        return not self._ready and not self.has_more

    def peek(self, size: int) -> bytes:
        """Return up to `size` of the next bytes. Nothing may have been read by `fill` yet."""
        return self.source.pages.read(self._offset, max(min(size, self._end - self._offset), 0))

    def is_last(self, text: bytes) -> bool:
        """Return whether nothing follows a text that `peek` returned."""
        return self._offset + len(text) >= self._end

    def skip(self, text: bytes) -> None:
        """Move behind `text`, whole lines that `peek` returned."""
        self._offset += len(text) + _END
        self._taken = name_of(text[text.rfind(b"\n") + 1 :])

    def fill(self) -> None:
        """Read on until about a block may be taken. Raise `Invalid` where the next line is damaged or out of order.

        The last line that was read waits for its successor: a line is used after the next one was looked at, as
        `Source.lines` does it.
        """
        if self._fault is not None:
            raise self._fault
        while self._offset < self._end and self._ready <= self._size // 2:
            size = min(max(self._size, len(self._text)), self._end - self._offset)
            self._text += self.source.pages.read(self._offset, size)
            self._offset += size
            if self._offset >= self._end:
                self._text += SEPARATOR
                self._ready = len(self._text)
            else:
                waiting = max(self._text.rfind(SEPARATOR), 0)
                self._ready = self._text.rfind(SEPARATOR, 0, waiting) + _END if waiting else 0
                self._ready = 0 if self._ready < _END else self._ready
        if self._ready:
            self.last = self._name_before(self._ready)

    def take(self, bound: bytes | None) -> Taken:
        """Return the lines up to the name `bound` (None: all that may be taken)."""
        end = self._ready
        if bound is not None and bound < self.last:
            try:
                start, stop = search(InMemory(self._text), 0, self._ready, bound)
                end = stop + _END if stop > start else start
            except ValueError:  # not lines of counters: reading them finds the fault
                pass
        if not end:
            return Taken([], [], [])
        text = self._text[: end - _END]
        following = self._text[end : self._text.find(SEPARATOR, end)] if end < len(self._text) else b""
        self._text = self._text[end:]
        self._ready -= end
        return self._read(text, following)

    def rest(self) -> Iterator[bytes]:
        """Yield all other lines as they are, in texts of whole lines. They are not checked."""
        while self._offset < self._end:
            if self._ready:
                yield self._text[: self._ready - _END]
                self._text = self._text[self._ready :]
            self._ready = 0
            self.fill()
        if self._text:
            yield self._text[:-_END]

    def _name_before(self, end: int) -> bytes:
        """Return the name on the line that ends at an offset; the name before it if it is damaged."""
        start = self._text.rfind(b"\n", 0, end - 1) + 1
        try:
            return name_of(self._text[start:end])
        except ValueError:
            return self._taken

    def _read(self, text: bytes, following: bytes) -> Taken:
        narrow = self._as_columns and _has_narrow_lines(text)
        whole = one_author.read(text, self.source.head.clock) if narrow else None
        if whole is not None and self._are_in_order(whole.names) and self._is_sound(following, whole.names[-1]):
            self._taken = whole.names[-1]
            return Taken([whole], [], [])
        lines = lines_of(text)
        names = self._names(lines, following)
        del lines[len(names) :]
        self._taken = names[-1]
        columns = self._columns(names, lines) if narrow else []
        return Taken(columns, names, lines)

    def _columns(self, names: list[bytes], lines: list[bytes]) -> list[OneAuthorLines]:
        """Return the lines with one entry as columns, and remove them from the others."""
        found = []
        for tag in one_author.COLUMNS:
            mark = b'":{"%b":{"' % tag
            chosen = [mark in line and one_author.may_be(line) for line in lines]
            if sum(chosen) >= _FEW:
                text = SEPARATOR.join([line for line, is_one in zip(lines, chosen, strict=True) if is_one])
                columns = one_author.read(text, self.source.head.clock)
                if columns is not None:
                    found.append(columns)
                    names[:] = [name for name, is_one in zip(names, chosen, strict=True) if not is_one]
                    lines[:] = [line for line, is_one in zip(lines, chosen, strict=True) if not is_one]
        return found

    def _are_in_order(self, names: list[bytes]) -> bool:
        first, beyond = self._part
        in_part = names[0] >= first and (not beyond or names[-1] < beyond)
        return self._taken < names[0] and in_part and all(map(lt, names, names[1:]))

    def _is_sound(self, line: bytes, before: bytes) -> bool:
        """Return whether a line that is not taken yet may follow. An empty one was not read yet, or does not exist."""
        if line:
            try:
                self.source.name_after(before, line, self._part)
            except Invalid as fault:
                self._fault = fault
        return self._fault is None

    def _names(self, lines: list[bytes], following: bytes) -> list[bytes]:
        """Return the names of the lines. Where a line is bad, leave out the ones from it on, and the one before it."""
        if b"".join([line[:1] for line in lines]) == b'"' * len(lines):
            names = _plain_names(lines)
            if names and self._are_in_order(names) and self._is_sound(following, names[-1]):
                return names
        names = []
        before = self._taken
        try:
            for line in [*lines, following] if following else lines:
                before = self.source.name_after(before, line, self._part)
                names.append(before)
        except Invalid as fault:
            self._fault = fault
            if len(names) < 2:
                raise
        if self._fault is not None:
            names.pop()
        return names[: len(lines)]


def _has_narrow_lines(text: bytes) -> bool:
    """Return whether the lines in a text are likely to hold one entry each, which may be long if it keeps periods."""
    lines = text.count(b"\n") + 1
    return len(text) < _NARROW * lines or (DATED in text and text.count(b'":[') < 2 * lines)


def _plain_names(lines: list[bytes]) -> list[bytes]:
    """Return the names on lines; none if one of them has an escape, but for quotes in labels."""
    together = b"\n".join([line[1 : line.find(NAME_END, 1)] for line in lines]).replace(b'\\"', b'"')
    names = together.split(b"\n")
    return [] if b"\\" in together or len(names) != len(lines) or max(map(len, names)) > _LONGEST else names
