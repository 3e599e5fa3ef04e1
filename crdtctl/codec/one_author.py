"""Lines with one entry of totals each, as most files of a fleet hold: read and written many at a time, as bytes.

Nothing is decoded but the numbers of commits. A block is taken only if it is canonical to the byte, so
that what is read here means the same, and is as valid, as with `crdtctl.codec.lines`. Everything else is left to that
module. This one is imported where much is joined.
"""

from __future__ import annotations

from operator import le

from crdtctl.codec.layout import MAX_SAFE, NAME_END
from crdtctl.codec.plain import DATED, WEIGHTS
from crdtctl.crdt import NO_COUNTERS
from crdtctl.crdt.names import MAX_BYTES, stored_counter_fault
from crdtctl.crdt.series import MAX_SPELLING_BYTES
from crdtctl.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: Type → the number of numbers in an entry without optional items.
COLUMNS = {tag: 1 + len(weights) for tag, weights in WEIGHTS.items()}
#: A line of one entry has this number of quotes: `"NAME":{"TYPE":{"REPLICA":[…]}}`.
_QUOTES = 6
#: Minimum number of bytes of a line for each entry that is joined to it in its place. In others, all entries are read.
_WIDE = 2**11
#: Type → what is between the quotes behind a replica's id and before the next name, but for the digits.
_WITHOUT_DIGITS = {b"pncounter": b":[,,]}},\n", b"gcounter": b":[,]}},\n"}
_DIGITS = b"0123456789"
#: Translations of digits: to 0 or 1, and all to 0. A number with fewer digits than `_LONG` is small enough.
_AS_ONES = bytes.maketrans(_DIGITS, b"0111111111")
_AS_ZEROS = bytes.maketrans(_DIGITS, b"0000000000")
_LONG = b"0" * len(str(MAX_SAFE))
#: The end of a line.
_END = b"]}}"
_NOT_IN_ROWS = b":}\n"
#: The names that were found valid last. Files that are joined mostly have the same ones.
_known_names: list[bytes] = []
_PRINTABLE = bytes(range(0x20, 0x7F))
#: A byte that is in no name. Each escaped quote becomes one, so that the others enclose names, types and replicas.
_QUOTE = b"\x01"


class _Template(NamedTuple):
    """The lines of a type with these names, by one author: their `start` before the author, and all as a `pattern`."""

    tag: bytes
    names: list[bytes]
    start: bytes
    pattern: bytes


#: The template of the names that were found last, if there is one.
_templates: list[_Template] = []


class OneAuthorLines(NamedTuple):
    """Lines of one type with one entry each, as columns: names, replicas, and the numbers of entries (``1,5,0``)."""

    tag: bytes
    names: list[bytes]
    authors: list[bytes]
    rows: list[bytes]


def may_be(line: bytes) -> bool:
    """Return whether `read` may be able to read a line."""
    quotes = line.count(b'"') - line.count(b'\\"')
    return (quotes == _QUOTES or (quotes == _QUOTES + 2 and DATED in line)) and b"\\\\" not in line and line.isascii()


def read(text: bytes, clock: Mapping[str, int]) -> OneAuthorLines | None:
    """Return the lines in `text`, or None if one of them is not of this form, or not valid in a file with this clock.

    The order of the names is not checked.
    """
    for template in _templates:
        if (again := _read_again(template, text, clock)) is not None:
            return again
    if DATED in text:
        return _read_dated(text, clock)
    plain = without_escapes(text)
    parts = plain.split(b'"') if plain else []
    count = len(parts) // _QUOTES
    if not count or len(parts) != _QUOTES * count + 1 or not text.isascii():
        return None
    names, authors, tag = parts[1::_QUOTES], parts[5::_QUOTES], parts[3]
    if tag not in COLUMNS or parts[0] or parts[3::_QUOTES].count(tag) != count:
        return None
    if parts[2::_QUOTES].count(b":{") != count or parts[4::_QUOTES].count(b":{") != count:
        return None
    numbers = b"".join(parts[_QUOTES::_QUOTES])
    if numbers.translate(None, _DIGITS) != _WITHOUT_DIGITS[tag] * (count - 1) + _WITHOUT_DIGITS[tag][:-2]:
        return None
    rows = numbers.translate(None, _NOT_IN_ROWS)[1:-1].split(b"],[")
    seqs = seqs_of(tag, rows)
    if seqs is None or not _are_in(clock, authors, seqs):
        return None
    if plain is not text:
        names = with_escapes(b"\n".join(names), b'"').split(b"\n")
    if names != _known_names:
        if len(names) != count or not are_names(names):
            return None
        _known_names[:] = names
        _templates.clear()
    elif plain is text:
        _templates[:] = [_template(tag, names)]
    return OneAuthorLines(tag, names, authors, rows)


