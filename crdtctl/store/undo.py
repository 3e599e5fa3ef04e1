"""Takes a commit of this replica back: a further commit, with the opposite of its counts."""

from __future__ import annotations

from crdtctl.crdt import TYPES
from crdtctl.crdt.counter import join_counters
from crdtctl.errors import BusyError, MissingError, RefusedError
from crdtctl.records import Record
from crdtctl.store import counts, last, requests

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from crdtctl.store.commit import Request
    from crdtctl.store.counts import JournalEntry
    from crdtctl.store.files import Directory
    from crdtctl.store.last import Effect
    from crdtctl.store.snapshot import Snapshot

_JOURNAL = 'set journal = "counts" in config.toml, and later commits are recorded'
#: What cannot be taken back → the reason, and what to do.
_REASONS = {
    "once": (
        "was counted under an idempotency key, which stays used",
        "if no other replica sent the key, count the opposite: crdtctl decrement NAME AMOUNT",
    ),
    "add": ("had elements or numbers added, which stay", "'crdtctl reset' starts the counter over"),
    "rename": ("was renamed", "rename it back with 'crdtctl rename'"),
    "observe": ("took the reading of a meter, which never falls", "observe the meter again when it reads more"),
    "create": ("was created, and a counter stays what it is", "take another name"),
    "reset": ("was reset, and what a reset cancelled stays cancelled", "count the amount again"),
    "forget": ("was forgotten, and what was forgotten stays so", "count the amount again"),
    "transfer": ("gave rights away, which belong to another replica now", "ask for them with 'crdtctl request'"),
    "request": (
        "asked for rights, and another replica may have granted them",
        "give them back with 'crdtctl transfer'",
    ),
    "expire": ("let idempotency keys expire, which are gone", "nothing is to be done: their counts stayed"),
}


class Undone(Record):
    """The commit to take back. If it `is_last`, no other one may follow it before it is taken back.

    If it `is_recorded`, the journal of counts has a line of it, and needs one of the commit that takes it back.
    """

    commit: int
    is_last: bool
    is_recorded: bool

    def check(self, directory: Directory, replica: str, seq: int) -> None:
        """Raise `BusyError` if a process was faster: `seq` is the last commit. The lock of ``own.json`` is held."""
        if self.is_last and self.commit != seq:
            raise BusyError("another process has counted since", "look at the counters, and try again")
        _refuse_undone(self.commit, counts.read(directory, replica, seq))


def plan(now: Snapshot, directory: Directory, commit: int | None) -> tuple[Undone, list[Effect], list[Request]]:
    """Return the commit to take back, its effects, and the requests that take it back.

    Without the number of a `commit`, it is the last one of this replica. Raise `RefusedError` for an effect that
    cannot be taken back, and `MissingError` for an unknown commit.
    """
    head = now.own.head
    seq = head.clock.get(now.id, 0)
    if not seq:
        raise RefusedError("this replica has made no commit", "there is nothing to take back")
    entries = counts.read(directory, now.id, seq)
    texts = [last.parse(text) for text in head.last]
    number = seq if commit is None else commit
    is_last = number == seq
    if is_last and texts and None not in texts:
        done = [one for one in texts if one is not None]
    else:
        done = _recorded(number, entries, seq)
    undone = Undone(number, is_last, any(entry.commit == number for entry in entries))
    _refuse_undone(undone.commit, entries)
    for one in done:
        refuse(now, one)
        _refuse_cancelled(now, one, number, entries)
    return undone, done, opposite(done)


def opposite(done: Iterable[Effect]) -> list[Request]:
    """Return the requests that take counts back."""
    found = []
    for name, amount, at, _ in done:
        counting = requests.decrement if amount > 0 else requests.increment
        found.append(counting(name, abs(amount), at=at))
    return found


def refuse(now: Snapshot, done: Effect) -> None:
    """Raise `RefusedError` if something that a commit did cannot be taken back."""
    if done.word == "undo":
        raise RefusedError("this commit took an earlier one back", "nothing was changed; count again what was meant")
    if done.word:
        reason, hint = _REASONS.get(
            done.word, ("was changed in a way that cannot be taken back", "count the difference")
        )
        raise RefusedError(f"'{done.name}' {reason}", f"nothing was changed; {hint}")
    if now.own.counter(done.name).keys() == {"gcounter"}:
        raise RefusedError(
            f"'{done.name}' is a gcounter, which only grows",
            "nothing was changed; 'crdtctl reset' starts it over, and a pncounter can be counted down",
        )


def _refuse_cancelled(now: Snapshot, done: Effect, commit: int, entries: Iterable[JournalEntry]) -> None:
    """Raise `RefusedError` if a reset or a forget has cancelled a count: its opposite would count by itself."""
    followed = [one for entry in entries if entry.commit > commit for one in entry.effects if one.name == done.name]
    later = sum(abs(one.amount) for one in followed if (one.amount > 0) == (done.amount > 0))
    known = now.known.counter(done.name) if now.known else {}
    for tag, rows in join_counters(now.own.counter(done.name), known).items():
        if TYPES[tag].is_cancelled(rows, now.id, commit, done.amount, later):
            raise RefusedError(
                f"a reset or a forget of '{done.name}' has cancelled what this commit counted",
                "nothing was changed; count the difference",
            )


def _recorded(commit: int, entries: Sequence[JournalEntry], seq: int) -> list[Effect]:
    """Return the effects of a commit, by the journal of counts."""
    entry = next((one for one in entries if one.commit == commit), None)
    if entry is None and commit == seq:
        raise RefusedError("the last commit of this replica is not recorded as counts", _JOURNAL)
    if entry is None:
        raise MissingError(f"commit {commit} is not in the journal of counts", "see 'crdtctl undo --list'")
    if not entry.effects:
        raise RefusedError(
            f"commit {commit} counted {entry.requests} times, which is too much to be recorded one by one",
            "count the opposite with --batch",
        )
    return list(entry.effects)


def _refuse_undone(commit: int, entries: Iterable[JournalEntry]) -> None:
    for entry in entries:
        if entry.undoes == commit:
            raise RefusedError(f"commit {commit} was taken back by commit {entry.commit}", "nothing was changed")
