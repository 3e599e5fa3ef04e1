"""Labels of the counts of a command: those of --label, and those of CRDTCTL_LABELS for every write of a job.

On the line, --label wins over a label in the spelling of a NAME. In a batch or stream, a label of the line itself wins
over --label. CRDTCTL_LABELS yields to both, and does not apply to what is read.
"""

from __future__ import annotations

from crdtctl.cli.grammar import Option
from crdtctl.errors import UsageError, printable
from crdtctl.system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from crdtctl.cli.batches import Parse
    from crdtctl.cli.context import Context
    from crdtctl.crdt.series import Labels
    from crdtctl.store.commit import Request

#: The environment variable with labels for every write.
VARIABLE = "CRDTCTL_LABELS"
LABEL = Option(
    "label",
    "--label",
    "-l",
    metavar="KEY=VALUE",
    repeated=True,
    help="Count under this label, in addition to those of NAME and of CRDTCTL_LABELS. May be repeated.",
)


def named(context: Context, name: str) -> str:
    """Return the spelling of the counter that a NAME on the line means; raise `UsageError` for a wrong label."""
    typed, everywhere = _typed(context), _everywhere()
    if not typed and not everywhere:
        return name
    from crdtctl.crdt.series import split
    from crdtctl.store.validation import checked_name

    own = split(checked_name(name))[1]
    return checked_name(name, {**everywhere, **own, **typed})


def labelled(context: Context, requests: Iterable[Request]) -> list[Request]:
    """Return requests of words on the line, with their labels; raise `UsageError` for a wrong one."""
    typed, everywhere = _typed(context), _everywhere()
    if not typed and not everywhere:
        return [*requests]
    from crdtctl.store.requests import relabelled

    return [relabelled(one, everywhere, typed) for one in requests]


def of_lines(context: Context, parse: Parse) -> Parse:
    """Return the parser of a line which also gives it labels; raise `UsageError` for a wrong one."""
    common = {**_everywhere(), **_typed(context)}
    if not common:
        return parse
    from crdtctl.store.requests import relabelled

    def parse_labelled(line: str) -> Request | None:
        found = parse(line)
        return found and relabelled(found, common)

    return parse_labelled


def _typed(context: Context) -> Labels:
    """Return the labels of the options on the line."""
    words = context.values.get("label")
    if not words:
        return {}
    from crdtctl.crdt.spelling import typed_label

    labels: Labels = {}
    for word in words:
        try:
            key, value = typed_label(word)
        except ValueError as error:
            raise UsageError(f"--label '{printable(word[:80])}': {error}", "for example: --label os=linux") from None
        if key in labels:
            raise UsageError(f"--label: the label '{key}' is there twice", "leave one of both out")
        labels[key] = value
    return labels


def _everywhere() -> Labels:
    """Return the labels of the environment variable."""
    text = os.environ.get(VARIABLE)
    if not text:
        return {}
    from crdtctl.crdt.spelling import typed_labels

    try:
        return typed_labels(text)
    except ValueError as error:
        hint = f'for example: {VARIABLE}=os=linux,py=3.12; a value with commas is in double quotes: path="a,b"'
        raise UsageError(f"{VARIABLE}: {error}", hint) from None
