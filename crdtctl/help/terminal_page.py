"""Blocks → the lines of a page for a terminal, drawn with rich. For pipes, `page` is faster."""

import io
from collections.abc import Iterable, Iterator
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from crdtctl.help.blocks import Block, Code, Heading, Items, Paragraph, Table, spans

#: Longer lines are hard to read.
_WIDEST: Final = 92
_INDENT: Final = 4


def page(blocks: Iterable[Block], width: int, *, colour: bool) -> list[str]:
    """Return the lines of a page that is `width` columns wide. Code is never broken, so its lines may be longer.

    Without `colour`, as the user may want it, code is in quotes.
    """
    drawing = _Drawing(min(width, _WIDEST), colour=colour)
    lines: list[str] = []
    for block in blocks:
        if lines:
            lines.append("")
        lines += drawing.lines(block)
    return lines


class _Drawing:
    def __init__(self, width: int, *, colour: bool) -> None:
        self._width = width
        self._colour = colour

    def lines(self, block: Block) -> list[str]:
        shown: list[str] = []
        match block:
            case Heading():
                shown = self._drawn(Text(block.text if block.level == 1 else block.text.upper(), "bold"))
            case Paragraph():
                shown = self._drawn(Padding(self._text(block.text), (0, 0, 0, 2)))
            case Items():
                grid = Grid.grid(padding=(0, 1, 0, 0))
                for label, text in block.items:
                    grid.add_row(Text(f"  {label}"), self._text(text))
                shown = self._drawn(grid)
            case Table():
                shown = self._drawn(self._table(block))
            case Code():
                shown = [line for text in block.lines for line in self._code(text, block.kind)]
        return shown

    def _code(self, line: str, kind: str) -> Iterator[str]:
        is_typed = kind == "console" and line.startswith("$ ")
        styled = f"\x1b[1m{line}\x1b[0m" if is_typed and self._colour else line.expandtabs()
        yield f"{' ' * _INDENT}{styled}".rstrip()

    def _table(self, block: Table) -> RenderableType:
        header, *rows = block.rows
        has_header = any(header)
        grid = Grid(
            box=SIMPLE_HEAD if has_header else None, show_header=has_header, pad_edge=False, padding=(0, 2, 0, 0)
        )
        for column, title in enumerate(header):
            cells = [row[column] for row in rows]
            words = max((len(word) for cell in cells for word in cell.split()), default=0)
            grid.add_column(self._text(title), min_width=min(words, 16), overflow="fold")
        for row in rows:
            grid.add_row(*(self._text(cell, is_cell=True) for cell in row))
        return Padding(grid, (0, 0, 0, 2))

    def _text(self, text: str, *, is_cell: bool = False) -> Text:
        """Return running text. Without colour, code is in quotes, unless it is all of a cell or has quotes itself."""
        found = Text()
        pieces = [*spans(text)]
        for kind, piece in pieces:
            if kind == "code" and not self._colour and not (is_cell and len(pieces) == 1) and "'" not in piece:
                found.append(f"'{piece}'")
            else:
                found.append(piece, {"code": "cyan", "strong": "bold"}.get(kind, ""))
        return found

    def _drawn(self, shown: RenderableType) -> list[str]:
        buffer = io.StringIO()
        console = Console(
            file=buffer,
            force_terminal=self._colour,
            no_color=not self._colour,
            color_system="standard" if self._colour else None,
            width=self._width,
            highlight=False,
            emoji=False,
        )
        console.print(shown)
        lines = [line.rstrip() for line in buffer.getvalue().splitlines()]
        while lines and not lines[0]:
            del lines[0]
        while lines and not lines[-1]:
            del lines[-1]
        return lines
