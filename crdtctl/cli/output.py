"""Data → text in several formats, and standard output, whose failures become exit statuses."""

from __future__ import annotations

import errno

from crdtctl import json_text
from crdtctl.cli.options import FORMATS, JOBS
from crdtctl.cli.workflow import escape_json, escape_line, is_command, is_job
from crdtctl.codec.layout import MAX_SAFE
from crdtctl.errors import CrdtctlError, ForkError, PartialError, StorageError, UnreportedError, UsageError, printable
from crdtctl.store import streams
from crdtctl.system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any, TypeAlias

    Item: TypeAlias = dict[str, Any]

SCHEMA = 1
#: Formats that show items whole, and not only the cells of rows.
STRUCTURED = ("json", "ndjson", "toml")
#: Maximum number of changed counters, or hand-offs, to print for people.
MAX_SHOWN = 20

#: Maximum number of rows of a table. Drawing costs time and memory for each row; longer reports are tab-separated.
_MAX_TABLE = 2000
_BUFFER = 2**16
#: Columns with texts of users, which are never shortened.
_WORDS_OF_USERS = frozenset({"name", "member", "file", "url", "object"})


#: Number of lines that are encoded at a time.
_TOGETHER = 256


class Output:
    """Standard output: buffered, and UTF-8 in every locale.

    A failure is kept until the end. The command continues to its own outcome, and `main` combines both to one status.
    """

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0
        #: The first failure; after it nothing more is written.
        self.failure: OSError | None = None
        #: Set once the command's change is on disk: a failure to report it has its own status.
        self.applied = False
        #: Set if lines may go to the log of a CI job, and no data format was asked for.
        self.is_log = False

    def write(self, data: bytes) -> None:
        """Write bytes."""
        if self.failure is None:
            self._pieces.append(data)
            self._size += len(data)
            if self._size >= _BUFFER:
                self.flush()

    def line(self, text: str) -> None:
        """Write a line."""
        if self.is_log:
            text = escape_line(text)
        self.write(text.encode("utf-8", "backslashreplace") + b"\n")

    def flush(self) -> None:
        """Write everything to the system."""
        data = b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        try:
            streams.write_all(1, data)
        except OSError as error:
            self.failure = error

    def verdict(self) -> CrdtctlError | None:
        """Return the error for a failed write. A closed pipe is an error only if an applied change went unreported."""
        if self.failure is None:
            return None
        closed = self.failure.errno == errno.EPIPE
        if self.applied:
            why = "standard output is closed" if closed else unwritable(self.failure).message
            return UnreportedError(f"the change was applied, but could not be reported: {why}")
        return None if closed else unwritable(self.failure)


stdout = Output()


def as_unreported(error: CrdtctlError | None) -> CrdtctlError | None:
    """Return the failure to end with. A failure after the change was on disk is a failure of the report."""
    if error is None or not stdout.applied or isinstance(error, UnreportedError | PartialError | ForkError):
        return error
    return UnreportedError(f"the change was applied, but could not be reported: {error.message}")


def unwritable(error: OSError) -> StorageError:
    """Return the failure for a standard output that cannot be written."""
    return StorageError(f"cannot write standard output: {os.strerror(error.errno or 0)}")


class Settings:
    """Options of the command line about output."""

    def __init__(
        self, *, quiet: bool = False, verbose: bool = False, header: bool | None = None, full: bool = False
    ) -> None:
        self.quiet = quiet
        self.verbose = verbose
        self.header = header
        self.full = full


settings = Settings()


def is_terminal() -> bool:
    """Return whether standard output is a terminal."""
    return os.isatty(1)


