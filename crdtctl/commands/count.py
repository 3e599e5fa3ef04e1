"""``crdtctl count``"""

from __future__ import annotations

from crdtctl.cli.exit_status import WRITES
from crdtctl.cli.grammar import Argument, Option, command
from crdtctl.cli.labelling import LABEL, labelled
from crdtctl.cli.options import NOTE, ONCE
from crdtctl.cli.verb import commit
from crdtctl.errors import DataError, UsageError, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from crdtctl.cli.context import Context
    from crdtctl.cli.outcomes import Case

_BY = ("none", "suite", "test")
#: Maximum size of a line of TAP in bytes.
_MAX_LINE = 2**20


@command(
    Argument("files", "FILE...", "JUnit XML or TAP; '-' is standard input.", required=True, repeated=True),
    Option("name", metavar="NAME", default="tests", help="How the names of the counters begin. Default: tests."),
    Option("by", metavar="none|suite|test", default="suite", help="The labels of the counters. Default: suite."),
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
    label: list[str],  # noqa: ARG001  # `labelled` reads the values of the context
    note: str | None,  # noqa: ARG001  # `commit` reads the values of the context
    once: str | None,
) -> None:
    """Count the results of tests in JUnit XML or TAP.

    \b
    EXAMPLES:
      crdtctl count junit report.xml --once "$RUN/$ATTEMPT/$JOB"
      crdtctl count junit target/surefire-reports/*.xml --label os=linux
      prove -v | crdtctl count junit - --by none

    The counters are tests.runs, tests.failures, tests.errors, tests.skipped and tests.flaky, and the distribution
    tests.seconds, with the label suite; with --by test also with the label test. All files are one commit. With --once,
    a repeated job counts once.

    A file that is damaged, or that declares entities, is refused with status 65, and nothing is counted.
    """
    if by not in _BY:
        raise UsageError(f"--by cannot be '{printable(by)}'", f"it is one of {', '.join(_BY)}")
    if files.count("-") > 1:
        raise UsageError("standard input can be read only once", "leave out one '-'")
    from crdtctl.cli.outcomes import requests_of

    cases = (case for path in files for case in _cases(path))
    found = labelled(context, requests_of(cases, name, by, once))
    if len({one.name for one in found}) < len(found):
        raise UsageError("--label has a label that the results have", "use another key, or --by none")
    if found:
        commit(context, found)


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