def seqs_of(tag: bytes, rows: Sequence[bytes]) -> list[int] | None:
    """Return the commit numbers in rows of totals, ``SEQ,TOTAL,…``; None if one is not valid or not canonical."""
    columns = COLUMNS[tag]
    text = b"\n%b\n" % b"\n".join(rows)
    if text.translate(None, _DIGITS) != b"\n" + (b"," * (columns - 1) + b"\n") * len(rows):
        return None
    marks = text.translate(_AS_ONES)
    if any(fault in marks for fault in (b",,", b",\n", b"\n,", b"\n\n", b"\n0", b",00", b",01")):
        return None
    numbers = text[1:-1].replace(b"\n", b",").split(b",")
    if _LONG in text.translate(_AS_ZEROS) and max(map(int, numbers)) > MAX_SAFE:
        return None
    return list(map(int, numbers[::columns]))


def _template(tag: bytes, names: list[bytes]) -> _Template:
    line = b'":{"%b":{"%%b":[%%b]}}' % tag
    pattern = b",\n".join([b'"%b%b' % (name.replace(b"%", b"%%"), line) for name in names])
    return _Template(tag, names, b'"%b":{"%b":{"' % (names[0], tag), pattern)


def _read_again(template: _Template, text: bytes, clock: Mapping[str, int]) -> OneAuthorLines | None:
    """Return the lines in a text as `read` does, if it has the names of a template, and a single author."""
    if not text.startswith(template.start):
        return None
    parts = text.replace(b"[", b"]").split(b"]")
    author, rows = parts[0][len(template.start) : -2], parts[1::2]
    if len(rows) != len(template.names) or b'"' in author or b"\\" in author or not author.isascii():
        return None
    filled = [author] * (2 * len(rows))
    filled[1::2] = rows
    if template.pattern % tuple(filled) != text:
        return None
    seqs = seqs_of(template.tag, rows)
    if seqs is None or max(seqs) > clock.get(author.decode(), 0):
        return None
    return OneAuthorLines(template.tag, template.names, [author] * len(rows), rows)


def _read_dated(text: bytes, clock: Mapping[str, int]) -> OneAuthorLines | None:
    """Return the lines in a text as `read` does. Entries may keep periods, and then the end of their rows is these."""
    from crdtctl.codec import dated_rows  # only here and below: few counters have periods

    cut = [line.partition(DATED) for line in text.split(b",\n")]
    tails = [tail for _, dated, tail in cut if dated]
    if b"".join([tail[-3:] for tail in tails]) != _END * len(tails):
        return None
    columns = read(b",\n".join([start + _END if dated else start for start, dated, _ in cut]), clock)
    if columns is None or len(columns.names) != len(cut):
        return None
    if not dated_rows.are_valid([tail[:-3] for tail in tails], len(WEIGHTS[columns.tag])):
        return None
    return columns._replace(
        rows=[row + dated + tail[:-3] for row, (_, dated, tail) in zip(columns.rows, cut, strict=True)]
    )


def without_escapes(text: bytes) -> bytes | None:
    """Return a text with each escaped quote as one byte; None if anything else is escaped in it."""
    if b"\\" not in text:
        return text
    plain = text.replace(b'\\"', _QUOTE)
    return None if b"\\" in plain or _QUOTE in text else plain


