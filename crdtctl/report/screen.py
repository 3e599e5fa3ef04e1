"""Draws the rows of a live view for a terminal of some width and height."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Group
from rich.table import Table
from rich.text import Text

from crdtctl.cli.meeting_places import remote_words
from crdtctl.errors import printable
from crdtctl.report.live import WINDOW, sparkline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from crdtctl.cli.output import Item
    from crdtctl.report.live import Row

#: Lines beside those of rows and remotes: title, head and end of the table, and the number of rows that do not fit.
_AROUND = 6
#: Columns of letters: the least width for sparklines, the least width of names, and the gap between two columns.
_WIDE = 80
_LEAST = 8
_BETWEEN = 2
#: Columns of numbers.
_FIGURES = ("value", "change", "per s")


def room(height: int, remotes: Sequence[Item]) -> int:
    """Return the number of rows that fit."""
    return max(height - _AROUND - len(remotes), 1)


def view(title: str, rows: Sequence[Row], more: int, remotes: Sequence[Item], width: int) -> Group:
    """Return the table of rows, between a title and the remotes. There are `more` rows, which do not fit.

    A narrow terminal has no sparklines.
    """
    last = [Text(f"remote {remote_words(one)}", no_wrap=True, overflow="ellipsis") for one in remotes]
    if more:
        last.insert(0, Text(f"and {more} more", style="dim"))
    is_wide = width >= _WIDE
    head = ["counter", *_FIGURES, *([f"last {WINDOW} s"] if is_wide else [])]
    cells = [_cells(row, is_wide=is_wide) for row in rows]
    widths = [max(cell_len(one) for one in column) for column in zip(head, *cells, strict=True)]
    widths[0] = min(widths[0], max(width - sum(widths[1:]) - len(widths) * _BETWEEN, _LEAST))
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name, size in zip(head, widths, strict=True):
        side: Literal["left", "right"] = "right" if name in _FIGURES else "left"
        table.add_column(name, justify=side, no_wrap=True, overflow="ellipsis", min_width=size, max_width=size)
    for row, texts in zip(rows, cells, strict=True):
        table.add_row(*map(Text, texts), style="bold" if any(row.parts) else "")
    return Group(Text(title, no_wrap=True, overflow="ellipsis"), table, *last)


def _cells(row: Row, *, is_wide: bool) -> list[str]:
    figures = [str(row.value), f"{row.change:+}" if row.change else "0", f"{row.rate:.3g}"]
    return [printable(row.key[0]), *figures, *([sparkline(row.parts)] if is_wide else [])]
