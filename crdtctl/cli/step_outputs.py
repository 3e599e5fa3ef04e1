"""Figures → variables for later steps of a CI job: ``GITHUB_OUTPUT`` of GitHub Actions, and dotenv of GitLab. Pure.

The name of a variable is the text of a figure, with one ``_`` for other characters than ASCII letters and digits.
A ``_`` at the end is left out, and one is put before a digit at the beginning.
If two texts come to the same name, neither has a variable: a step would read one of them today, and the other tomorrow.
"""

from __future__ import annotations

import re

from crdtctl.errors import PartialError, RefusedError, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

#: Maximum size of a dotenv report in bytes, as GitLab reads it.
MAX_DOTENV = 5 * 1024
#: Maximum size of all outputs of a job in bytes. GitHub counts two bytes a character.
MAX_OUTPUTS = 2**20


def variables(figures: Iterable[tuple[str, str]]) -> tuple[dict[str, list[str]], list[str]]:
    """Return the values of each variable, and the texts without one, because of a clash.

    A text that is there several times has all its values.

    >>> variables([("tests.failed", "3"), ("a b", "1"), ("a-b", "2")])
    ({'tests_failed': ['3']}, ['a b', 'a-b'])
    """
    by_text: dict[str, list[str]] = {}
    for text, value in figures:
        by_text.setdefault(text, []).append(value)
    users: dict[str, list[str]] = {}
    for text in by_text:
        users.setdefault(_name(text), []).append(text)
    clear = {name: by_text[texts[0]] for name, texts in users.items() if len(texts) == 1}
    return clear, [text for texts in users.values() if len(texts) > 1 for text in texts]


def left_out(clashing: Sequence[str]) -> PartialError:
    """Return the error for figures whose names clash."""
    shown = ", ".join(f"'{printable(one)}'" for one in clashing[:3])
    more = f" and {len(clashing) - 3} more" if len(clashing) > 3 else ""
    return PartialError(f"left out, as another one has the same variable: {shown}{more}", "see 'crdtctl help ci'")


def github(found: Mapping[str, Sequence[str]], delimiter: str) -> Iterator[str]:
    """Yield the lines for ``GITHUB_OUTPUT``; raise `RefusedError` for too many of them.

    Several values are lines between two lines with a `delimiter`, which must be a secret of this run: a value that
    contains it would end the values, and begin another variable.
    """
    lines = []
    for name, values in found.items():
        lines += [f"{name}={values[0]}"] if len(values) == 1 else [f"{name}<<{delimiter}", *values, delimiter]
    if sum(2 * len(line) + 2 for line in lines) > MAX_OUTPUTS:
        raise RefusedError("the outputs of a job on GitHub are at most 1 MiB", "select fewer counters, or use --top")
    yield from lines


def dotenv(found: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a dotenv report; raise `RefusedError` if GitLab would refuse it."""
    lines = []
    for name, values in found.items():
        if len(values) > 1:
            raise RefusedError(f"'{name}' has {len(values)} values, and dotenv has one for each name", "show values")
        lines.append(f"{name}={values[0]}")
    if sum(len(line.encode()) + 1 for line in lines) > MAX_DOTENV:
        raise RefusedError("a dotenv report on GitLab is at most 5 KiB", "select fewer counters, or use --top")
    yield from lines


def _name(text: str) -> str:
    name = re.sub(r"[^A-Za-z0-9]+", "_", text).rstrip("_") or "_"
    return f"_{name}" if name[0].isdigit() else name
