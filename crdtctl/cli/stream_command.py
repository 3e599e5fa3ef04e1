"""``increment``, ``decrement`` and ``add`` with ``--stream`` or ``--follow``: the words of the line → one stream."""

from __future__ import annotations

import os

from crdtctl.cli import output
from crdtctl.cli.batches import element_line
from crdtctl.cli.counting import form_of
from crdtctl.cli.followed_lines import FollowedLines
from crdtctl.cli.labelling import of_lines
from crdtctl.cli.lines import count_line
from crdtctl.cli.paths import given
from crdtctl.cli.piped_lines import PipedLines
from crdtctl.cli.streaming import stream
from crdtctl.cli.verb import checked_bad, session
from crdtctl.errors import RefusedError, UsageError, printable
from crdtctl.store.commit import Request
from crdtctl.store.followed import Position, others
from crdtctl.store.follower import Follower
from crdtctl.store.temporary import is_of_run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from crdtctl.cli.batches import Parse
    from crdtctl.cli.context import Context
    from crdtctl.cli.streaming import Opening
    from crdtctl.crdt.base import Verb
    from crdtctl.store.replica import Replica

#: Parameters that work on one commit, and the reason why a stream does not have them.
_OF_ONE_COMMIT = {
    "once": ("--once", "a key counts once; put 'once' into each line, with --lines json"),
    "batch": ("--batch", "a batch is one commit, and a stream many; leave one of both out"),
    "at": ("--at", "put 'at' into each line, with --lines json"),
    "print_clock": ("--print-clock", "leave it out; the stream prints how many lines are on disk"),
}


def run(context: Context, verb: Verb, words: Sequence[str], name: str = "", parse: Parse | None = None) -> int | None:
    """Count a stream of lines; those of ``add`` are elements of the set `name`. Return the exit status.

    With `parse`, the lines are of another form than those of ``increment``.
    """
    values = context.values
    for option, (shown, advice) in _OF_ONE_COMMIT.items():
        if values.get(option):
            if option == "at" and verb == "add":
                advice = "add a batch for each time"
            raise UsageError(f"{shown} does not work with a stream", advice)
    if verb == "add":
        parse = element_line(name, values["tag"])
    elif parse is None:
        parse = of_lines(context, count_line(verb, values["tag"], form_of(context)))
    skip = checked_bad(values["bad"]) == "skip"
    current = session(context)
    follow = values["follow"]
    if not follow:
        opening = _piped(words)
        if values["until_end"]:
            raise UsageError("--until-end works only with --follow", "leave it out: a stream ends with its input")
        replica = current.open() if values["existing"] else current.open_to_write()
    else:
        path = _path_to_follow(follow, words, is_stream=values["stream"])
        replica = current.open() if values["existing"] else current.open_to_write()
        opening = _followed(replica, path, f"{verb}:{name}" if name else verb, until_end=values["until_end"])
    return stream(
        replica,
        opening,
        _with_flags(parse, also=values["also"], existing=values["existing"]),
        every=values["every"],
        group=values["group"],
        skip=skip,
    )


def _path_to_follow(files: Sequence[str], words: Sequence[str], *, is_stream: bool) -> str:
    follow, *more = files
    if more:
        raise UsageError("one process follows one file", f"start another one for '{printable(more[0])}'")
    if is_stream:
        raise UsageError("--follow is a stream by itself", "leave out --stream")
    if words:
        raise UsageError("with --follow, the lines come from the file", f"leave out '{printable(words[0])}'")
    if follow == "-":
        raise UsageError("standard input cannot be followed", "use --stream")
    path = os.path.abspath(given(follow))
    if not path.isprintable():
        raise UsageError(f"{printable(path)} cannot be followed: its name is not printable", "use --stream")
    return path


def _followed(replica: Replica, path: str, verb: str, *, until_end: bool) -> Opening:
    if is_of_run(replica.path):
        raise RefusedError(
            "the replica of 'crdtctl run' begins without a position, so each run would count the file again",
            "follow it into a permanent replica, with --replica; for a file that this run makes: "
            "tail -F FILE | crdtctl increment --stream",
        )
    key = f"{verb}:{path}"
    since = os.stat(os.path.join(replica.path, "own.json")).st_mtime
    with replica.snapshot() as now:
        follows = now.follows
    position = Position.parse(follows[key]) if key in follows else None
    rest = others(follows, verb, path)
    return lambda signals: FollowedLines(
        Follower(path, position, since, output.print_message, rest), key, signals, until_end
    )


def _piped(words: Sequence[str]) -> Opening:
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
