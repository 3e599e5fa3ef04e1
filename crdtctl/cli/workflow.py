"""Names from outside in the log of a CI job: a runner of GitHub Actions reads some lines as commands to itself.

Such a line begins with ``::``, after white space, or contains ``##[`` anywhere. Names may contain these, and data
must not change. So formats with a second spelling of the same value (JSON, TOML, a quoted cell of CSV) always use
that spelling. Messages and tables, which are for people, are escaped. Lines of data that --format asked for stay
unchanged.
"""

from crdtctl.system import os

_START = "::"
_ANYWHERE = "##["
_ESCAPED = "##\\u005b"


def is_job() -> bool:
    """Return whether this runs in a job of GitHub Actions, whose log may be standard output."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def escape_line(line: str) -> str:
    r"""Return a line for people that no runner reads as a command.

    >>> escape_line("::error::x"), escape_line("see ##[error]x"), escape_line("a::b")
    ('\\u003a:error::x', 'see ##\\u005berror]x', 'a::b')
    """
    if is_command(line):
        line = line.replace(":", "\\u003a", 1)
    return line.replace(_ANYWHERE, _ESCAPED)


def is_command(line: str) -> bool:
    """Return whether a line begins like a command."""
    return line.lstrip().startswith(_START)


def escape_json(text: bytes) -> bytes:
    r"""Return JSON or TOML with strings that spell ``##[`` with an escape.

    >>> escape_json(b'{"name":"##[error]x"}')
    b'{"name":"##\\u005berror]x"}'
    """
    return text.replace(_ANYWHERE.encode(), _ESCAPED.encode())