def with_escapes(plain: bytes, quote: bytes = b'\\"') -> bytes:
    """Return the text that `without_escapes` changed, with each of those quotes as `quote`."""
    return plain.replace(_QUOTE, quote)


def are_names(names: Sequence[bytes]) -> bool:
    """Return whether all are certainly valid names of counters, as they are without escapes."""
    together = b" ~ ".join(names)  # so white space at the end of a name makes two spaces in a row
    if together.translate(None, _PRINTABLE) or b"  " in together or together[:1] == b" " or together[-1:] == b" ":
        return False
    if min(map(len, names)) == 0:
        return False
    if b"=" not in together:
        return max(map(len, names)) <= MAX_BYTES
    return _are_series(names) or all(map(_is_name, names))


def _are_series(names: Sequence[bytes]) -> bool:
    """Return whether printable names are certainly valid, with labels or without.

    Most labels differ in their values only. So all values are checked together, and each set of keys once.
    """
    outside, values = (pieces := b"\n".join(names).split(b'"'))[::2], pieces[1::2]
    inside = b'"%b"' % b'"'.join(values)
    if any(mark in inside for mark in (b'""', b'" ', b' "', b"\n", b"\\")):
        return False
    heads, braces, tails = zip(*[line.partition(b"{") for line in set(b'"x"'.join(outside).split(b"\n"))], strict=True)
    together = b"".join(heads)
    if max(map(len, names)) > MAX_SPELLING_BYTES or any(mark in together for mark in (b"=", b"}", b'"')):
        return False
    labels = {b"a{%b" % tail for brace, tail in zip(braces, tails, strict=True) if brace}
    return are_names(heads) and all((b'"' not in one or b"=" in one) and _is_name(one) for one in labels)


def _is_name(name: bytes) -> bool:
    text = name.decode()
    return stored_counter_fault(text) is None and text not in NO_COUNTERS


def _are_in(clock: Mapping[str, int], authors: Sequence[bytes], seqs: Sequence[int]) -> bool:
    """Return whether a clock contains the commits with these numbers."""
    if authors.count(authors[0]) == len(authors):
        return max(seqs) <= clock.get(authors[0].decode(), 0)
    limits = {author: clock.get(author.decode(), 0) for author in set(authors)}
    return max(seqs) <= min(limits.values()) or all(map(le, seqs, map(limits.__getitem__, authors)))


# Joining -------------------------------------------------------------------------------------------------

#: Replica → numbers of its entry, of one counter.
Rows = dict[bytes, bytes]


def collect(table: dict[bytes, Rows], lines: OneAuthorLines, without: bytes) -> None:
    """Join lines to a table of counters of their type: name → entries. Entries of `without` are left out."""
    get = table.get
    author = lines.authors[0]
    if lines.authors.count(author) == len(lines.authors):
        if author == without:
            return
        for name, row in zip(lines.names, lines.rows, strict=True):
            rows = get(name)
            if rows is None:
                table[name] = {author: row}
            else:
                rows[author] = row if author not in rows else join_row(rows[author], row)
        return
    leaves_out = without in lines.authors
    for name, author, row in zip(lines.names, lines.authors, lines.rows, strict=True):
        if leaves_out and author == without:
            continue
        rows = get(name)
        if rows is None:
            table[name] = {author: row}
        else:
            rows[author] = row if author not in rows else join_row(rows[author], row)


_entry = b'":['.join


def join_row(a: bytes, b: bytes) -> bytes:
    """Return the join of two entries of one replica, number by number."""
    if a == b:
        return a
    if b"{" in a or b"{" in b:
        from crdtctl.codec import dated_rows

        return dated_rows.join(a, b)
    return b",".join([b"%d" % max(x, y) for x, y in zip(map(int, a.split(b",")), map(int, b.split(b",")), strict=True)])


def _escaped(name: bytes) -> bytes:
    return name.replace(b"\\", b"\\\\").replace(b'"', b'\\"') if b'"' in name or b"\\" in name else name


