"""Data → words: formats, and standard output, whose failures become exit statuses."""

import errno
import io
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from crdtctl.cli.workflow import defused, is_command, is_job, respelt
from crdtctl.codec.layout import MAX_SAFE
from crdtctl.errors import CrdtctlError, ForkError, PartialError, StorageError, UnreportedError, UsageError, printable
from crdtctl.store import streams
from crdtctl.suggestions import did_you_mean

FORMATS = ("table", "value", "json", "ndjson", "csv", "tsv", "toml")
SCHEMA = 1
#: How many changed counters are told to a person.
TOLD = 20

#: Drawing a table takes its time and memory by the row; more rows than this come tab-separated.
_MAX_TABLE = 2000
_BUFFER = 2**16
#: Columns that are shown as they are, since they are not of this program's making.
_WORDS_OF_USERS = frozenset({"name", "member", "file", "url", "object"})

Item = dict[str, Any]


class Output:
    """Standard output: buffered, UTF-8 whatever the locale.

    A failure is kept until the end: the command goes on to its verdict, and `main` makes a status of both.
    """

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0
        #: What went wrong, if anything did: nothing is written any more.
        self.failure: OSError | None = None
        #: Set once what the command does is on disk: not to be able to say so has its own status.
        self.applied = False
        #: Set where lines may go to the log of a job, and nobody asked for data in a format.
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
            text = defused(text)
        self.write(text.encode("utf-8", "backslashreplace") + b"\n")

    def flush(self) -> None:
        """Hand everything to the system."""
        data = b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        try:
            streams.write_all(1, data)
        except OSError as error:
            self.failure = error

    def verdict(self) -> CrdtctlError | None:
        """Return the failure that what went wrong amounts to. A reader who left is none, unless news are lost."""
        if self.failure is None:
            return None
        closed = self.failure.errno == errno.EPIPE
        if self.applied:
            why = "nobody reads standard output" if closed else unwritable(self.failure).message
            return UnreportedError(f"the change was applied, but it could not be reported: {why}")
        return None if closed else unwritable(self.failure)


stdout = Output()


def told(error: CrdtctlError | None) -> CrdtctlError | None:
    """Return the failure to end with: what went wrong once the change was on disk went wrong with the report."""
    if error is None or not stdout.applied or isinstance(error, UnreportedError | PartialError | ForkError):
        return error
    return UnreportedError(f"the change was applied, but it could not be reported: {error.message}")


def unwritable(error: OSError) -> StorageError:
    """Return the failure that stands for a standard output that cannot be written."""
    return StorageError(f"cannot write standard output: {os.strerror(error.errno or 0)}")


@dataclass(slots=True)
class Settings:
    """How the command line wants its output."""

    quiet: bool = False
    verbose: bool = False
    header: bool | None = None
    full: bool = False


settings = Settings()


def is_terminal() -> bool:
    """Return whether standard output is a terminal."""
    return os.isatty(1)


def has_colour() -> bool:
    """Return whether standard output is a terminal that shows colours, and the user wants them."""
    return is_terminal() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def is_talkative() -> bool:
    """Return whether words about what changed are wanted: on a terminal, or where --verbose asks for them."""
    return settings.verbose or (is_terminal() and not settings.quiet)


def say(text: object) -> None:
    """Write one line of message to standard error; if that fails, there is nobody to tell."""
    line = f"{defused(f'crdtctl: {printable(str(text))}')}\n".encode("utf-8", "backslashreplace")
    try:
        streams.write_all(2, line)
    except OSError:
        pass


def tell(changes: Sequence[tuple[str, int | None, int | None]], total: int) -> None:
    """Write a line for each changed counter, up to `TOLD` of the `total`."""
    for name, before, after in changes[:TOLD]:
        stdout.line(f"{name} {'' if before is None else f'{before} '}→ {after}")
    if total > TOLD:
        stdout.line(f"and {total - TOLD} more")


def tell_handoffs(handoffs: Sequence[tuple[str, int, str]]) -> None:
    """Write a line for each hand-off, up to `TOLD`: name, which of its four steps is done, with whom."""
    for name, step, peer in handoffs[:TOLD]:
        stdout.line(f"{name}: hand-off {step} of 4 with {peer}")
    if len(handoffs) > TOLD:
        stdout.line(f"and {len(handoffs) - TOLD} more hand-offs")


def safe(number: int | None) -> int | str | None:
    """Return a whole number as JSON readers keep it: as a string of digits where they would round it."""
    return str(number) if number is not None and abs(number) > MAX_SAFE else number


def say_error(error: CrdtctlError, *, as_json: bool) -> None:
    """Report a failure on standard error: one line, or one JSON object."""
    if not as_json:
        say(str(error))
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
            respelt(json.dumps(tree, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace"))
            + b"\n",
        )
    except OSError:
        pass


@dataclass(frozen=True, slots=True)
class Report:
    """Data to show: items for JSON, and rows of columns for everything else.

    `head` stands before the items in JSON, which are under `key`; `value` is the one column that the
    format ``value`` prints.
    """

    key: str
    columns: Sequence[str]
    items: Iterable[Item]
    rows: Callable[[Item], Iterable[Sequence[object]]]
    value: int = -1
    head: Item = field(default_factory=dict)
    #: Returns the ids among which a short one must be unique.
    ids: Callable[[], Iterable[str]] = tuple


def choose(given: str | None, *, default: str | None = None, allowed: Sequence[str] = FORMATS) -> str:
    """Return the format to use; raise `UsageError` for one that there is not."""
    if given is None:
        stdout.is_log = is_job()
        return default or ("table" if is_terminal() else "tsv")
    if given not in allowed:
        hint = did_you_mean(given, allowed) or f"formats are {', '.join(allowed)}"
        raise UsageError(f"there is no format '{printable(given)}' here", hint)
    return given


def show(report: Report, form: str) -> None:
    """Write a report to standard output."""
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
            for row in _rows(report):
                stdout.line("\t".join(map(_cell, row)))
        case "csv":
            _csv(report)
        case _:
            _table(report)


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
    import msgspec

    return respelt(msgspec.json.encode(item))


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
    stdout.write(respelt(tomli_w.dumps(tree).encode()))


def _without_none(tree: Any) -> Any:
    """Return a tree without what there is no word for in TOML."""
    if isinstance(tree, dict):
        return {key: _without_none(value) for key, value in tree.items() if value is not None}
    return [_without_none(one) for one in tree] if isinstance(tree, list) else tree


def _csv(report: Report) -> None:
    import csv

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
    stdout.is_log = is_job()  # a cell that is folded may begin lines anywhere; and this is for people, asked for or not
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
    from crdtctl.cli.tables import draw, width_of

    if is_terminal() and not settings.full:
        first = [*_short(report, first)]
    for line in draw(report.columns, first, width_of(1), colour=has_colour(), header=header):
        stdout.line(line)


def _short(report: Report, rows: Sequence[Sequence[object]]) -> Iterator[Sequence[object]]:
    """Yield rows with short ids and ages, where a column holds words of this program or ids."""
    from crdtctl.cli.short import short_ids, shortened

    is_short = [column not in _WORDS_OF_USERS for column in report.columns]
    said = [cell for row in rows for cell, may in zip(row, is_short, strict=True) if may and isinstance(cell, str)]
    ids = short_ids([*said, *report.ids()])
    for row in rows:
        yield [
            shortened(cell, ids) if may and isinstance(cell, str) else cell
            for cell, may in zip(row, is_short, strict=True)
        ]
