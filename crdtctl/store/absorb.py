"""Ending a replica, and taking over what a replica that has ended counted.

Absorbing is one commit of ``own.json``, with the counts of the sealed replicas and the records of them and of those
whom they had absorbed, and then a merge of the same files, which leaves them out of ``known.json``. If it ends
between the two, readers leave them out by themselves, and absorbing again does the rest.
"""

import re
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial

from crdtctl.codec.lines import encode_line
from crdtctl.codec.reader import NO_NAMES, Source
from crdtctl.crdt import LOCALLY_MERGED, TYPES, attempts
from crdtctl.crdt.attempts import ATTEMPTS, Jobs, jobs
from crdtctl.crdt.base import Contribution, Contributions, CounterType, Here, Refused
from crdtctl.crdt.clock import Clock
from crdtctl.crdt.counter import Counter
from crdtctl.crdt.membership import (
    MEMBERSHIP,
    NAME,
    Roster,
    absorbing,
    day_of,
    fencing,
    forgotten,
    inheriting,
    is_sealed,
    minted,
    number_of,
    roster,
    sealing,
)
from crdtctl.errors import (
    CrdtctlError,
    OutcomeUnknownError,
    RefusedError,
    UsageError,
    printable,
    reason_of,
)
from crdtctl.store.ended import ended, refuse_sealed, said_by
from crdtctl.store.files import MANY, OwnFile
from crdtctl.store.inputs import Input, open_input
from crdtctl.store.jobs import all_said, said_of_jobs
from crdtctl.store.merge import MergeReport, merge
from crdtctl.store.packed import each_state
from crdtctl.store.settling import hear_no_more
from crdtctl.store.transaction import Transaction
from crdtctl.store.types import SecondType, arrivals
from crdtctl.store.unheard import Heard, refuse, still

#: So many replicas are noted.
_NOTED = 20
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(slots=True)
class AbsorbReport:
    """What absorbing did: whose counts were taken over now, whose were before, and what the merge did.

    `superseded` are earlier attempts of jobs: they are absorbed without their counts.
    """

    absorbed: list[str] = field(default_factory=list)
    superseded: list[str] = field(default_factory=list)
    before: list[str] = field(default_factory=list)
    merge: MergeReport = field(default_factory=MergeReport)


def seal(transaction: Transaction, own: OwnFile) -> bool:
    """Make the last commit of a replica; return whether it was not sealed before.

    The lock of ``own.json`` is held. Raise `RefusedError` if something here must be handed over first.
    """
    row = said_by(own.source).get(own.id, MEMBERSHIP.record.bottom)
    if is_sealed(row):
        return False
    with transaction.known() as known:
        for _, line in own.source.lines():
            name, counter = own.source.decode(line)
            for tag in counter.keys() & TYPES.keys():
                learned = known.counter(name).get(tag, {}) if known else {}
                keeps = TYPES[tag].keeps(own.id, TYPES[tag].join_all(learned, counter[tag]))
                if keeps:
                    raise RefusedError(f"cannot seal: '{name}' {keeps[0]}", keeps[1])
    line = encode_line(NAME, {MEMBERSHIP.tag: {own.id: sealing(row, own.seq + 1)}})
    transaction.note("sealed", commits=transaction.write_own(own, {NAME: line}))
    return True


def absorb(
    transaction: Transaction, inputs: Sequence[Input], *, fence: str | None, not_absorbed: bool = False
) -> AbsorbReport:
    """Take over the counts of the sealed replicas in `inputs`, then merge the inputs.

    Raise `ForkError`, with nothing changed, if this replica may have absorbed them under an id that it had before.
    `not_absorbed` says that it certainly did not. An input that cannot be taken is in the report of the merge. The lock
    of ``known.json`` is held.
    """
    report = AbsorbReport()
    cutoff = 0 if fence is None else _day(fence)
    refused: dict[str, CrdtctlError] = {}
    refuse_sealed(transaction.own().source)
    if not_absorbed:
        hear_no_more(transaction)
    with ExitStack() as unpacked:
        taken: list[Input] = []
        with transaction.lock_own() as own, transaction.known() as known:
            here = ended(own.source, known)
            found = _Found(own, known, roster(here), report, all_said(own.source, known))

            def take(item: Input) -> None:
                found.look(item)
                taken.append(item)

            each_state(inputs, take, lambda item, reason: refused.update({item.label: reason}), unpacked)
            found.look_at_all(here)
            if known and not not_absorbed:
                sealed = roster(MEMBERSHIP.join_all(here, found.said))
                refuse(still(known.head.unheard, found.heard, own.id, sealed), found.gone)
            if lines := found.lines(cutoff):
                transaction.write_own(own, lines)
                facts = {"fence": day_of(cutoff)} if cutoff else {}
                transaction.note("absorbed", count=len(report.absorbed), replicas=report.absorbed[:_NOTED], **facts)
        try:
            report.merge = merge(transaction, taken)
            for label in found.absorbed_from & report.merge.refused.keys():
                raise report.merge.refused[label]  # although it was valid a moment ago
        except (CrdtctlError, OSError) as failure:
            if not lines:
                raise
            raise OutcomeUnknownError(
                f"the counts were taken over, but the files were not taken in: {reason_of(failure)}",
                "absorb them again",
            ) from None
    report.merge.refused.update(refused)
    report.merge.second_types += found.second[:_NOTED]
    return report


