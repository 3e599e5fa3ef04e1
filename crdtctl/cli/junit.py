"""JUnit XML → cases, piece by piece, as pytest, jest-junit, go-junit-report, surefire and gradle write it.

The files come from strangers: entities are refused, and depth, and the size of one tag. The reader keeps one case at a
time. A suite that gives the number of its tests, and lists none of them, is refused: its results cannot be counted.
"""

from __future__ import annotations

from xml.parsers import expat

from crdtctl.cli.outcomes import Case, seconds
from crdtctl.errors import DataError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import NoReturn

#: Maximum number of elements inside each other, and of bytes of one tag.
MAX_DEPTH = 100
MAX_TAG = 2**20
_SUITES = ("testsuite", "testsuites")
#: An element of a case → its outcome. An error counts before a failure, and a failure before a skip.
_OUTCOMES = {"error": "errors", "failure": "failures", "skipped": "skipped"}
_FLAKY = ("flakyFailure", "flakyError")
#: The status of a test that GoogleTest did not run, and the name of a result of a suite itself.
_NOT_RUN = ("notrun", "disabled")
_OF_SUITE = "(suite)"


def cases(pieces: Iterable[bytes]) -> Iterator[Case]:
    """Yield the cases in the pieces of a file; raise `DataError` with the fault of the file."""
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.EntityDeclHandler = _refuse_entity
    fed = 0
    try:
        for piece in pieces:
            parser.Parse(piece, False)
            fed += len(piece)
            if fed - parser.CurrentByteIndex > MAX_TAG:
                raise DataError(f"a tag of the XML is longer than {MAX_TAG} bytes")
            yield from reader.taken()
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise DataError(f"not valid XML: line {error.lineno}: {expat.ErrorString(error.code)}") from None
    except (LookupError, ValueError):
        raise DataError("the encoding of the XML is unknown") from None
    yield from reader.taken()
    if reader.lists_nothing:
        raise DataError("it gives a number of tests, but lists no test", "let the writer list each testcase")


def _refuse_entity(*_: object) -> NoReturn:
    raise DataError("the XML declares an entity, and results of tests need none")


class _Reader:
    """The handlers of the parser. `_suites` has the names of the open suites; one without a name has that around it."""

    def __init__(self) -> None:
        self._open: list[str] = []
        self._suites: list[str] = []
        self._case: Mapping[str, str] = {}
        self._outcomes: set[str] = set()
        self._done: list[Case] = []
        self._declares_tests = False
        self._has_cases = False

    @property
    def lists_nothing(self) -> bool:
        """Whether a suite gives a number of tests, and the file has no case."""
        return self._declares_tests and not self._has_cases

    def taken(self) -> list[Case]:
        """Return the cases since the last call."""
        done, self._done = self._done, []
        return done

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        parent = self._open[-1] if self._open else ""
        if not parent and tag not in _SUITES:
            raise DataError("not JUnit XML: its first element is neither testsuites nor testsuite")
        if len(self._open) == MAX_DEPTH:
            raise DataError(f"the XML has more than {MAX_DEPTH} elements inside each other")
        self._open.append(tag)
        if tag in _SUITES:
            self._declares_tests |= attributes.get("tests", "").strip(" 0") != ""
            name = attributes.get("name", "").strip() if tag == "testsuite" else ""
            self._suites.append(name or (self._suites[-1] if self._suites else ""))
        elif tag == "testcase" and parent in _SUITES:
            self._case, self._outcomes = attributes, set()
        elif parent == "testcase":
            self._outcomes.add(tag)
        elif parent == "testsuite" and tag in ("error", "failure"):  # of the suite itself, such as a failed set-up
            self._has_cases = True
            self._done.append(Case(self._suites[-1], _OF_SUITE, _OUTCOMES[tag], False, None))

    def end(self, tag: str) -> None:
        self._open.pop()
        if tag in _SUITES:
            self._suites.pop()
        elif tag == "testcase" and self._open[-1] in _SUITES:
            outcome = next((name for element, name in _OUTCOMES.items() if element in self._outcomes), "")
            is_flaky = any(element in self._outcomes for element in _FLAKY)
            self._has_cases = True
            case, suite = self._case, self._suites[-1]
            if not outcome and case.get("status") in _NOT_RUN:
                outcome = "skipped"
            place = case.get("classname", "").strip()
            test = case.get("name", "").strip()
            full = f"{place}.{test}" if place and place != suite else test
            self._done.append(Case(suite or place, full, outcome, is_flaky, seconds(case.get("time", ""))))
