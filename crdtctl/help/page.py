"""Blocks → the lines of a page. On a terminal, headings and code are in colour; in a pipe, the text is plain."""

from __future__ import annotations

from crdtctl.help.blocks import Code, Heading, Items, Paragraph, Table, spans

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import TypeAlias

    from crdtctl.help.blocks import Block

    #: Letters with their style, which is '' for plain letters.
    Piece: TypeAlias = tuple[str, str]
    #: Pieces without white space.
    Word: TypeAlias = list[Piece]

#: Longer lines are hard to read.
_WIDEST = 92
_MARGIN = "  "
_CODE_MARGIN = "    "
#: Between the columns of a table.
_GAP = "   "
#: A longer word in a table is broken, if that makes the table fit.
_LONG = 16
_BOLD = "\x1b[1m"
_STYLES = {"code": "\x1b[36m", "strong": _BOLD}
_END = "\x1b[0m"


def page(blocks: Iterable[Block], width: int, *, colour: bool) -> list[str]:
    """Return the lines of a page that is `width` columns wide. Code is never broken, so its lines may be longer."""
    drawing = _Drawing(min(width, _WIDEST), colour=colour)
    lines: list[str] = []
    for block in blocks:
        if lines:
            lines.append("")
        lines += (line.rstrip() for line in drawing.lines(block))
    return lines


class _Drawing:
    def __init__(self, width: int, *, colour: bool) -> None:
        self._width = width
        self._colour = colour

    def lines(self, block: Block) -> Iterator[str]:
        match block:
            case Heading():
                title = block.text if block.level == 1 else block.text.upper()
                yield from self._filled(_words([(title, _BOLD)]), self._width)
            case Paragraph():
                yield from self._indented(_MARGIN, block.text)
            case Items():
                labels = max(len(label) for label, _ in block.items)
                for label, text in block.items:
                    yield from self._indented(f"{_MARGIN}{label:<{labels}} ", text)
            case Table():
                yield from self._table(block.rows)
            case Code():
                yield from (self._code(line, block.kind) for line in block.lines)

    def _code(self, line: str, kind: str) -> str:
        is_typed = kind == "console" and line.startswith("$ ")
        return _CODE_MARGIN + (f"{_BOLD}{line}{_END}" if is_typed and self._colour else line.expandtabs())

    def _indented(self, first: str, text: str) -> Iterator[str]:
        """Yield the lines of running text; the first begins with `first`, the others are as far right."""
        for line in self._filled(_words(self._pieces(text)), self._width - len(first)):
            yield first + line
            first = " " * len(first)

    def _table(self, rows: Sequence[Sequence[str]]) -> Iterator[str]:
        """Yield the lines of a table. Its first row is the header, unless the cells of that are empty."""
        cells = [[_words(self._pieces(cell, is_cell=True)) for cell in row] for row in rows]
        if has_header := any(rows[0]):
            cells[0] = [_words([(text, _BOLD) for text, _ in self._pieces(cell)]) for cell in rows[0]]
        else:
            del cells[0]
        widths = _widths([*zip(*cells, strict=True)], self._width - len(_MARGIN))
        for number, row in enumerate(cells):
            columns = [[*self._filled(cell, width)] for cell, width in zip(row, widths, strict=True)]
            for at in range(max(map(len, columns))):
                parts = [
                    _padded(lines[at] if at < len(lines) else "", width)
                    for lines, width in zip(columns, widths, strict=True)
                ]
                yield _MARGIN + _GAP.join(parts)
            if has_header and not number:
                yield _MARGIN + "─" * (sum(widths) + len(_GAP) * (len(widths) - 1))

    def _pieces(self, text: str, *, is_cell: bool = False) -> Iterator[Piece]:
        """Yield running text. Without colour, code is in quotes, unless it is all of a cell or has quotes itself."""
        found = [*spans(text)]
        for kind, piece in found:
            is_bare = self._colour or (is_cell and len(found) == 1) or "'" in piece
            yield (f"'{piece}'" if kind == "code" and not is_bare else piece), _STYLES.get(kind, "")

    def _filled(self, words: Iterable[Word], width: int) -> Iterator[str]:
        """Yield lines of at most `width` columns with the words. A word is broken if it is longer than a line."""
        line: list[Piece] = []
        used = 0
        for word in words:
            length = _length(word)
            if line and used + 1 + length > width:
                yield self._styled(line)
                line, used = [], 0
            if line:
                both = line[-1][1] if line[-1][1] == word[0][1] else ""
                line.append((" ", both))
                used += 1
            for letters, style in word:
                while used + len(letters) > width and length > width:
                    line.append((letters[: width - used], style))
                    letters = letters[width - used :]
                    yield self._styled(line)
                    line, used = [], 0
                line.append((letters, style))
                used += len(letters)
        if line:
            yield self._styled(line)

    def _styled(self, pieces: Iterable[Piece]) -> str:
        if not self._colour:
            return "".join(letters for letters, _ in pieces)
        runs: list[Piece] = []
        for letters, style in pieces:
            if runs and runs[-1][1] == style:
                runs[-1] = (runs[-1][0] + letters, style)
            else:
                runs.append((letters, style))
        return "".join(f"{style}{letters}{_END}" if style else letters for letters, style in runs)


def _words(pieces: Iterable[Piece]) -> list[Word]:
    """Return the words of running text. A word may consist of pieces, such as a code in brackets."""
    words: list[Word] = []
    is_open = False
    for text, style in pieces:
        for number, letters in enumerate(text.split(" ")):
            if number:
                is_open = False
            if letters and is_open:
                words[-1].append((letters, style))
            elif letters:
                words.append([(letters, style)])
                is_open = True
    return words


def _length(word: Word) -> int:
    return sum(len(letters) for letters, _ in word)


def _padded(line: str, width: int) -> str:
    """Return a line with spaces behind it, up to a width. Codes of styles have none."""
    shown = line
    for code in (_END, *_STYLES.values()):
        shown = shown.replace(code, "")
    return line + " " * (width - len(shown))


def _widths(columns: Sequence[Sequence[list[Word]]], room: int) -> list[int]:
    """Return the widths of the columns of a table: those of the longest cells, less if they do not fit."""
    lengths = [[[_length(word) for word in cell] for cell in column] for column in columns]
    widths = [max(sum(cell) + max(len(cell) - 1, 0) for cell in column) for column in lengths]
    least = [min(max((max(cell, default=1) for cell in column), default=1), _LONG) for column in lengths]
    room -= len(_GAP) * (len(widths) - 1)
    while sum(widths) > room:
        spare = [width if width > low else 0 for width, low in zip(widths, least, strict=True)]
        if not any(spare):
            break
        widths[spare.index(max(spare))] -= 1
    return widths