def has_colour() -> bool:
    """Return whether standard output is a terminal that shows colours, and the user wants them."""
    return is_terminal() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def width_of(fd: int) -> int:
    """Return the width to write: COLUMNS, or the width of the terminal, or 80."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isascii() and columns.isdigit() and len(columns) < 6 and int(columns):
        return max(int(columns), 20)
    try:
        return max(os.get_terminal_size(fd).columns or 80, 20)
    except OSError:
        return 80


def is_talkative() -> bool:
    """Return whether changes are printed in words: on a terminal, or with --verbose."""
    return settings.verbose or (is_terminal() and not settings.quiet)


def print_message(text: object) -> None:
    """Print one line to standard error. If that fails, it cannot be reported."""
    line = f"{escape_line(f'crdtctl: {printable(str(text))}')}\n".encode("utf-8", "backslashreplace")
    try:
        streams.write_all(2, line)
    except OSError:
        pass


def print_changes(changes: Sequence[tuple[str, int | None, int | None]], total: int) -> None:
    """Print a line for each changed counter, at most `MAX_SHOWN` of the `total`."""
    for name, before, after in changes[:MAX_SHOWN]:
        stdout.line(f"{name} {'' if before is None else f'{before} '}→ {'forgotten' if after is None else after}")
    if total > MAX_SHOWN:
        stdout.line(f"and {total - MAX_SHOWN} more")


def print_handoffs(handoffs: Sequence[tuple[str, int, str]]) -> None:
    """Print a line for each hand-off, at most `MAX_SHOWN`: name, completed step of four, peer."""
    for name, step, peer in handoffs[:MAX_SHOWN]:
        stdout.line(f"{name}: hand-off {step} of 4 with {peer}")
    if len(handoffs) > MAX_SHOWN:
        stdout.line(f"and {len(handoffs) - MAX_SHOWN} more hand-offs")


def json_int(number: int | None) -> int | str | None:
    """Return a whole number for JSON: as a string of digits if JSON readers would round it."""
    return str(number) if number is not None and abs(number) > MAX_SAFE else number


def print_error(error: CrdtctlError, *, as_json: bool) -> None:
    """Print a failure to standard error, as one line or as one JSON object."""
    if not as_json:
        print_message(str(error))
        return
    import json

    tree = {
        "schema": SCHEMA,
        "error": error.name,
        "exit": error.status,
        "message": printable(error.message),
        "hint": printable(error.hint),
    }
    try:
        streams.write_all(
            2,
            escape_json(json.dumps(tree, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace"))
            + b"\n",
        )
    except OSError:
        pass


class Report:
    """Data to print: items for JSON, and rows of columns for every other format.

    In JSON, the items are under `key`, after the fields of `head`. `value` is the index of the column that the format
    ``value`` prints. `ids` returns the ids among which a shortened id must be unique. `words` are further columns with
    texts of users, which are never shortened.
    """

    def __init__(
        self,
        key: str,
        columns: Sequence[str],
        items: Iterable[Item],
        rows: Callable[[Item], Iterable[Sequence[object]]],
        *,
        value: int = -1,
        head: Item | None = None,
        ids: Callable[[], Iterable[str]] = tuple,
        words: Iterable[str] = (),
    ) -> None:
        self.key = key
        self.columns = columns
        self.items = items
        self.rows = rows
        self.value = value
        self.head = head or {}
        self.ids = ids
        self.words = _WORDS_OF_USERS.union(words)
        #: Whether the values are within bounds, None without bounds.
        self.is_good: bool | None = None


def resolve_format(given: str | None, *, default: str | None = None, allowed: Sequence[str] = FORMATS) -> str:
    """Return the format to use; raise `UsageError` for an unknown one."""
    if given is None:
        stdout.is_log = is_job()
        return default or ("table" if is_terminal() else "tsv")
    if given not in allowed:
        from crdtctl.suggestions import did_you_mean

        hint = did_you_mean(given, allowed) or f"formats are {', '.join(allowed)}"
        raise UsageError(f"unknown format '{printable(given)}'", hint)
    return given


def print_report(report: Report, form: str) -> None:
    """Print a report to standard output."""
    match form:
        case "json":
            _json(report)
        case "ndjson":
            for item in _items(report):
                stdout.write(_encode(item) + b"\n")
        case "toml":
            _toml(report)
        case "value":
            for row in _rows(report):
                stdout.line(_cell(row[report.value]))
        case "tsv":
            if settings.header:
                stdout.line("\t".join(report.columns))
            _lines("\t".join(map(_cell, row)) for row in _rows(report))
        case "csv":
            _csv(report)
        case _ if form in JOBS:
            from crdtctl.cli import job_formats

            job_formats.print_report(report, _rows(report), form)
        case _:
            _table(report)


def _lines(lines: Iterable[str]) -> None:
    """Print lines, many at a time."""
    some: list[str] = []
    for line in lines:
        some.append(escape_line(line) if stdout.is_log else line)
        if len(some) >= _TOGETHER:
            stdout.write("\n".join([*some, ""]).encode("utf-8", "backslashreplace"))
            some.clear()
    if some:
        stdout.write("\n".join([*some, ""]).encode("utf-8", "backslashreplace"))


def _rows(report: Report) -> Iterator[Sequence[object]]:
    for item in _items(report):
        yield from report.rows(item)


def _items(report: Report) -> Iterator[Item]:
    for item in report.items:
        if stdout.failure is not None:
            return
        yield item


def _cell(value: object) -> str:
    return "" if value is None else str(value)


def _encode(item: Item) -> bytes:
    return escape_json(json_text.encode(item))


def _json(report: Report) -> None:
    head = _encode({"schema": SCHEMA, **report.head, report.key: []})
    stdout.write(head[:-2])
    separator = b"\n"
    for item in _items(report):
        stdout.write(separator + _encode(item))
        separator = b",\n"
    stdout.write(b"]}\n" if separator == b"\n" else b"\n]}\n")


def _toml(report: Report) -> None:
    import tomli_w

    tree = _without_none({"schema": SCHEMA, **report.head, report.key: list(report.items)})
    stdout.write(escape_json(tomli_w.dumps(tree).encode()))


def _without_none(tree: Any) -> Any:
    """Return a tree without None, which TOML cannot express."""
    if isinstance(tree, dict):
        return {key: _without_none(value) for key, value in tree.items() if value is not None}
    return [_without_none(one) for one in tree] if isinstance(tree, list) else tree


def _csv(report: Report) -> None:
    import csv
    import io

    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    quoting = csv.writer(buffer, lineterminator="\n", quoting=csv.QUOTE_ALL)
    if settings.header is not False:
        writer.writerow(report.columns)
    for row in _rows(report):
        cells = [_cell(cell) for cell in row]
        (quoting if is_command(cells[0]) else writer).writerow(cells)
        if buffer.tell() > _BUFFER:
            stdout.write(buffer.getvalue().encode())
            buffer.seek(0)
            buffer.truncate()
    stdout.write(buffer.getvalue().encode())


def _table(report: Report) -> None:
    stdout.is_log = is_job()  # a table is for people, even with --format; a folded cell may begin a line
    rows = iter(_rows(report))
    first = [row for row, _ in zip(rows, range(_MAX_TABLE), strict=False)]
    rest = next(rows, None)
    header = settings.header is not False
    if rest is not None:
        if header:
            stdout.line("\t".join(report.columns))
        for row in (*first, rest, *rows):
            stdout.line("\t".join(map(_cell, row)))
        return
    from crdtctl.cli.tables import draw

    if is_terminal() and not settings.full:
        first = [*_short(report, first)]
    for line in draw(report.columns, first, width_of(1), colour=has_colour(), header=header):
        stdout.line(line)


def _short(report: Report, rows: Sequence[Sequence[object]]) -> Iterator[Sequence[object]]:
    """Yield rows with short ids and ages, except in columns with texts of users."""
    from crdtctl.cli.short import short_ids, shortened

    is_short = [column not in report.words for column in report.columns]
    said = [cell for row in rows for cell, may in zip(row, is_short, strict=True) if may and isinstance(cell, str)]
    ids = short_ids([*said, *report.ids()])
    for row in rows:
        yield [
            shortened(cell, ids) if may and isinstance(cell, str) else cell
            for cell, may in zip(row, is_short, strict=True)
        ]
