"""What ``increment`` and ``decrement`` share, and what counts like them."""

from collections.abc import Sequence

import typer

from crdtctl.commands.amounts import amount
from crdtctl.commands.batches import batch as read_batch
from crdtctl.commands.batches import count_line, repeat_count
from crdtctl.commands.verb import commit
from crdtctl.crdt.base import Verb
from crdtctl.errors import UsageError, printable
from crdtctl.store.commit import Request
from crdtctl.store.replica import request, under_key


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
        requests = counting(verb, words, tag)
    else:
        if words:
            raise UsageError("a batch names its counters itself", f"leave out '{printable(words[0])}'")
        requests = read_batch(batch, count_line(verb, tag), repeat_count)
    commit(context, requests if once is None else under_key(requests, once), print_clock=print_clock)


def counting(verb: Verb, words: Sequence[str], tag: str | None) -> list[Request]:
    """Return what ``NAME [AMOUNT]`` or ``NAME=AMOUNT …`` asks for."""
    if any("=" in word for word in words):
        requests = []
        for word in words:
            name, equals, text = word.rpartition("=")
            if not equals:
                raise UsageError(f"'{printable(word[:80])}' is not NAME=AMOUNT", "write all of them as NAME=AMOUNT")
            requests.append(request(verb, name, amount(text), tag=tag))
        return requests
    if len(words) > 2:
        raise UsageError("too many words", f"write several counters as NAME=AMOUNT: crdtctl {verb} a=2 b=1")
    return [request(verb, words[0], amount(words[1]) if len(words) == 2 else 1, tag=tag)]
