"""Blocks → the lines of a page of plain text, for pipes and files. `terminal_page` draws pages for terminals."""

from __future__ import annotations

from textwrap import wrap

from crdtctl.help.blocks import Code, Heading, Items, Paragraph, Table, spans

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from crdtctl.help.blocks import Block

#: Longer lines are hard to read.
_WIDEST = 92
_MARGIN = "  "
_CODE_MARGIN = "    "
#: Between the columns of a table.
_GAP = "   "
#: A longer word in a table is broken, if that makes the table fit.
_LONG = 16


def page(blocks: Iterable[Block], width: int) -> list[str]:
    """Return the lines of a page that is `width` columns wide. Code is never broken, so its lines may be longer."""
    width = min(width, _WIDEST)
    lines: list[str] = []
    for block in blocks:
        if lines:
            lines.append("")
        lines += (line.rstrip() for line in _lines(block, width))
    return lines


def _lines(block: Block, width: int) -> Iterator[str]:
    match block:
        case Heading():
            yield from wrap(block.text if block.level == 1 else block.text.upper(), width)
        case Paragraph():
            yield from _indented(_MARGIN, block.text, width)
        case Items():
            labels = max(len(label) for label, _ in block.items)
            for label, text in block.items:
                yield from _indented(f"{_MARGIN}{label:<{labels}} ", text, width)
        case Table():
            yield from _table(block.rows, width - len(_MARGIN))
        case Code():
            yield from (_CODE_MARGIN + line.expandtabs() for line in block.lines)


def _indented(first: str, text: str, width: int) -> list[str]:
    """Return the lines of running text. The first begins with `first`, and the others are indented as far."""
    return wrap(_plain(text), width, initial_indent=first, subsequent_indent=" " * len(first), break_on_hyphens=False)


def _plain(text: str, *, is_cell: bool = False) -> str:
    """Return running text with code in quotes, unless the code is all of a cell or has quotes itself."""
    found = [*spans(text)]
    return "".join(
        f"'{piece}'" if kind == "code" and not (is_cell and len(found) == 1) and "'" not in piece else piece
        for kind, piece in found
    )


def _table(rows: Sequence[Sequence[str]], room: int) -> Iterator[str]:
    """Yield the lines of a table. Its first row is the header, unless the cells of that are empty."""
    has_header = any(rows[0])
    cells = [[_plain(cell, is_cell=True) for cell in row] for row in rows[not has_header :]]
    widths = _widths([*zip(*cells, strict=True)], room)
    for number, row in enumerate(cells):
        columns = [wrap(cell, width, break_on_hyphens=False) for cell, width in zip(row, widths, strict=True)]
        for at in range(max(map(len, columns))):
            parts = [lines[at] if at < len(lines) else "" for lines in columns]
            yield _MARGIN + _GAP.join(f"{part:<{width}}" for part, width in zip(parts, widths, strict=True))
        if has_header and not number:
            yield _MARGIN + "─" * (sum(widths) + len(_GAP) * (len(widths) - 1))


def _widths(columns: Sequence[Sequence[str]], room: int) -> list[int]:
    """Return the widths of the columns of a table: those of the longest cells, less if they do not fit."""
    widths = [max(1, *map(len, column)) for column in columns]
    least = [min(max((len(word) for cell in column for word in cell.split()), default=1), _LONG) for column in columns]
    room -= len(_GAP) * (len(widths) - 1)
    while sum(widths) > room:
        spare = [width if width > low else 0 for width, low in zip(widths, least, strict=True)]
        if not any(spare):
            break
        widths[spare.index(max(spare))] -= 1
    return widths
