"""The common part of ``increment`` and ``decrement``, and the parser of NAME=AMOUNT."""

from __future__ import annotations

from crdtctl.cli.amounts import amount, is_amount
from crdtctl.cli.grammar import Option
from crdtctl.cli.labelling import labelled, of_lines
from crdtctl.cli.verb import commit, is_typed, skips_bad
from crdtctl.errors import UsageError, printable
from crdtctl.store.requests import count as count_request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from crdtctl.cli.batches import Batch
    from crdtctl.cli.context import Context
    from crdtctl.crdt.base import Verb
    from crdtctl.store.commit import Request

#: Form of a line of a batch → its contents.
FORMS = {
    "auto": "NAME, NAME AMOUNT or a JSON object",
    "names": "a NAME, even with digits at the end",
    "uniq": "COUNT NAME, the output of 'uniq -c'",
    "tsv": "NAME, or NAME, a tab and AMOUNT",
    "json": "a JSON object",
    "statsd": "NAME:AMOUNT|c, as statsd clients send it",
}
LINES = Option(
    "lines",
    metavar="FORM",
    help=f"Form of the lines of a batch or stream. {'; '.join(f'{form}: {text}' for form, text in FORMS.items())}.",
)

#: Possible first characters of the amount in NAME=AMOUNT, besides digits. "" is an empty amount.
_BEGINS_AN_AMOUNT = ("", *"+-., \t")
#: Maximum number of counters in a suggested command.
_SHOWN = 4


def count(
    context: Context,
    verb: Verb,
    words: Sequence[str],
    once: str | None,
    tag: str | None,
    batch: str | None,
    print_clock: bool,
    bad: str | None,
    *,
    also: bool,
    existing: bool,
) -> None:
    """Commit the requests of the words, or of the batch."""
    skip = skips_bad(context, bad, batch)
    form = form_of(context)
    found: Batch | None = None
    check_words(context, words, batch, f"crdtctl {verb} NAME [AMOUNT]")
    if batch is None:
        requests = labelled(context, counting(verb, words, tag))
    else:
        from crdtctl.cli.batches import batch as read_batch
        from crdtctl.cli.lines import count_line

        found = read_batch(batch, of_lines(context, count_line(verb, tag, form)), skip=skip)
        requests = found.requests()
    if context.values["at"] is not None:
        from crdtctl.cli.times import moment

        requests = at_time(requests, moment(context.values["at"], "--at"))
    if once is not None:
        from crdtctl.store.requests import under_key

        requests = under_key(requests, once)
    commit(
        context,
        requests,
        print_clock=print_clock,
        also=also,
        existing=existing,
        on_refused=found.on_refused(requests, once, skip=skip) if found else None,
    )
    if found:
        found.left_out.raise_if_any()


def at_time(requests: Sequence[Request], at: float) -> list[Request]:
    """Return requests to count at a time; those that have one keep it."""
    from crdtctl.records import replace
    from crdtctl.store.validation import checked_time

    when = checked_time(at)
    return [
        one if one.operation.at is not None else replace(one, operation=replace(one.operation, at=when))
        for one in requests
    ]


def check_words(context: Context, words: Sequence[str], batch: str | None, usage: str) -> None:
    """Raise `UsageError` unless the counters come from the words of the line or a batch. `usage` is an example."""
    if batch is not None and words:
        raise UsageError("with --batch, the counters come from the file", f"leave out '{printable(words[0])}'")
    if batch is None and is_typed(context, "lines"):
        raise UsageError("--lines works only with --batch, --stream or --follow", "add --batch FILE, or leave it out")
    if batch is None and not words:
        raise UsageError("the name of a counter is missing", usage)


def form_of(context: Context) -> str:
    """Return the form of the lines of a batch or stream; raise `UsageError` for an unknown one."""
    form = context.values["lines"]
    if form is not None and form not in FORMS:
        raise UsageError(f"--lines cannot be '{printable(form)}'", f"it is one of {', '.join(FORMS)}")
    return form or "auto"


def counting(verb: Verb, words: Sequence[str], tag: str | None) -> list[Request]:
    """Return the requests of ``NAME [AMOUNT]`` or ``NAME=AMOUNT …``; raise `UsageError` for another order of words."""
    if any("=" in _after_labels(word) for word in words):
        return [count_request(verb, name, number, tag=tag) for name, number in _assigned(verb, words)]
    if len(words) > 2:
        raise UsageError("too many words", f"to count several counters, write NAME=AMOUNT: {_as_pairs(verb, words)}")
    name, *rest = words
    if rest and not is_amount(rest[0]):
        from crdtctl.store.commit import typed

        if is_amount(name) and rest[0].strip():
            raise UsageError(
                f"'{printable(rest[0][:40])}' is not an amount", f"NAME comes first: {typed(verb, *rest, name)}"
            )
        if rest[0][:1].isalpha():
            raise UsageError(
                f"'{printable(rest[0][:40])}' is not an amount",
                f"to count several counters, write NAME=AMOUNT: {_as_pairs(verb, words)}",
            )
    return [count_request(verb, name, amount(rest[0]) if rest else 1, tag=tag)]


def _assigned(verb: Verb, words: Sequence[str]) -> list[tuple[str, int]]:
    """Return the names and amounts of words in the form ``NAME=AMOUNT``."""
    if any(word[:1] == "=" or (word[-1:] == "=" and len(words) > 1) for word in words):
        import re

        together = re.sub(r" *= *", "=", " ".join(words)).split(" ")
        if len(together) < len(words) and all(re.fullmatch(r"[^=]+=[0-9]+", word) for word in together):
            from crdtctl.store.commit import typed

            raise UsageError("spaces around '=' are not allowed", f"leave them out: {typed(verb, *together)}")
    found = []
    for word in words:
        name, equals, text = word.rpartition("=")
        if not equals or "=" not in _after_labels(word):
            if len(words) == 2 and is_amount(words[1]):
                from crdtctl.store.validation import wrong_name

                raise wrong_name(words[0])
            raise UsageError(
                f"'{printable(word[:80])}' is not NAME=AMOUNT",
                f"write all counters in that form: {_as_pairs(verb, words)}",
            )
        is_wrong = "{" not in name and ("=" in name or "}" in name)
        if is_wrong or not (text[:1].isdecimal() or text[:1] in _BEGINS_AN_AMOUNT):
            from crdtctl.store.validation import wrong_name

            raise wrong_name(word)
        if not text:
            raise UsageError(
                f"the amount of '{printable(name[:80])}' is empty", "is a variable unset, or did a command fail?"
            )
        found.append((name, amount(text)))
    return found


def _after_labels(word: str) -> str:
    """Return the part of a word behind the labels of its name; the word itself without labels."""
    if "{" not in word:
        return word
    from crdtctl.crdt.spelling import end_of_spelling

    end = end_of_spelling(word)
    return word[end:] if end > 0 else ""


def _as_pairs(verb: Verb, words: Sequence[str]) -> str:
    """Return the command that the words probably mean: names, some of them with an amount."""
    from crdtctl.store.commit import typed

    pairs: list[str] = []
    for word in words:
        if "=" in _after_labels(word):
            pairs.append(word)
        elif pairs and pairs[-1].endswith("=1") and is_amount(word) and pairs[-1] not in words:
            pairs[-1] = f"{pairs[-1][:-1]}{word.strip()}"
        else:
            pairs.append(f"{word}=1")
    return printable(typed(verb, *pairs[:_SHOWN]) + (" …" if len(pairs) > _SHOWN else ""))
