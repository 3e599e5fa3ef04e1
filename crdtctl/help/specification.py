"""The docstring of the codec, which is the specification of the file format → Markdown.

The docstring is in a subset of reStructuredText: underlined headings, literal blocks after ``::``, bullets, and
definitions, lines that begin with a term in double backquotes and at least two spaces.
"""

import re
from collections.abc import Iterator
from inspect import cleandoc

import crdtctl.codec


def specification() -> str:
    """Return the specification of the file format in Markdown."""
    text, _, _ = cleandoc(crdtctl.codec.__doc__ or "").partition("\nModules\n---")
    return "\n".join(_converted(text))


def _converted(text: str) -> Iterator[str]:
    paragraphs = re.split(r"\n\n+", text)
    is_literal = False
    for position, paragraph in enumerate(paragraphs):
        lines = paragraph.splitlines()
        if is_literal and lines[0].startswith("    "):
            yield from ("```", *(line[4:] for line in lines), "```", "")
            continue
        is_literal = paragraph.endswith("::")
        if position == 0:
            continue  # the line that describes the module
        if re.fullmatch(r"-{3,}", lines[1]) if len(lines) > 1 else False:
            yield from (f"## {lines[0]}", "")
            lines = lines[2:]
        yield from _definitions(lines) if _is_definitions(lines) else _text(lines)
        yield ""


def _is_definitions(lines: list[str]) -> bool:
    return bool(lines) and re.match(r"\s*``\S+``\s{2,}\S", lines[0]) is not None


def _definitions(lines: list[str]) -> Iterator[str]:
    yield from ("| | |", "|---|---|")
    row = ""
    for line in lines:
        found = re.match(r"\s*``(\S+)``\s{2,}(.*)", line)
        if found:
            if row:
                yield f"{row} |"
            row = f"| `{found[1]}` | {_inline(found[2])}"
        else:
            row += f" {_inline(line.strip())}"
    yield f"{row} |"


def _text(lines: list[str]) -> Iterator[str]:
    for line in lines:
        words = line.lstrip()
        yield line[: len(line) - len(words)] + _inline(re.sub(r"::$", ":", words))


def _inline(text: str) -> str:
    text = re.sub(r"(?<![*`\w])\*(\w[^*\n]*)\*(?![*`\w])", r"**\1**", text)
    return re.sub(r"\s+", " ", text.replace("``", "`").replace("|", "\\|"))
