"""Rows of reports → a table of Markdown, as GitHub and GitLab render it. Pure.

Texts of strangers are shown as code, where HTML, links, emphasis and mentions of people have no effect. In a table, a
code span cannot contain every text: a bar would end the cell. Such a text is an element ``code`` with each special
character as a numeric entity.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

#: A text that means the same in Markdown: words, numbers and times.
_PLAIN = re.compile(r"[A-Za-z0-9]+(?:[ -][A-Za-z0-9]+)*|[0-9][0-9TZ:+-]*")
_NOT_IN_A_SPAN = re.compile(r"[|\n\r\\]|##\[|^ | $")


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], words: Iterable[str] = ()) -> Iterator[str]:
    """Yield the lines of a table; columns of numbers are aligned to the right.

    The cells of the columns `words` are always shown as code.

    >>> print(*table(["name", "value"], [["a|b", 3], ["`x`", 4]], ["name"]), sep="\\n")
    | name | value |
    |---|---:|
    | <code>a&#124;b</code> | 3 |
    | `` `x` `` | 4 |
    """
    of_users = frozenset(words)
    left = iter(rows)
    first = next(left, None)
    yield _line(_cell(column, is_code=False) for column in columns)
    yield "|" + "|".join(["---:" if isinstance(one, int | float) else "---" for one in first or columns]) + "|"
    are_code = [column in of_users for column in columns]
    for row in (first, *left) if first is not None else ():
        yield _line(_cell(cell, is_code=is_code) for cell, is_code in zip(row, are_code, strict=True))


def limited(lines: Iterable[str], size: int, note: str) -> Iterator[str]:
    """Yield lines up to a size in bytes. If some are left out, the last line is the `note` with their number."""
    left = iter(lines)
    reserve = len(note.encode()) + 32
    if size < reserve:  # not even the note has room
        return
    size -= reserve
    for line in left:
        size -= len(line.encode("utf-8", "backslashreplace")) + 1
        if size < 0:
            yield ""
            yield note.format(1 + sum(1 for _ in left))
            return
        yield line


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(value: object, *, is_code: bool) -> str:
    text = "" if value is None else str(value)
    if not text or not isinstance(value, str) or (not is_code and _PLAIN.fullmatch(text)):
        return text
    if _NOT_IN_A_SPAN.search(text) or not text.isprintable():
        return f"<code>{''.join([_entity(letter) for letter in text])}</code>"
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    space = " " if longest else ""
    return f"{fence}{space}{text}{space}{fence}"


def _entity(letter: str) -> str:
    return letter if letter.isalnum() else f"&#{ord(letter)};"
