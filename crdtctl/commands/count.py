"""``crdtctl count``"""

from __future__ import annotations

from crdtctl.cli.exit_status import WRITES
from crdtctl.cli.grammar import Argument, Option, command
from crdtctl.cli.labelling import LABEL, labelled
from crdtctl.cli.options import NOTE, ONCE
from crdtctl.cli.verb import commit as write
from crdtctl.errors import DataError, UsageError, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from crdtctl.cli.context import Context
    from crdtctl.cli.flakes import Ledger
    from crdtctl.cli.outcomes import Case

_BY = ("none", "suite", "test")
#: Maximum size of a line of TAP in bytes.
_MAX_LINE = 2**20


@command(
    Argument("files", "FILE...", "JUnit XML or TAP; '-' is standard input.", required=True, repeated=True),
    Option("name", metavar="NAME", default="tests", help="How the names of the counters begin. Default: tests."),
    Option("by", metavar="none|suite|test", default="suite", help="The labels of the counters. Default: suite."),
    Option("commit", "--commit", metavar="SHA", help="Count in tests.flakes the tests that fail and pass at a commit."),
    Option("day", metavar="DAY", help="With --commit: its day, such as 2026-03-01, on all machines the same."),
    LABEL,
    NOTE,
    ONCE,
    statuses=(4, 65, 73, *WRITES),
    once=True,
)
def junit(
    context: Context,
    files: list[str],
    name: str,
    by: str,
    commit: str | None,
    day: str | None,
    label: list[str],  # noqa: ARG001  # `labelled` reads the values of the context
    note: str | None,  # noqa: ARG001  # `write` reads the values of the context
    once: str | None,
) -> None:
    """Count the results of tests in JUnit XML or TAP.

    \b
    EXAMPLES:
      crdtctl count junit report.xml --once "$RUN/$ATTEMPT/$JOB"
      crdtctl count junit target/surefire-reports/*.xml --label os=linux
      prove -v | crdtctl count junit - --by none
      crdtctl count junit report.xml --commit "$GITHUB_SHA" --day "$(git show -s --format=%cs)"

    The counters are tests.runs, tests.failures, tests.errors, tests.skipped and tests.flaky, and the distribution
    tests.seconds, with the label suite; with --by test also with the label test. All files are one commit. With --once,
    a repeated job counts once.

    With --commit, tests.flakes counts the commits with a failure and a success of a test: see 'crdtctl help ci'.

    A file that is damaged, or that declares entities, is refused with status 65, and nothing is counted.
    """
    if by not in _BY:
        raise UsageError(f"--by cannot be '{printable(by)}'", f"it is one of {', '.join(_BY)}")
    if files.count("-") > 1:
        raise UsageError("standard input can be read only once", "leave out one '-'")
    from crdtctl.cli.outcomes import requests_of

    cases: Iterator[Case] = (case for path in files for case in _cases(path))
    ledger = _ledger(commit, day)
    if ledger is not None:
        cases = ledger.watched(cases)
    made = requests_of(cases, name, by, once)
    if ledger is not None:
        made += ledger.requests(name)
    found = labelled(context, made)
    if len({(one.name, one.operation.once) for one in found}) < len({(one.name, one.operation.once) for one in made}):
        raise UsageError("--label has a label that the results have", "use another key, or --by none")
    if found:
        write(context, found)


def _ledger(commit: str | None, day: str | None) -> Ledger | None:
    if commit is None and day is None:
        return None
    if commit is None or day is None:
        raise UsageError(
            "--commit and --day need each other",
            'for example: --commit "$GITHUB_SHA" --day "$(git show -s --format=%cs)"',
        )
    from crdtctl.cli.flakes import Ledger

    return Ledger(commit, day)


@command(statuses=(4, 65, 73, *WRITES), commands=(junit,))
def count(context: Context) -> None:  # noqa: ARG001  # every command has it
    """Count results of other programs, such as tests.

    \b
    EXAMPLES:
      crdtctl count junit report.xml --once "$RUN/$ATTEMPT/$JOB"

    The subcommand is the form of the files.
    """
    raise UsageError("the form of the files is missing", "crdtctl count junit FILE...")


def _cases(path: str) -> Iterator[Case]:
    """Yield the cases in a file; raise `DataError` that names it."""
    from itertools import chain

    from crdtctl.cli.reading import blocks, called

    pieces = blocks(path)
    first = next(pieces, b"")
    pieces = chain([first], pieces)
    is_xml = first.startswith((b"\xff\xfe", b"\xfe\xff")) or first.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<"
    try:
        if is_xml:
            from crdtctl.cli import junit as xml

            yield from xml.cases(pieces)
        else:
            from crdtctl.cli import tap

            yield from tap.cases(_lines(pieces))
    except DataError as error:
        raise DataError(f"{called(path)}: {error.message}", "nothing was counted") from None


def _lines(pieces: Iterator[bytes]) -> Iterator[str]:
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        if len(rest) > _MAX_LINE:
            raise DataError(f"a line is longer than {_MAX_LINE} bytes")
        for line in whole:
            yield line.decode("utf-8", "replace").rstrip("\r")
    yield rest.decode("utf-8", "replace")
