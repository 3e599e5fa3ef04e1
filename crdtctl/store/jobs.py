"""Attempts of jobs in a replica's files. Readers leave out the attempts that do not count."""

from __future__ import annotations

from crdtctl.codec.lines import decode_own_line, encode_line
from crdtctl.codec.reader import NO_NAMES
from crdtctl.crdt import LOCALLY_MERGED, TYPES
from crdtctl.crdt.attempts import ATTEMPTS, NAME, Attempt, beginning, jobs, own_attempt
from crdtctl.crdt.base import MAX_DIGITS, TOO_LARGE
from crdtctl.crdt.names import RENAMES_LINE, key_fault
from crdtctl.errors import RefusedError, UsageError
from crdtctl.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from crdtctl.codec.reader import Source
    from crdtctl.crdt.attempts import Jobs
    from crdtctl.crdt.base import Entries, Entry
    from crdtctl.crdt.counter import Counter
    from crdtctl.store.own_file import OwnFile


class LateAttempt(Record):
    """An attempt of a job that does not count, because it arrived after an earlier one was absorbed."""

    replica: str
    attempt: Attempt
    absorbed: int

    def __str__(self) -> str:
        key, number = self.attempt.key, self.attempt.number
        return (
            f"attempt {number} of job '{key}', by {self.replica}, does not count: "
            f"attempt {self.absorbed} was absorbed before it arrived"
        )


def attempts_in(source: Source) -> Entries:
    """Return the entries of attempts of jobs in one file."""
    return source.counter(NAME).get(ATTEMPTS.tag, {})


def attempts_of(own: Source, known: Source | None) -> Entries:
    """Return the entries of attempts of jobs in a replica's two files."""
    mine = attempts_in(own)
    return ATTEMPTS.join_all(mine, attempts_in(known)) if known else mine


def hide_left_out(mine: Source, known: Source | None, *, own: bool = True) -> None:
    """Leave attempts that do not count out of the files while they are read; out of ``own.json`` only with `own`."""
    gone = dict.fromkeys(jobs(attempts_of(mine, known)).left_out, ())
    for source in (mine, known) if own else (known,):
        if gone and source:
            source.names = {**source.names, **gone}


def late(before: Jobs, after: Jobs) -> list[LateAttempt]:
    """Return the attempts that are too late `after` a merge, and were not `before`."""
    fresh = sorted(after.late - before.late)
    return [LateAttempt(who, after.attempts[who], after.absorbed[after.attempts[who].key]) for who in fresh]


class AttemptReading(Record):
    """The `value` of a counter that one attempt of a job counted, and whether the attempt `counts`."""

    name: str
    tag: str
    attempt: Attempt
    value: int
    counts: bool


def attempt_readings(own: Source, known: Source | None, name: str | None) -> Iterator[AttemptReading]:
    """Yield the values that attempts counted, of all counters or one, by counter, type, job and number."""
    from crdtctl.crdt.several_names import replica_of

    found = jobs(attempts_of(own, known))
    if not found.attempts:
        return
    for called, counter in _counters(own, known):
        if name not in (None, called):
            continue
        for tag in sorted(counter):
            parts: dict[Attempt, dict[str, Entry]] = {}
            for author, row in counter[tag].items():
                replica = replica_of(author)
                if replica in found.attempts:
                    parts.setdefault(found.attempts[replica], {})[author] = row
            for attempt in sorted(parts, key=lambda one: (one.key, one.number)):
                counts = attempt.number == found.counting(attempt.key)
                yield AttemptReading(called, tag, attempt, TYPES[tag].value(parts[attempt]), counts)


def _counters(own: Source, known: Source | None) -> Iterator[tuple[str, Counter]]:
    """Yield all counters under the names that they have after renames."""
    from crdtctl.codec.merge_join import merge_join

    sources = [one for one in (own, known) if one is not None]
    if any(one.has(RENAMES_LINE) for one in sources):
        from crdtctl.store.renamed import RenamedCounters

        yield from RenamedCounters(sources).counters()
        return
    for joined in merge_join(known, [own]):
        if joined.after is not None and joined.name not in NO_NAMES:
            yield decode_own_line(joined.after)


def beginning_line(own: OwnFile, key: str, number: int) -> dict[str, bytes]:
    """Return the line of the first commit of a replica, which makes it an attempt of a job."""
    fault = key_fault(key)
    if fault is not None:
        raise UsageError(fault.replace("an idempotency key", "the key of a job"))
    if type(number) is not int or not 1 <= number < TOO_LARGE:
        raise UsageError(f"an attempt is a whole number from 1, of at most {MAX_DIGITS} digits")
    if own.seq:
        raise RefusedError("this replica has counted already", "a replica is an attempt of a job from its beginning")
    row = beginning(1, Attempt(key, number))
    return {NAME: encode_line(NAME, {ATTEMPTS.tag: {own.id: row}})}


def again(own: Source, replica: str) -> list[bytes]:
    """Return the line that makes `replica` the same attempt of a job as `own`, in its first commit."""
    row = attempts_in(own).get(own.head.replica)
    attempt = None if row is None else own_attempt(row)
    return [] if attempt is None else [encode_line(NAME, {ATTEMPTS.tag: {replica: beginning(1, attempt)}})]


def refuse_in_attempt(own: Source, touched: Sequence[tuple[str, str]]) -> None:
    """Raise `RefusedError` if an attempt of a job changes a counter whose entries could not be left out later."""
    for name, tag in touched:
        kind = TYPES[tag]
        if tag in LOCALLY_MERGED or kind.created_first:
            row = attempts_in(own).get(own.head.replica)
            if row is not None and own_attempt(row) is not None:
                raise RefusedError(
                    f"'{name}' is a {tag}, and counts of an attempt of a job could not be taken back from it",
                    "count it in a replica that is not an attempt, or as another type",
                )
