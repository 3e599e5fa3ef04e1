"""Reports in the formats that CI systems show: tables of Markdown, variables of steps, and badges."""

from __future__ import annotations

from crdtctl.cli import output
from crdtctl.cli.workflow import escape_json
from crdtctl.errors import UsageError
from crdtctl.system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

#: Maximum size of the summary of one step on GitHub in bytes.
_MAX_SUMMARY = 2**20
_LEFT_OUT = "{} more rows are left out: the summary of a step is at most 1 MiB."
#: A column that is not part of the name of a figure.
_TYPE = "type"


def print_report(report: output.Report, rows: Iterable[Sequence[object]], form: str) -> None:
    """Print the rows of a report in one of the formats `crdtctl.cli.options.JOBS`.

    Raise `UsageError` for a badge of several values, `RefusedError` for more than a CI system reads, and `PartialError`
    after printing, if names clash.
    """
    match form:
        case "markdown" | "github-summary":
            from crdtctl.cli import markdown

            lines = markdown.table(report.columns, rows, report.words)
            if form == "github-summary":
                lines = markdown.limited(lines, _MAX_SUMMARY - _summary_size(), _LEFT_OUT)
            _print(lines)
        case "badge" | "badge-svg":
            _print_badge(report, rows, form)
        case _:
            from crdtctl.cli import step_outputs

            found, clashing = step_outputs.variables(_figures(report, rows))
            if form == "dotenv":
                _print(step_outputs.dotenv(found))
            else:
                _print(step_outputs.github(found, f"end_{os.urandom(16).hex()}"))
            if clashing:
                raise step_outputs.left_out(clashing)


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        output.stdout.line(line)


def _print_badge(report: output.Report, rows: Iterable[Sequence[object]], form: str) -> None:
    from itertools import islice

    from crdtctl.cli import badges

    found = [*islice(_figures(report, rows), 2)]
    if len(found) != 1:
        raise UsageError(
            f"a badge shows one value, and {'several are' if found else 'none is'} selected", "name one counter"
        )
    badge = badges.Badge(*found[0], report.is_good)
    if form == "badge":
        from crdtctl import json_text

        output.stdout.write(escape_json(json_text.encode(badges.endpoint(badge))) + b"\n")
    else:
        output.stdout.write(badges.svg(badge).encode("utf-8", "backslashreplace"))


def _figures(report: output.Report, rows: Iterable[Sequence[object]]) -> Iterator[tuple[str, str]]:
    """Yield the text of each figure, made of the other cells of its row, and its value."""
    value = report.value % len(report.columns)
    parts = [at for at, column in enumerate(report.columns) if at != value and column != _TYPE]
    for row in rows:
        if row[value] is not None:  # a quantile of no numbers
            yield " ".join([str(row[at]) for at in parts if row[at] not in (None, "")]), str(row[value])


def _summary_size() -> int:
    """Return the size of the summary that this step has written so far."""
    try:
        return os.stat(os.environ.get("GITHUB_STEP_SUMMARY", "")).st_size
    except OSError:
        return 0
