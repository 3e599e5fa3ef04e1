"""``increment``, ``decrement`` and ``add`` with ``--stream`` or ``--follow``: the words of the line → one stream."""

from __future__ import annotations

from crdtctl.cli.batches import element_line
from crdtctl.cli.counting import form_of
from crdtctl.cli.lines import count_line
from crdtctl.cli.piped_lines import PipedLines
from crdtctl.cli.streaming import stream
from crdtctl.cli.verb import checked_bad, session
from crdtctl.errors import UsageError, printable
from crdtctl.store.commit import Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from crdtctl.cli.batches import Parse
    from crdtctl.cli.context import Context
    from crdtctl.cli.streaming import Opening
    from crdtctl.crdt.base import Verb

#: Parameters that work on one commit, and the reason why a stream does not have them.
_OF_ONE_COMMIT = {
    "once": ("--once", "a key counts once; put 'once' into each line, with --lines json"),
    "batch": ("--batch", "a batch is one commit, and a stream many; leave one of both out"),
    "print_clock": ("--print-clock", "leave it out; the stream prints how many lines are on disk"),
}


def run(context: Context, verb: Verb, words: Sequence[str], name: str = "") -> int | None:
    """Count a stream of lines; those of ``add`` are elements of the set `name`. Return the exit status."""
    values = context.values
    for option, (shown, advice) in _OF_ONE_COMMIT.items():
        if values.get(option):
            raise UsageError(f"{shown} does not work with a stream", advice)
    parse = element_line(name, values["tag"]) if verb == "add" else count_line(verb, values["tag"], form_of(context))
    skip = checked_bad(values["bad"]) == "skip"
    current = session(context)
    opening = _opening(words)
    replica = current.open() if values["existing"] else current.open_to_write()
    return stream(
        replica,
        opening,
        _with_flags(parse, also=values["also"], existing=values["existing"]),
        every=values["every"],
        group=values["group"],
        skip=skip,
    )


def _opening(words: Sequence[str]) -> Opening:
    if len(words) > 1:
        raise UsageError("--stream reads one FILE", f"leave out '{printable(words[1])}'; the counters are in the lines")
    path = words[0] if words else "-"
    return lambda signals: PipedLines(path, signals)


def _with_flags(parse: Parse, *, also: bool, existing: bool) -> Parse:
    if not (also or existing):
        return parse

    def flagged(line: str) -> Request | None:
        found = parse(line)
        return found and Request(found.name, found.operation, found.tag, also, existing)

    return flagged
