"""Words and lines of ``observe`` → requests: readings of meters."""

from __future__ import annotations

from crdtctl.cli.amounts import amount
from crdtctl.cli.grammar import Option
from crdtctl.errors import MissingError, UsageError, printable
from crdtctl.store import requests

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from crdtctl.cli.batches import Batch, Parse
    from crdtctl.cli.context import Context
    from crdtctl.store.commit import Request

#: Form of a line of a batch → its contents.
FORMS = {
    "auto": "NAME TOTAL [SOURCE], or a JSON object",
    "tsv": "NAME, a tab, TOTAL, and perhaps a tab and SOURCE",
    "json": "a JSON object",
}
LINES = Option(
    "lines",
    metavar="FORM",
    help=f"Form of the lines of a batch or stream. {'; '.join(f'{form}: {text}' for form, text in FORMS.items())}.",
)
SOURCE = Option(
    "source",
    metavar="ID",
    help="The meter: its readings count once, whoever reads it. A line of a batch may name another one.",
)
ON_DROP = Option(
    "on_drop",
    metavar="refuse|restart|ignore",
    help="A reading that falls: refuse it (default, status 4), count it as a restart of the source, or ignore it.",
)
_TEXTS = {"name", "source", "type"}
_FIELDS = {*_TEXTS, "total", "labels", "at"}
_NO_SOURCE = "a reading needs a source, the meter that was read"
_NAME_ONE = 'add --source ID; for a meter of this machine: --source "$(hostname)"'


class Defaults:
    """The properties of readings that their lines leave out."""

    def __init__(self, source: str | None, on_drop: str | None, tag: str | None, at: float | None = None) -> None:
        self.source = source
        self.at = at
        self.on_drop = on_drop or "refuse"
        self.tag = tag

    def request(
        self,
        name: str,
        total: int,
        source: str | None = None,
        tag: str | None = None,
        labels: Mapping[str, str] | None = None,
        at: float | None = None,
    ) -> Request:
        """Return the request for a reading; raise `UsageError`."""
        if source is None:
            source = self.source
        if source is None:
            raise UsageError(_NO_SOURCE, _NAME_ONE)
        return requests.observe(
            name,
            total,
            source=source,
            on_drop=self.on_drop,
            at=self.at if at is None else at,
            tag=self.tag if tag is None else tag,
            labels=labels,
        )


def of_words(words: Sequence[str], default: Defaults) -> list[Request]:
    """Return the requests of ``NAME TOTAL`` or ``NAME=TOTAL …``; raise `UsageError` for another order of words."""
    from crdtctl.cli.amounts import is_amount
    from crdtctl.cli.counting import counting
    from crdtctl.crdt.spelling import end_of_spelling

    if not any("=" in word[max(end_of_spelling(word), 0) :] for word in words):
        if len(words) == 1:
            raise UsageError("the reading is missing", "crdtctl observe NAME TOTAL --source ID")
        if len(words) > 2:
            raise UsageError(
                "too many words", "to read several meters of one source, write NAME=TOTAL for each counter"
            )
        if not is_amount(words[0]):
            amount(words[1])  # raises with the reason, unless it is one
    return [default.request(one.name, one.operation.amount) for one in counting("observe", words, None)]


def observed_line(default: Defaults, form: str) -> Parse:
    """Return the parser of a line in one of the `FORMS`; it raises `UsageError`."""

    def tsv(line: str) -> Request:
        name, *rest = line.split("\t")
        if len(rest) not in (1, 2):
            raise UsageError("not NAME, a tab and TOTAL")
        return default.request(name, amount(rest[0]), rest[1] if len(rest) == 2 else None)

    def from_json(line: str) -> Request:
        from crdtctl.cli.lines import json_object, line_time

        tree = json_object(line, _FIELDS, _TEXTS)
        for field in ("name", "total"):
            if field not in tree:
                raise UsageError(f"the field '{field}' is missing")
        total = tree["total"]
        total = amount(total) if isinstance(total, str) else total
        when = line_time(tree["at"]) if "at" in tree else None
        return default.request(tree["name"], total, tree.get("source"), tree.get("type"), tree.get("labels"), when)

    def auto(line: str) -> Request:
        if line.startswith("{"):
            return from_json(line)
        if "\t" in line:
            return tsv(line)
        end = _end_of_name(line)
        total, _, source = line[end:].strip(" ").partition(" ")
        if not total:
            raise UsageError("the reading is missing: write NAME TOTAL [SOURCE]")
        return default.request(line[:end], amount(total), source.strip(" ") or None)

    return {"auto": auto, "tsv": tsv, "json": from_json}[form]


def _end_of_name(line: str) -> int:
    """Return the end of the name on a line: of its labels, or of its first word."""
    if "{" in line:
        from crdtctl.crdt.spelling import end_of_spelling

        end = end_of_spelling(line)
        if end > 0:
            return end
    end = line.find(" ")
    return len(line) if end < 0 else end


def of_batch(
    context: Context, path: str, default: Defaults, form: str, *, skip: bool = False, also: bool = False
) -> Batch:
    """Return the requests for the lines of a file, but not for those whose readings change nothing."""
    from crdtctl.cli.batches import ordered_batch
    from crdtctl.cli.labelling import of_lines

    parse = observed_line(default, form)
    labelled = of_lines(context, parse)
    is_simple = labelled is parse and form != "json" and not also and default.at is None
    return ordered_batch(path, labelled, _unchanged(context, default) if is_simple else _never, skip=skip)


def _never(_: object) -> bool:
    return False


def _unchanged(context: Context, default: Defaults) -> Callable[[bytes], bool]:
    """Return a function that finds lines whose readings change nothing."""
    from crdtctl.cli.verb import session
    from crdtctl.store.standing import Unchanged, standing
    from crdtctl.store.validation import checked_on_drop

    try:
        replica = session(context).open(_never)
    except MissingError:  # the replica does not exist yet
        return _never
    with replica.snapshot() as now:
        return Unchanged(standing(now, checked_on_drop(default.on_drop), default.tag), default.source)


def checked_form(form: str | None) -> str:
    """Return the form of the lines; raise `UsageError` for an unknown one."""
    if form is not None and form not in FORMS:
        raise UsageError(f"--lines cannot be '{printable(form)}'", f"it is one of {', '.join(FORMS)}")
    return form or "auto"


def checked_on_drop(on_drop: str | None) -> str | None:
    """Return the value of --on-drop; raise `UsageError` for an unknown one."""
    from crdtctl.crdt import readings

    if on_drop is not None and on_drop not in readings.ON_DROP:
        raise UsageError(f"--on-drop cannot be '{printable(on_drop)}'", "it is refuse, restart or ignore")
    return on_drop
