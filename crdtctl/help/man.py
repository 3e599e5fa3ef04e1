"""Man pages from the help of the commands and from the topics: ``python -m crdtctl.help.man DIRECTORY``.

The pages go into ``man1`` and ``man7`` below the directory. They are plain ASCII, for man and for mandoc. Their date
is SOURCE_DATE_EPOCH, or today.
"""

import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from inspect import cleandoc
from pathlib import Path
from textwrap import wrap
from typing import Any, Final

from crdtctl import __version__
from crdtctl.cli.app import app
from crdtctl.cli.verbs import VERBS
from crdtctl.help import topics
from crdtctl.help.blocks import Block, Code, Heading, Items, Paragraph, Table, blocks, spans

_STYLES: Final = {"code": r"\fB{}\fR", "strong": r"\fI{}\fR", "plain": "{}"}


#: A zero-width character: text that is not empty.
NOTHING: Final = r"\&"
#: A command that more topics than this use is not the subject of them.
_MOST_TOPICS: Final = 4
#: Columns between the margins of a page on a terminal of 80 columns.
_WIDEST: Final = 72


def escaped(text: str) -> str:
    r"""Return running text for roff, in ASCII.

    >>> escaped("crdtctl --help … \\n")
    'crdtctl \\-\\-help \\[u2026] \\en'
    """
    text = text.replace("\\", r"\e").replace("-", r"\-").replace("'", r"\(aq").replace("^", r"\(ha")
    text = text.replace("~", r"\(ti").replace("`", r"\(ga")
    return "".join(letter if letter.isascii() else f"\\[u{ord(letter):04X}]" for letter in text)


def page_of_topic(name: str) -> str:
    """Return the man page of a topic."""
    lines = [*_header(f"crdtctl-{name}", 7), *_section("NAME"), f"crdtctl\\-{name} \\- {escaped(topics.summary(name))}"]
    body = topics.text(name)
    found = [*blocks(body)]
    if not isinstance(found[0], Heading):
        lines += _section("DESCRIPTION")
    for block in found:
        lines += _block(block)
    mentioned = re.findall(r"crdtctl help ([a-z-]+)", body)
    lines += _see_also([*mentioned, *(verb for verb in VERBS if name in _topics_of(verb))], (f"crdtctl-{name}", 7))
    return _page(lines)


def pages_of_commands() -> Iterator[tuple[str, str]]:
    """Yield the name and the text of the man page of each command; the first one is that of the program."""
    command: Any = app
    context = command.make_context("crdtctl", [], resilient_parsing=True)
    yield from _pages_below(command, context)


def _pages_below(command: Any, context: Any) -> Iterator[tuple[str, str]]:
    name = context.command_path.replace(" ", "-")
    writer = _Help(name, cleandoc(command.help or ""))
    command.format_help(context, writer)
    lines = writer.lines
    if context.parent is None:
        lines += _section("TOPICS")
        for topic in topics.NAMES:
            lines += [".TP", f"\\fBcrdtctl\\-{escaped(topic)}\\fR(7)", escaped(topics.summary(topic))]
    else:
        verb = context.command_path.split()[1]
        lines += _see_also(["help", verb, *_topics_of(verb)], (name, 1))
    yield name, _page(lines)
    for below in command.list_commands(context) if hasattr(command, "list_commands") else ():
        one = command.get_command(context, below)
        yield from _pages_below(one, one.make_context(below, [], parent=context, resilient_parsing=True))


@cache
def _topics_of(verb: str) -> list[str]:
    """Return the topics about a command: those that use it, unless most do."""
    used = re.compile(rf"crdtctl (--replica \S+ )?{verb}\b")
    found = [name for name in topics.NAMES if name == verb or used.search(topics.text(name))]
    return found if len(found) <= _MOST_TOPICS else []


class _Help:
    """A formatter for the help of a command, which writes roff: it has the methods of the library's formatter."""

    width = 80

    def __init__(self, name: str, text: str) -> None:
        summary = text.partition("\n")[0]
        self.lines = [
            *_header(name, 1),
            *_section("NAME"),
            _filled(f"{escaped(name)} \\- {escaped(summary.rstrip('.'))}"),
        ]
        self._summary = summary
        self._wants_description = True

    def write_usage(self, program: str, arguments: str = "", prefix: str | None = None) -> None:  # noqa: ARG002
        """Write the line that shows how the command is called."""
        self.lines += [*_section("SYNOPSIS"), f"\\fB{escaped(program)}\\fR {escaped(arguments)}"]

    def write_paragraph(self) -> None:
        """Begin a paragraph; each text begins its own."""

    def write(self, text: str) -> None:
        """Write lines as they are."""
        self.write_text(text)

    @contextmanager
    def indentation(self) -> Iterator[None]:
        """Indent nothing: sections are indented by the page."""
        yield

    @contextmanager
    def section(self, title: str) -> Iterator[None]:
        """Write a section."""
        self.lines += _section(title)
        yield

    def write_text(self, text: str) -> None:
        """Write paragraphs. One that begins with a backspace has its own lines, and perhaps a title."""
        for paragraph in re.split(r"\n\s*\n", text.strip("\n")):
            if paragraph == self._summary:
                continue
            if "\b" in paragraph:
                self._literal([line for line in paragraph.replace("\b", "").splitlines() if line.strip()])
                continue
            if self._wants_description:
                self.lines += _section("DESCRIPTION")
                self._wants_description = False
            else:
                self.lines.append(".PP")
            self.lines.append(_text(" ".join(paragraph.split())))

    def write_dl(self, rows: Sequence[tuple[str, str]], **_layout: Any) -> None:
        """Write a list of terms, such as options."""
        for term, text in rows:
            self.lines += [".TP", f"\\fB{escaped(term.strip())}\\fR", _text(text) or NOTHING]

    def _literal(self, lines: list[str]) -> None:
        if re.fullmatch(r"[A-Z ]+:", lines[0].strip()):
            self.lines += _section(lines.pop(0).strip().rstrip(":"))
            self._wants_description = False
        statuses = [re.match(r" +(\d+) +(.*)", line) for line in lines]
        if all(statuses):
            self.write_dl([(found[1], found[2]) for found in statuses if found])
        else:
            self.lines += _example(cleandoc("\n".join(["", *lines])).splitlines())


