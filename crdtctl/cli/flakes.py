"""Results of tests at a commit of the tested source → a ledger of flaky tests, exact on any number of machines.

A test is flaky at a commit if it failed and passed there. The ledger is a counter for each test and day, under three
idempotency keys for each commit: one for a failure (+1), one for a success (+1), and one for any result (-1). Each key
counts once, however many machines sent it. So the counter is the number of commits with both results, also if
two machines saw one each, and in any order of merges.
"""

from __future__ import annotations

import re

from crdtctl.cli.outcomes import MAX_SERIES, label_value
from crdtctl.errors import RefusedError, UsageError, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from crdtctl.cli.outcomes import Case
    from crdtctl.crdt.base import Verb
    from crdtctl.store.commit import Request

_COMMIT = re.compile(r"(?!HEAD$)[0-9A-Za-z][0-9A-Za-z._+-]{0,63}")
_PASSED, _FAILED = 1, 2
#: The type of the counters, and the end of their name.
_TAG = "pncounter"
_NAME = "flakes"


class Ledger:
    """The results of the tests at one commit, which is of one day, on all machines the same."""

    def __init__(self, commit: str, day: str) -> None:
        """Check the commit and its day; raise `UsageError`."""
        if not _COMMIT.fullmatch(commit):
            raise UsageError(
                f"--commit is the id of a commit, not '{printable(commit[:80])}'", 'for example: --commit "$GITHUB_SHA"'
            )
        self._commit = commit
        self._day = _checked_day(day)
        self._results: dict[tuple[str, str], int] = {}

    def watched(self, cases: Iterable[Case]) -> Iterator[Case]:
        """Yield the cases, and keep the result of each test; raise `RefusedError` for too many tests."""
        for case in cases:
            result = 0 if case.outcome == "skipped" else _FAILED if case.outcome else _PASSED
            if case.is_flaky:
                result |= _FAILED
            if result:
                key = (label_value(case.suite), label_value(case.test))
                self._results[key] = self._results.get(key, 0) | result
                if len(self._results) > MAX_SERIES:
                    raise RefusedError(f"the results have more than {MAX_SERIES} tests", "leave out --commit")
            yield case

    def requests(self, name: str) -> list[Request]:
        """Return the requests that record the results in counters whose names begin with `name`."""
        from crdtctl.store.requests import count

        made = []
        for (suite, test), result in self._results.items():
            labels = {key: text for key, text in (("suite", suite), ("test", test), ("day", self._day)) if text}
            parts: list[tuple[Verb, str]] = []
            parts += [("increment", f"{self._commit}/pass")] if result & _PASSED else []
            parts += [("increment", f"{self._commit}/fail")] if result & _FAILED else []
            parts.append(("decrement", self._commit))  # last: a counter that begins below zero is reported
            made += [count(verb, f"{name}.{_NAME}", 1, once=key, tag=_TAG, labels=labels) for verb, key in parts]
        return made


def _checked_day(day: str) -> str:
    from datetime import date

    try:
        found = date.fromisoformat(day).isoformat()
    except ValueError:
        found = ""
    if not day or found != day:
        raise UsageError(
            f"--day cannot be '{printable(day[:40])}'", "it is the day of the commit: git show -s --format=%cs"
        )
    return day
