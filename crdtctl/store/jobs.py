"""What a replica's files say of attempts of jobs; readers leave out what does not count."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from crdtctl.codec.lines import decode_own_line, encode_line
from crdtctl.codec.merge_join import merge_join
from crdtctl.codec.reader import NO_NAMES, Source
from crdtctl.crdt import LOCALLY_MERGED, TYPES
from crdtctl.crdt.attempts import ATTEMPTS, NAME, Attempt, Jobs, beginning, jobs, own_attempt
from crdtctl.crdt.base import MAX_DIGITS, TOO_LARGE, Contribution, Contributions
from crdtctl.crdt.names import key_fault
from crdtctl.errors import RefusedError, UsageError
from crdtctl.store.files import OwnFile


@dataclass(frozen=True, slots=True)
class LateAttempt:
    """An attempt of a job that came after an earlier one was absorbed, so that it does not count."""

    replica: str
    attempt: Attempt
    absorbed: int

    def __str__(self) -> str:
        key, number = self.attempt.key, self.attempt.number
        return (
            f"attempt {number} of job '{key}', by {self.replica}, does not count: "
            f"attempt {self.absorbed} was absorbed before it came"
        )


def attempts_in(source: Source) -> Contributions:
    """Return what one file says of attempts of jobs."""
    return source.counter(NAME).get(ATTEMPTS.tag, {})


def attempts_of(own: Source, known: Source | None) -> Contributions:
    """Return what a replica's two files say of attempts of jobs."""
    mine = attempts_in(own)
    return ATTEMPTS.join_all(mine, attempts_in(known)) if known else mine


def hide_left_out(mine: Source, known: Source | None, *, own: bool = True) -> None:
    """Let the files be read without the attempts that do not count; ``own.json`` as it is, unless `own`."""
    gone = dict.fromkeys(jobs(attempts_of(mine, known)).left_out, ())
    for source in (mine, known) if own else (known,):
        if gone and source:
            source.names = {**source.names, **gone}


def late(before: Jobs, after: Jobs) -> list[LateAttempt]:
    """Return the attempts that are too late, and were not known, or not too late, before."""
    fresh = sorted(after.late - before.late)
    return [LateAttempt(who, after.attempts[who], after.absorbed[after.attempts[who].key]) for who in fresh]


@dataclass(frozen=True, slots=True)
class AttemptReading:
    """What one attempt of a job counted: the `value` of a counter by it alone, and whether that `counts`."""

    name: str
    tag: str
    attempt: Attempt
    value: int
    counts: bool


def attempt_readings(own: Source, known: Source | None, name: str | None) -> Iterator[AttemptReading]:
    """Yield what attempts counted, of all counters or one, by counter, type, job and number."""
    found = jobs(attempts_of(own, known))
    if not found.attempts:
        return
    for joined in merge_join(known, [own]):
        if joined.after is None or joined.name in NO_NAMES or (name is not None and joined.name != name.encode()):
            continue
        called, counter = decode_own_line(joined.after)
        for tag in sorted(counter):
            parts: dict[Attempt, dict[str, Contribution]] = {}
            for author, row in counter[tag].items():
                if author in found.attempts:
                    parts.setdefault(found.attempts[author], {})[author] = row
            for attempt in sorted(parts, key=lambda one: (one.key, one.number)):
                counts = attempt.number == found.counting(attempt.key)
                yield AttemptReading(called, tag, attempt, TYPES[tag].value(parts[attempt]), counts)


def beginning_line(own: OwnFile, key: str, number: int) -> dict[str, bytes]:
    """Return the line of the first commit of a replica, which makes it an attempt of a job."""
    fault = key_fault(key)
    if fault is not None:
        raise UsageError(fault.replace("a once-key", "the key of a job"))
    if type(number) is not int or not 1 <= number < TOO_LARGE:
        raise UsageError(f"an attempt is a whole number from 1, of at most {MAX_DIGITS} digits")
    if own.seq:
        raise RefusedError("this replica has counted already", "a replica is an attempt of a job from its beginning")
    row = beginning(1, Attempt(key, number))
    return {NAME: encode_line(NAME, {ATTEMPTS.tag: {own.id: row}})}


def again(own: Source, replica: str) -> list[bytes]:
    """Return the line with which an attempt of a job goes on as `replica`, in its first commit."""
    row = attempts_in(own).get(own.head.replica)
    attempt = None if row is None else own_attempt(row)
    return [] if attempt is None else [encode_line(NAME, {ATTEMPTS.tag: {replica: beginning(1, attempt)}})]


def refuse_in_attempt(own: Source, touched: Sequence[tuple[str, str]]) -> None:
    """Raise `RefusedError` if an attempt of a job does what could not be left out of values later."""
    for name, tag in touched:
        kind = TYPES[tag]
        if tag in LOCALLY_MERGED or kind.created_first:
            row = attempts_in(own).get(own.head.replica)
            if row is not None and own_attempt(row) is not None:
                raise RefusedError(
                    f"'{name}' is a {tag}, and what an attempt of a job did to it could not be taken back",
                    "count it in a replica that is no attempt, or as another type",
                )