def _block(block: Block) -> Iterator[str]:
    match block:
        case Heading():
            yield from _section(block.text)
        case Paragraph():
            yield from (".PP", _styled(block.text))
        case Items():
            for label, text in block.items:
                yield from (r".IP \(bu 2" if label == "*" else f".IP {label} 4", _styled(text))
        case Code():
            yield from (".PP", *_example(block.lines))
        case Table():
            yield from _table(block)


def _table(block: Table) -> Iterator[str]:
    header, *rows = block.rows
    rows = [header, *rows] if any(header) else rows
    widths = _widths([[_plain(row[column]) for row in rows] for column in range(len(header))])
    yield from (".TS", *(["lb " * len(header)] if any(header) else []))
    yield " ".join([*(f"lw({width}n)" for width in widths[:-1]), f"lxw({widths[-1]}n)."])
    for row in rows:
        yield "\t".join(f"T{{\n{_styled(cell) or NOTHING}\nT}}" for cell in row)
    yield ".TE"


def _widths(columns: Sequence[Sequence[str]]) -> list[int]:
    """Return the widths of the columns of a table: those of the longest cells, but of words where it is too wide."""
    widths = [max(map(len, cells)) for cells in columns]
    least = [max((len(word) for cell in cells for word in cell.split()), default=1) for cells in columns]
    while sum(widths) + 3 * len(widths) > _WIDEST:
        spare = [width if width > low else 0 for width, low in zip(widths, least, strict=True)]
        if not any(spare):
            break
        widths[spare.index(max(spare))] -= 1
    return widths


def _plain(text: str) -> str:
    return "".join(piece for _, piece in spans(text))


def _example(lines: Sequence[str]) -> list[str]:
    return [".RS 4", ".EX", *(_guarded(escaped(line.expandtabs())) for line in lines), ".EE", ".RE"]


def _styled(text: str) -> str:
    return _filled("".join(_STYLES[kind].format(escaped(piece)) for kind, piece in spans(text)))


def _text(text: str) -> str:
    return _filled(escaped(text))


def _filled(text: str) -> str:
    return "\n".join(_guarded(line) for line in wrap(text, 76, break_long_words=False, break_on_hyphens=False))


def _guarded(line: str) -> str:
    """Return a line that does not begin with a control character of roff."""
    return rf"\&{line}" if line[:1] in (".", "'") else line


def _header(name: str, section: int) -> list[str]:
    day = time.strftime("%Y-%m-%d", time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH") or time.time())))
    title = f'.TH "{escaped(name.upper())}" {section} {day} "crdtctl {__version__}" "crdtctl manual"'
    return [r"'\" t", title, ".nr HY 0", ".ad l"]


def _section(title: str) -> list[str]:
    return [f'.SH "{escaped(title.upper())}"']


def _see_also(words: Sequence[str], own: tuple[str, int]) -> list[str]:
    pages = {("crdtctl", 1), *((f"crdtctl-{word}", 1) for word in words if word in VERBS)}
    pages |= {(f"crdtctl-{word}", 7) for word in words if word in topics.NAMES}
    listed = [f"\\fB{escaped(name)}\\fR({section})" for name, section in sorted(pages - {own})]
    return [*_section("SEE ALSO"), ",\n".join(listed)] if listed else []


def _page(lines: Sequence[str]) -> str:
    after = ["", *lines]
    kept = [line for line, before in zip(lines, after, strict=False) if line != ".PP" or not before.startswith(".SH")]
    return "\n".join(kept) + "\n"


def write(directory: Path) -> None:
    """Write all pages below a directory."""
    pages = [(f"man1/{name}.1", text) for name, text in pages_of_commands()]
    pages += [(f"man7/crdtctl-{name}.7", page_of_topic(name)) for name in topics.NAMES]
    for name, text in pages:
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="ascii")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
