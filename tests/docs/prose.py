"""Counts sentences that readers stumble over: in docstrings, comments, messages and pages. Run it to list them.

``python -m tests.docs.prose [PATTERN] [PATH ...]`` prints the places, or without a pattern the counts.
"""

import ast
import io
import re
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]

#: A word that takes the place of a noun. In docstrings nearly every one of them has no noun before it.
HEADLESS: Final = re.compile(r"\b(what|who|whom|whoever|whatever)\b", re.IGNORECASE)

#: Name → what is not written. `test_prose` holds how often each may occur.
PATTERNS: Final = {
    "tell": re.compile(r"\b(tells?|told|telling|untold)\b", re.IGNORECASE),
    "say": re.compile(r"\b(says?|said|saying)\b", re.IGNORECASE),
    "stand": re.compile(r"\b(stands?|stood|standing) (for|in|at|there|behind)\b", re.IGNORECASE),
    "so many": re.compile(r"\bso (many|much|often|long)\b(?! (as|that)\b)", re.IGNORECASE),
    "is no": re.compile(r"\b(is|are|was|were) (no(?! (longer|more|less|earlier|later)\b)|none)\b", re.IGNORECASE),
    "somebody": re.compile(r"\b(some|no|every|any)(body|one)\b(?<!someone)", re.IGNORECASE),
    "of which": re.compile(
        r"\b(of|with|under|to|from|in|by|for|at|on|through|behind) (which|whom|whose)\b", re.IGNORECASE
    ),
    "data acts": re.compile(
        r"\b(speaks? of|hears? of|knows? of|gives? away|met|takes? part in merging)\b", re.IGNORECASE
    ),
    "elsewhere": re.compile(r"\b(elsewhere|meanwhile|by then|therein|thereby|wherever)\b", re.IGNORECASE),
    "archaic": re.compile(
        r"\b(anew|for ever|to and fro|goes on|go on|once more|forestalls?|lest|hence|in vain|amounts? to)\b",
        re.IGNORECASE,
    ),
    "do the same": re.compile(r"\b(do|does|return|returns) the same\b", re.IGNORECASE),
    "trailing": re.compile(r", (say|too)\b|, or nothing\b|; nothing\b", re.IGNORECASE),
}


class Text(NamedTuple):
    """One piece of prose and its place."""

    path: Path
    line: int
    kind: str  # docstring, comment, message or page
    text: str


def texts_of(path: Path) -> Iterator[Text]:
    """Yield the prose of a Python file, or of a page in Markdown without its code."""
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        prose = re.sub(
            r"^(```|~~~).*?^\1|`[^`\n]*`|<!--.*?-->|\]\([^)]*\)", _blank, source, flags=re.MULTILINE | re.DOTALL
        )
        yield from (Text(path, number, "page", line) for number, line in enumerate(prose.splitlines(), 1))
        return
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    tree = ast.parse(source)
    docstrings = set()
    for node in ast.walk(tree):
        if isinstance(node, documented) and ast.get_docstring(node) is not None:
            first = node.body[0]
            assert isinstance(first, ast.Expr)
            docstrings.add(first.value)
            yield Text(path, first.lineno, "docstring", ast.get_docstring(node) or "")
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and node not in docstrings
            and " " in node.value
        ):
            yield Text(path, node.lineno, "message", node.value)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and not re.match(r"#\s*(noqa|type:)", token.string):
            yield Text(path, token.start[0], "comment", token.string)


def _blank(code: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", code[0])


def pages() -> list[Path]:
    """Return the files whose words people read."""
    found = [
        *ROOT.glob("crdtctl/**/*.py"),
        *ROOT.glob("crdtctl/**/*.md"),
        *ROOT.glob("*.md"),
        *ROOT.glob("tests/**/README.md"),
        *ROOT.glob(".github/*.md"),
    ]
    return sorted(found)


def headless(texts: list[Text]) -> tuple[int, int]:
    """Return how many docstrings have a word without a noun, and how many docstrings there are."""
    docstrings = [text for text in texts if text.kind == "docstring"]
    return sum(bool(HEADLESS.search(text.text)) for text in docstrings), len(docstrings)


def hits(texts: list[Text]) -> Counter[str]:
    """Return pattern → how often it occurs."""
    return Counter({name: sum(len(found.findall(text.text)) for text in texts) for name, found in PATTERNS.items()})


def _main(words: list[str]) -> None:
    wanted = words[0] if words and (words[0] in PATTERNS or words[0] in ("headless", "all")) else None
    paths = [Path(word).resolve() for word in words[bool(wanted) :]]
    files = [one for one in pages() if not paths or any(one == path or path in one.parents for path in paths)]
    texts = [text for path in files for text in texts_of(path)]
    if wanted is None:
        print("headless docstrings: {} of {}".format(*headless(texts)))
        for name, count in hits(texts).items():
            print(f"{name}: {count}")
        return
    for text in texts:
        shown = {wanted: PATTERNS.get(wanted, HEADLESS)} if wanted != "all" else {**PATTERNS, "headless": HEADLESS}
        for name, found in shown.items():
            if found.search(text.text) and (name != "headless" or text.kind == "docstring"):
                first = " ".join(text.text.split())
                print(f"{text.path.relative_to(ROOT)}:{text.line}: [{name}] {text.kind}: {first[:160]}")


if __name__ == "__main__":
    _main(sys.argv[1:])
