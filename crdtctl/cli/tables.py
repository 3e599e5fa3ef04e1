"""Rows → a table that fits a terminal.

Numbers, times and ids are never broken over two lines, so that they can be copied whole. Other cells are folded.
"""

import io
from collections.abc import Sequence
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

#: A word of up to this width is not broken.
_LEAST: Final = 20
_BETWEEN: Final = 2
#: Columns of these names are never folded.
_WHOLE: Final = frozenset({"replica", "at", "type", "file", "verdict", "commits"})


def draw(
    columns: Sequence[str], rows: Sequence[Sequence[object]], width: int, *, colour: bool, header: bool
) -> list[str]:
    """Return the lines of a table of `width` columns of letters, wider if a number or an id needs it."""
    table = Table(
        box=SIMPLE_HEAD if header else None, pad_edge=False, show_header=header, padding=(0, 1 if header else 2, 0, 0)
    )
    cells = [["" if cell is None else str(cell) for cell in row] for row in rows]
    needed = 0
    for index, column in enumerate(columns):
        is_number = bool(rows) and all(isinstance(row[index], int) for row in rows)
        widest = max((cell_len(row[index]) for row in cells), default=0)
        is_whole = is_number or column in _WHOLE
        words = max((cell_len(word) for row in cells for word in row[index].split()), default=0)
        least = max(widest if is_whole else min(words, _LEAST), cell_len(column) if header else 0)
        needed += least + _BETWEEN
        table.add_column(
            column,
            justify="right" if is_number else "left",
            overflow="fold",
            no_wrap=is_whole,
            min_width=least,
        )
    for row in cells:
        table.add_row(*map(Text, row))
    buffer = io.StringIO()
    console = Console(
        file=buffer,
        force_terminal=colour,
        no_color=not colour,
        width=max(width, needed),
        highlight=False,
        emoji=False,
    )
    console.print(table)
    return [line.rstrip() for line in buffer.getvalue().splitlines() if line.rstrip()]
