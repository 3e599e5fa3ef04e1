"""The topics of the manual: their order, their names, their text."""

import os

#: Title of a group → its topics, in the order of the list.
GROUPS = {
    "First steps": ("start",),
    "Types of counters": ("types", "gset", "hll", "distributions", "bcounter", "handoff"),
    "Changing counters": ("reset", "rename", "forget", "undo"),
    "Labels, time and readings": ("labels", "time", "readings", "views", "metrics"),
    "Replicas and remotes": ("remotes", "urls", "private", "git", "cron", "fleet", "jobs", "ci", "clocks"),
    "Scripts and programs": ("scripting", "stream", "exit-status", "library"),
    "Inside": ("files", "identity", "promises", "format", "glossary"),
}
NAMES = tuple(name for group in GROUPS.values() for name in group)

#: Topic → its summary and its text, once it was read.
_read: dict[str, tuple[str, str]] = {}


def summary(name: str) -> str:
    """Return the line that describes a topic in the list."""
    return _parts(name)[0]


def text(name: str) -> str:
    """Return the Markdown of a topic below its title, with the generated parts filled in."""
    body = _parts(name)[1]
    if "<!-- exit statuses -->" in body:
        from crdtctl.errors import exit_statuses

        rows = [f"| {status} | {word} | {meaning} |" for status, word, meaning in exit_statuses()]
        table = "\n".join(["| status | name | meaning |", "|---|---|---|", *rows])
        body = body.replace("<!-- exit statuses -->", table)
    if "<!-- specification -->" in body:
        from crdtctl.help.specification import specification

        body = body.replace("<!-- specification -->", specification())
    return body


def _parts(name: str) -> tuple[str, str]:
    if name not in _read:
        with open(os.path.join(os.path.dirname(__file__), f"{name}.md"), encoding="utf-8") as file:
            title, _, body = file.read().partition("\n")
        start = f"# {name}: "
        assert title.startswith(start), f"{name}.md must begin with '{start}summary'"
        _read[name] = title.removeprefix(start), body.lstrip("\n")
    return _read[name]
