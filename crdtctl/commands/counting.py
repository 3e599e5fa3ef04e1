"""What ``increment`` and ``decrement`` share."""

from collections.abc import Sequence

import typer

from crdtctl.commands import arguments
from crdtctl.commands.verb import commit
from crdtctl.crdt.base import Verb
from crdtctl.errors import UsageError, printable


def count(
    context: typer.Context,
    verb: Verb,
    words: Sequence[str],
    once: str | None,
    tag: str | None,
    batch: str | None,
    print_clock: bool,
) -> None:
    """Commit what the words, or the batch, ask for."""
    if batch is None:
        if not words:
            raise UsageError("there is no counter's name", f"see 'crdtctl {verb} --help'")
        requests = arguments.counting(verb, words, tag)
    else:
        if words:
            raise UsageError("a batch names its counters itself", f"leave out '{printable(words[0])}'")
        requests = arguments.batch(batch, arguments.count_line(verb, tag), arguments.repeat_count)
    commit(context, requests if once is None else arguments.under_key(requests, once), print_clock=print_clock)
