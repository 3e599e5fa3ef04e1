"""TAP, versions 13 and 14 → cases. A test that sums up a subtest is the suite of the tests in it."""

from __future__ import annotations

import re

from crdtctl.cli.outcomes import Case
from crdtctl.errors import DataError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: Maximum number of tests that a plan announces, and of spaces before a line of a subtest.
MAX_PLAN = 10**6
MAX_INDENT = 400
_TEST = re.compile(r"( *)(not )?ok\b(?: +(\d+))?(?: +-)? *(.*)")
_PLAN = re.compile(r"1\.\.(\d+)\b")
_DIRECTIVE = re.compile(r"(?:^|\s)# *(skip(?:ped)?|todo)\b", re.IGNORECASE)
#: The time of a test, at the end of its line as node writes it.
_TIME = re.compile(r"\s# time=[\d.]+ *m?s\s*$")
#: Digits of a plan, more than enough to be above the maximum.
_DIGITS = 12


def cases(lines: Iterable[str]) -> Iterator[Case]:
    """Yield the cases in the lines of a file; raise `DataError` for a file without results and plan.

    Tests that the plan announces and that did not run are errors, and so is a bail out.
    """
    planned: int | None = None
    seen, bailed = 0, False
    levels: list[tuple[int, list[Case]]] = []  # of open subtests, each deeper than the one before
    block = -1
    for line in lines:
        text = line.strip()
        indent = len(line) - len(line.lstrip(" "))
        if block >= 0:
            block = -1 if text == "..." and indent == block else block
        elif text == "---" and indent:
            block = indent
        elif found := _TEST.match(line):
            if indent > MAX_INDENT:
                raise DataError(f"a line of the TAP has more than {MAX_INDENT} spaces before it")
            described = _TIME.sub("", found[4]).strip()
            case = _case(described, found[3] or "", is_ok=not found[2])
            inner: list[Case] = []
            while levels and levels[-1][0] > indent:
                inner = [*levels.pop()[1], *inner]
            if inner:
                inner = [one if one.suite else one._replace(suite=case.test) for one in inner]
                if case.outcome == "failures" and not any(one.outcome in ("failures", "errors") for one in inner):
                    inner.append(case._replace(suite=case.test))
            else:
                inner = [case]
            if indent and levels and levels[-1][0] == indent:
                levels[-1][1].extend(inner)
            elif indent:
                levels.append((indent, inner))
            else:
                seen += 1
                yield from inner
        elif found := _PLAN.match(line):
            planned = int(found[1][:_DIGITS])
        elif text.startswith("Bail out!"):
            bailed = True
            break
    for _, open_cases in levels:
        yield from open_cases
    if planned is None and not seen and not levels and not bailed:
        raise DataError("neither JUnit XML nor TAP: a line 'ok', 'not ok' or '1..N' is missing")
    if planned is not None and planned > MAX_PLAN:
        raise DataError(f"the plan of the TAP announces more than {MAX_PLAN} tests")
    missing = max((planned or 0) - seen, 1 if bailed else 0)
    for _ in range(missing):
        yield Case("", "(did not run)", "errors", False, None)


def _case(described: str, number: str, *, is_ok: bool) -> Case:
    """Return the case of a line. A test without a description is named by its number."""
    directive = _DIRECTIVE.search(described)
    test = (described[: directive.start()] if directive else described).strip() or number
    kind = directive[1].lower() if directive else ""
    is_skipped = kind.startswith("skip") or (kind == "todo" and not is_ok)
    outcome = "skipped" if is_skipped else "" if is_ok else "failures"
    return Case("", test, outcome, False, None)