def write(name: bytes, tag: bytes, rows: Rows) -> bytes:
    """Return the line of a counter with these entries."""
    name = _escaped(name)
    if len(rows) == 1:
        ((author, row),) = rows.items()
        return b'"%b":{"%b":{"%b":[%b]}}' % (name, tag, author, row)
    return b'"%b":{"%b":{"%b]}}' % (name, tag, b'],"'.join(map(_entry, sorted(rows.items()))))


def lines_of_columns(
    tag: bytes, names: Sequence[bytes], columns: Sequence[tuple[bytes, Sequence[bytes]]]
) -> list[bytes]:
    """Return the lines of counters with the same authors: `columns` are each author and its rows, sorted."""
    entries = b",".join([b'"%b":[%%b]' % author.replace(b"%", b"%%") for author, _ in columns])
    pattern = b'"%%b":{"%b":{%b}}' % (tag, entries)
    escaped = _escaped(b"\n".join(names)).split(b"\n")
    return [pattern % line for line in zip(escaped, *[rows for _, rows in columns], strict=True)]


def lines(columns: OneAuthorLines) -> list[bytes]:
    """Return the lines of columns."""
    middle = b'":{"%b":{"' % columns.tag
    text = zip(_escaped(b"\n".join(columns.names)).split(b"\n"), columns.authors, columns.rows, strict=True)
    return [b'"%b%b%b":[%b]}}' % (name, middle, author, row) for name, author, row in text]


def type_of(line: bytes) -> bytes:
    """Return the first type on a line without escapes, but for quotes in names; some other text for a strange name."""
    start = line.find(NAME_END) + len(NAME_END)
    return line[start : line.find(b'"', start)]


def entries(line: bytes, name: bytes, tag: bytes) -> Rows | None:
    """Return the entries on a line of our own; None if it holds anything but totals of this type, and periods."""
    head = b'"%b":{"%b":{"' % (_escaped(name), tag)
    body = line[len(head) : -3]
    if not line.startswith(head) or b"\\" in body:
        return None
    if b"{" in body:
        return _dated_entries(body)
    found = body.split(b'],"')
    if body.count(b'"') != 2 * len(found) - 1:
        return None
    try:
        return dict([entry.split(b'":[') for entry in found])
    except ValueError:
        return None


def _dated_entries(body: bytes) -> Rows | None:
    """Return the entries in the body of a line of our own; None if one holds anything but totals and periods."""
    from crdtctl.codec import dated_rows

    found: Rows = {}
    for entry in body.split(b'],"'):
        author, opening, row = entry.partition(b'":[')
        if not opening or b'"' in author or not dated_rows.is_row(row):
            return None
        found[author] = row
    return found


def added(line: bytes, name: bytes, tag: bytes, rows: Rows) -> bytes | None:
    """Return a line of our own joined with these entries; None if it holds anything but totals of this type."""
    is_wide = len(line) > _WIDE * len(rows)
    if is_wide and (new := spliced(line, name, tag, rows)) is not None:
        return new
    mine = entries(line, name, tag)
    if mine is None:
        return None
    join(mine, rows)
    return write(name, tag, mine)


def spliced(line: bytes, name: bytes, tag: bytes, rows: Rows) -> bytes | None:
    """Return a line of our own with these entries joined to those that it has, each in its place. Others are not read.

    Return None for a line that holds anything but entries of this type, that lacks one of the replicas, or that holds
    more than numbers for it.
    """
    head = b'"%b":{"%b":{"' % (_escaped(name), tag)
    if not line.startswith(head) or line.find(b"{", len(head)) >= 0 or line.find(b"\\", len(head)) >= 0:
        return None
    for author, row in rows.items():
        mark = b'"%b":[' % author
        start = line.find(mark, len(head) - 1) + len(mark)
        if start < len(mark):
            return None
        end = line.find(b"]", start)
        try:
            line = b"".join((line[:start], join_row(line[start:end], row), line[end:]))
        except ValueError:
            return None
    return line


def join(rows: Rows, more: Rows) -> None:
    """Join more entries of a counter to its `rows`."""
    if rows.keys().isdisjoint(more):
        rows.update(more)
        return
    for author, row in more.items():
        rows[author] = row if author not in rows else join_row(rows[author], row)