def _day(text: str) -> int:
    """Return the day of a fence as a number; raise `UsageError` for one to come, which could never be taken back."""
    try:
        day = date.fromisoformat(text if _DAY.fullmatch(text) else "")
    except ValueError:
        raise UsageError(f"'{printable(text[:40])}' is not a day", "a fence is a day, YYYY-MM-DD") from None
    if day > datetime.now(UTC).date():
        raise UsageError(f"{text} is still to come", "a fence there would refuse every replica that is made before it")
    return number_of(str(day))


@dataclass(slots=True)
class _Found:
    """The sealed replicas that inputs hold, what they counted, and what the inputs say of who has ended."""

    own: OwnFile
    known: Source | None
    everybody: Roster
    report: AbsorbReport
    jobs_here: Contributions
    counters: dict[str, dict[str, dict[str, Contribution]]] = field(default_factory=dict)
    authors: set[str] = field(default_factory=set)
    said: dict[str, Contribution] = field(default_factory=dict)
    absorbed_from: set[str] = field(default_factory=set)
    states: dict[str, tuple[Roster, Clock]] = field(default_factory=dict)
    heard: list[Heard] = field(default_factory=list)
    second: list[SecondType] = field(default_factory=list)
    jobs: Jobs = field(default_factory=Jobs)
    said_of_jobs: dict[str, Contribution] = field(default_factory=dict)

    def look(self, item: Input) -> None:
        """Read one input. Raise why it is not to be taken in."""
        with ExitStack() as stack:
            source = open_input(item, stack)
            self.states[item.label] = roster(said_by(source)), source.head.clock
            if self._read(source, printable(item.label)):
                self.absorbed_from.add(item.label)
            self.heard.append(Heard(source.head.replica, source.head.tags))

    def _read(self, source: Source, label: str) -> bool:
        """Note what one input holds; return whether something of it is absorbed."""
        head, said = source.head, said_by(source)
        sealed = [who for who, row in said.items() if is_sealed(row) and head.clock.get(who, 0) == row[0]]
        theirs = roster(said)
        past = [who for who in head.clock if self.everybody.has_absorbed(who) or theirs.has_absorbed(who)]
        if head.kind != "state" or not (sealed or past):
            raise RefusedError(f"{label} holds no sealed replica", "take it in with 'crdtctl merge'")
        clock = {**(self.known.head.clock if self.known else {}), **self.own.source.head.clock}
        if self.everybody.forgotten(clock, theirs, head.clock):
            return False  # the merge refuses it
        new = []
        for who in sealed:
            if who == self.own.id or who in past:
                continue
            if "~" in who:
                raise RefusedError(f"{label}: {who} is a branch of a fork, and cannot be absorbed", "merge the file")
            if not minted(who):
                raise RefusedError(f"{label}: the id {who} does not tell when it was minted", "merge the file")
            if who not in self.authors:
                new.append(who)
        runs = said_of_jobs(source)
        self._refuse_late(label, new, jobs(ATTEMPTS.join_all(self.jobs_here, runs)))
        self.said_of_jobs = ATTEMPTS.join_all(self.said_of_jobs, runs)
        for who, row in said.items():
            self.said[who] = MEMBERSHIP.join(self.said.get(who, row), row)
        for author in past:
            if author not in self.report.before:
                self.report.before.append(author)
        for name, line in source.lines() if new else ():
            if name not in NO_NAMES:
                self._keep(*source.decode(line), new)
        self.authors.update(new)
        self.report.absorbed += new
        return bool(new)

    def look_at_all(self, here: Contributions) -> None:
        """Leave out whom another one has absorbed, as an input says that came later; `here` is what was known of it.

        Raise `RefusedError` for one who absorbed what another one absorbed, too: nobody would find that any more.
        """
        for label, strangers in zip(self.states, forgotten(list(self.states.values())), strict=True):
            if strangers:  # the merge refuses it, or what has the fence
                self.absorbed_from.discard(label)
                self.report.absorbed = [who for who in self.report.absorbed if who not in strangers]
        whole = roster(MEMBERSHIP.join_all(here, self.said))
        past = whole.absorbed(self.report.absorbed)
        self.report.before += [who for who in past if who not in self.report.before]
        self.report.absorbed = [who for who in self.report.absorbed if who not in past]
        counted_twice = {who for by in whole.twice.values() for who in by}
        for who in self.report.absorbed:
            if who in counted_twice:
                raise RefusedError(
                    f"cannot absorb {who}: a replica that it absorbed was absorbed elsewhere too, and counts twice",
                    "leave it out; 'crdtctl merge' takes its file in",
                )

        self._sort_attempts()

    def _sort_attempts(self) -> None:
        """Leave out the attempts of jobs that do not count.

        Earlier ones are absorbed without their counts if the one that counts is absorbed, too. Else they are merged
        only: where that one is not known yet, they count.
        """
        self.jobs = jobs(ATTEMPTS.join_all(self.jobs_here, self.said_of_jobs))
        left = [who for who in self.report.absorbed if who in self.jobs.left_out]
        self.report.absorbed = [who for who in self.report.absorbed if who not in left]
        runs = self.jobs.attempts
        done = {*self.jobs.absorbed, *(runs[who].key for who in self.report.absorbed if who in runs)}
        self.report.superseded = [who for who in left if who not in self.jobs.late and runs[who].key in done]

    def _refuse_late(self, label: str, new: Sequence[str], found: Jobs) -> None:
        for who in new:
            if who in found.late:
                run = found.attempts[who]
                raise RefusedError(
                    f"{label} is attempt {run.number} of job '{run.key}', but attempt {found.absorbed[run.key]} was "
                    "absorbed before, and counts",
                    "absorb a job when it will not be run again",
                )

    @property
    def gone(self) -> list[str]:
        """The replicas whose entries are taken over or superseded."""
        return [*self.report.absorbed, *self.report.superseded]

    def lines(self, cutoff: int) -> dict[str, bytes]:
        """Return the changed lines of ``own.json`` after taking over what was found; none if nothing changes."""
        seq = self.own.seq + 1
        row = after = said_by(self.own.source).get(self.own.id, MEMBERSHIP.record.bottom)
        if self.gone:
            after = absorbing(row, seq, self.gone)
            after = inheriting(after, seq, [self.said[who] for who in self.gone])
        if cutoff > self.everybody.fence:
            after = fencing(after, seq, cutoff)
        if after == row:
            return {}
        lines = {**self.planned(seq), **self.planned_jobs(seq, cutoff)}
        lines[NAME] = encode_line(NAME, {MEMBERSHIP.tag: {self.own.id: after}})
        return lines

    def planned_jobs(self, seq: int, fence: int) -> dict[str, bytes]:
        """Return the line of ``own.json`` that says which attempts were absorbed, if that is new."""
        row = said_of_jobs(self.own.source).get(self.own.id, ATTEMPTS.record.bottom)
        runs = {who: self.jobs.attempts[who] for who in self.report.absorbed if who in self.jobs.attempts}
        rows = [self.said_of_jobs[who] for who in self.report.absorbed if who in self.said_of_jobs]
        after = attempts.fencing(attempts.absorbing(row, seq, runs, rows), seq, fence)
        return {} if after == row else {attempts.NAME: encode_line(attempts.NAME, {ATTEMPTS.tag: {self.own.id: after}})}

    def _keep(self, name: str, counter: Counter, new: Sequence[str]) -> None:
        for tag, contributions in counter.items():
            if tag not in LOCALLY_MERGED and any(who in contributions for who in new):
                kept = self.counters.setdefault(name, {})
                kept[tag] = TYPES[tag].join_all(kept.get(tag, {}), contributions)

    def planned(self, seq: int) -> dict[str, bytes]:
        """Return the lines of ``own.json`` after it took over what was found, in commit `seq`."""
        look_up = self.own.counters(many=len(self.counters) > MANY)
        lines = {}
        for name in sorted(self.counters):
            mine = dict(look_up(name))
            known = self.known.counter(name) if self.known else {}
            for tag, contributions in self.counters[name].items():
                if not any(who in contributions for who in self.report.absorbed):
                    continue  # attempts of jobs that do not count
                kind = TYPES[tag]
                others = kind.join_all(known.get(tag, {}), contributions)
                for gone in (self.own.id, *self.jobs.left_out):
                    others.pop(gone, None)
                here = Here(self.own.id, seq, partial(dict, others))
                before = mine.get(tag, {}).get(self.own.id)
                row = self._taken_over(name, kind, before or kind.record.bottom, here)
                if row[1:] != (before or ())[1:]:
                    mine[tag] = {self.own.id: (seq, *row[1:])}
            if mine != look_up(name):
                lines[name] = encode_line(name, mine)
                self.second += arrivals(name, look_up(name), known, mine)
        return lines

    def _taken_over(self, name: str, kind: CounterType, row: Contribution, here: Here) -> Contribution:
        for author in self.report.absorbed:
            if author in here.others():
                try:
                    row = kind.absorb(row, author, here)
                except Refused as reason:
                    raise RefusedError(f"cannot absorb '{printable(name)}' of {author}: {reason}") from None
        return row
