"""Counters of one type whose entries are collected from many sources, in one round of a join.

Sources with one author each mostly have the same names, as those of hosts that count the same. Then their entries are
kept as columns, one for each source, and written at once. Otherwise they are kept by name.
"""

from __future__ import annotations

from operator import itemgetter

from crdtctl.codec import one_author

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from crdtctl.codec.one_author import OneAuthorLines, Rows

_author = itemgetter(0)


class Table:
    """The counters of the type `tag`. Entries of the replica `without` are left out."""

    def __init__(self, tag: bytes, without: bytes) -> None:
        self._tag = tag
        self._without = without
        self._names: list[bytes] = []
        self._columns: dict[bytes, list[bytes]] = {}  # author → numbers of its entry for each of the names
        self._entries: dict[bytes, Rows] | None = None

    def collect(self, lines: OneAuthorLines) -> None:
        """Join lines of the type to the table."""
        author = lines.authors[0]
        is_one = lines.authors.count(author) == len(lines.authors)
        if is_one and author == self._without:
            return
        has_same_names = lines.names == (self._names or lines.names)
        if self._entries is None and is_one and has_same_names and author not in self._columns:
            self._names = lines.names
            self._columns[author] = lines.rows
        else:
            one_author.collect(self.entries(), lines, self._without)

    def entries(self) -> dict[bytes, Rows]:
        """Return name → entries."""
        if self._entries is None:
            by_name = zip(*self._columns.values(), strict=True)
            self._entries = (
                {
                    name: dict(zip(self._columns, rows, strict=True))
                    for name, rows in zip(self._names, by_name, strict=True)
                }
                if self._columns
                else {}
            )
        return self._entries

    def lines(self) -> tuple[Sequence[bytes], list[bytes]]:
        """Return the names in their order, and the line of each."""
        if self._entries is None and self._columns:
            columns = sorted(self._columns.items(), key=_author)
            return self._names, one_author.lines_of_columns(self._tag, self._names, columns)
        entries = self.entries()
        names = sorted(entries)
        return names, [one_author.write(name, self._tag, entries[name]) for name in names]
