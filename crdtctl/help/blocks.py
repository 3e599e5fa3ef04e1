"""Markdown → blocks. The subset: headings, paragraphs, flat lists, pipe tables, fenced code; code, strong, links."""

from __future__ import annotations

import re

from crdtctl.records import NamedTuple, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


class Heading(Record):
    """A title: of the page (level 1) or of a section (level 2)."""

    level: int
    text: str


class Paragraph(Record):
    """Running text."""

    text: str


class Items(Record):
    """A list. Each item has a label: a bullet or a number."""

    items: tuple[tuple[str, str], ...]


class Code(Record):
    """Lines that are shown as they are; `kind` is the word behind the fence."""

    kind: str
    lines: tuple[str, ...]


class Table(Record):
    """Rows of cells. The first row is the header, whose cells may all be empty."""

    rows: tuple[tuple[str, ...], ...]


Block = Heading | Paragraph | Items | Code | Table


class Span(NamedTuple):
    """A piece of running text: plain, code or strong."""

    kind: str
    text: str


_FENCE = re.compile(r"```(\w*)$")
_RULE = re.compile(r"[|\s:-]*-[|\s:-]*")
_ITEM = re.compile(r"(\*|\d+\.) +(.*)")
_BEGINS = re.compile(r"#|```|\||\* |\d+\. ")
_SPAN = re.compile(r"`(?P<code>[^`]+)`|\*\*(?P<strong>[^*]+)\*\*|\[(?P<link>[^]]+)\]\([^)]+\)")


def blocks(text: str) -> Iterator[Block]:
    """Yield the blocks of a text in Markdown."""
    lines = re.sub(r"<!--.*?-->\n?", "", text, flags=re.DOTALL).splitlines()
    at = 0
    while at < len(lines):
        line = lines[at]
        fence = _FENCE.match(line)
        if fence:
            end = lines.index("```", at + 1)
            yield Code(fence[1], tuple(lines[at + 1 : end]))
            at = end + 1
            continue
        end = at + 1
        if not line.strip() or line.startswith("#"):
            if line.startswith("#"):
                title = line.lstrip("#")
                yield Heading(len(line) - len(title), title.strip())
        elif line.startswith("|"):
            while end < len(lines) and lines[end].startswith("|"):
                end += 1
            yield Table(tuple(_cells(row) for row in lines[at:end] if not _RULE.fullmatch(row)))
        elif _ITEM.match(line):
            while end < len(lines) and (_ITEM.match(lines[end]) or lines[end].startswith("  ")):
                end += 1
            yield Items(tuple(_items(lines[at:end])))
        else:
            while end < len(lines) and lines[end].strip() and not _BEGINS.match(lines[end]):
                end += 1
            yield Paragraph(" ".join(line.strip() for line in lines[at:end]))
        at = end


def spans(text: str) -> Iterator[Span]:
    """Yield the pieces of running text.

    >>> [(span.kind, span.text) for span in spans("see `show`, **now**")]
    [('plain', 'see '), ('code', 'show'), ('plain', ', '), ('strong', 'now')]
    """
    done = 0
    for found in _SPAN.finditer(text):
        if found.start() > done:
            yield Span("plain", text[done : found.start()])
        kind = found.lastgroup or "plain"
        yield Span("plain" if kind == "link" else kind, found[kind])
        done = found.end()
    if done < len(text):
        yield Span("plain", text[done:])


def _cells(row: str) -> tuple[str, ...]:
    cells = re.split(r"(?<!\\)\|", row.strip().strip("|"))
    return tuple(cell.strip().replace("\\|", "|") for cell in cells)


def _items(lines: list[str]) -> Iterator[tuple[str, str]]:
    label, words = "", list[str]()
    for line in lines:
        item = _ITEM.match(line)
        if item:
            if words:
                yield label, " ".join(words)
            label, words = item[1], [item[2].strip()]
        else:
            words.append(line.strip())
    yield label, " ".join(words)
