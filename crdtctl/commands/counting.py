"""What ``increment`` and ``decrement`` share."""

from collections.abc import Sequence

import typer

from crdtctl.commands import arguments, main, output
from crdtctl.commands.verb import session
from crdtctl.crdt.base import Verb
from crdtctl.errors import UsageError
from crdtctl.store.commit import Change, Request


def count(
    context: typer.Context, verb: Verb, words: Sequence[str], once: str | None, tag: str | None, batch: str | None
) -> None:
    """Commit what the words, or the batch, ask for."""
    if batch is None:
        if not words:
            raise UsageError("there is no counter's name", f"see 'crdtctl {verb} --help'")
        requests = arguments.counting(verb, words, once, tag)
    else:
        if words:
            raise UsageError("a batch names its counters itself", f"leave out '{output.printable(words[0])}'")
        requests = arguments.batch(batch, arguments.count_line(verb, once, tag), arguments.repeat_count)
    commit(context, requests)


def commit(context: typer.Context, requests: Sequence[Request]) -> None:
    """Commit; on a terminal, say what changed."""
    talks = output.is_terminal()
    done = session(context).open_to_write().commit(requests, details=talks)
    main.applied = done.seq is not None
    if talks:
        tell(done.changes, limit=20)


def tell(changes: Sequence[Change], limit: int) -> None:
    """Write a line for each change, up to a limit."""
    for change in changes[:limit]:
        before = "" if change.before is None else f"{change.before} "
        output.stdout.line(f"{change.name} {before}→ {change.after}")
    if len(changes) > limit:
        output.stdout.line(f"and {len(changes) - limit} more")
