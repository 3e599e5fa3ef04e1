"""The topics of the manual: their order, their names, their text."""

import re
from functools import cache
from importlib.resources import files
from typing import Final

from crdtctl.errors import exit_statuses
from crdtctl.help.specification import specification

#: Title of a group → its topics, in the order of the list.
GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "First steps": ("start",),
    "Types of counters": ("types", "gset", "hll", "bcounter", "handoff", "reset"),
    "Replicas and remotes": ("remotes", "urls", "cron", "fleet", "jobs", "clocks"),
    "Scripts and programs": ("scripting", "exit-status", "library"),
    "Inside": ("files", "identity", "promises", "format", "glossary"),
}
NAMES: Final[tuple[str, ...]] = tuple(name for group in GROUPS.values() for name in group)

_TITLE: Final = re.compile(r"# ([a-z-]+): (.+)\n+")


def summary(name: str) -> str:
    """Return the line that describes a topic in the list."""
    return _parts(name)[0]


def text(name: str) -> str:
    """Return the Markdown of a topic below its title, with the generated parts filled in."""
    body = _parts(name)[1]
    if "<!-- exit statuses -->" in body:
        rows = [f"| {status} | {word} | {meaning} |" for status, word, meaning in exit_statuses()]
        table = "\n".join(["| status | name | meaning |", "|---|---|---|", *rows])
        body = body.replace("<!-- exit statuses -->", table)
    if "<!-- specification -->" in body:
        body = body.replace("<!-- specification -->", specification())
    return body


@cache
def _parts(name: str) -> tuple[str, str]:
    source = files("crdtctl.help").joinpath(f"{name}.md").read_text(encoding="utf-8")
    title = _TITLE.match(source)
    assert title is not None, f"{name}.md must begin with '# {name}: summary'"
    return title[2], source[title.end() :]
