"""Strangers' names in the log of a CI job: a runner of GitHub Actions takes some lines for commands to itself.

It does so with a line that begins with ``::``, white space apart, and with one that holds ``##[`` anywhere.
Names are free to do that, and data is not to be changed. So what has a second spelling that means the same
(JSON, TOML, a quoted cell of CSV) is always written in that; messages, which are for people, are defused; and
so are lines for people in a job. What was asked for as lines of data, with ``--format``, stays as it is.
"""

import os
from typing import Final

_START: Final = "::"
_ANYWHERE: Final = "##["
_DEFUSED: Final = "##\\u005b"


def is_job() -> bool:
    """Return whether this runs in a job of GitHub Actions, where standard output may be the log."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def defused(line: str) -> str:
    """Return a line for people that no runner takes for a command.

    >>> defused("::error::x"), defused("say ##[error]x"), defused("a::b")
    ('\\\\u003a:error::x', 'say ##\\\\u005berror]x', 'a::b')
    """
    if is_command(line):
        line = line.replace(":", "\\u003a", 1)
    return line.replace(_ANYWHERE, _DEFUSED)


def is_command(line: str) -> bool:
    """Return whether a line begins like a command."""
    return line.lstrip().startswith(_START)


def respelt(text: bytes) -> bytes:
    """Return JSON or TOML in which a string that holds what a runner looks for is spelt otherwise.

    >>> respelt(b'{"name":"##[error]x"}')
    b'{"name":"##\\\\u005berror]x"}'
    """
    return text.replace(_ANYWHERE.encode(), _DEFUSED.encode())
