"""Absorbing: taking over the counts of sealed replicas.

It is one commit of ``own.json``, with the counts of the sealed replicas, their records, and the records of replicas
that they had absorbed. Then the same files are merged, without the absorbed replicas. If the program ends between the
two, readers leave the absorbed replicas out of ``known.json``, and absorbing again does the rest.
"""

from __future__ import annotations

from crdtctl.codec.lines import encode_line
from crdtctl.codec.reader import NO_NAMES
from crdtctl.contexts import ExitStack
from crdtctl.crdt import LOCALLY_MERGED, TYPES, attempts
from crdtctl.crdt.attempts import ATTEMPTS, Jobs, jobs
from crdtctl.crdt.base import OperationContext, Refused
from crdtctl.crdt.membership import (
    MEMBERSHIP,
    NAME,
    absorbing,
    day_of,
    forgotten,
    inheriting,
    is_sealed,
    minted,
    number_of,
    raise_cutoff,
    roster,
)
from crdtctl.crdt.names import RENAMES_LINE
from crdtctl.errors import (
    CrdtctlError,
    OutcomeUnknownError,
    RefusedError,
    UsageError,
    printable,
    reason_of,
)
from crdtctl.records import Record, field
from crdtctl.store.inputs import open_input
from crdtctl.store.jobs import attempts_in, attempts_of
from crdtctl.store.known_header import hear_no_more
from crdtctl.store.merge import MergeReport, merge
from crdtctl.store.own_file import MANY
from crdtctl.store.packed import each_state
from crdtctl.store.retirement import membership_in, membership_of, refuse_sealed
from crdtctl.store.type_choice import arrivals
from crdtctl.store.unheard import Heard, refuse, still

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Sequence

    from crdtctl.codec.reader import Source
    from crdtctl.crdt.base import CounterType, Entries, Entry
    from crdtctl.crdt.clock import Clock
    from crdtctl.crdt.counter import Counter
    from crdtctl.crdt.membership import (
        Roster,
    )
    from crdtctl.store.inputs import Input
    from crdtctl.store.own_file import OwnFile
    from crdtctl.store.transaction import Transaction
    from crdtctl.store.type_choice import SecondType
else:
    from crdtctl import patterns as re

#: Maximum number of replicas recorded in the log, and of second types reported.
_MAX_NOTED = 20
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class AbsorbReport(Record, frozen=False):
    """The result of absorbing: replicas `absorbed` now, and those that were absorbed `before`, by their ids.

    `superseded` are earlier attempts of jobs, which are absorbed without their counts. `merge` is the report of the
    merge that follows.
    """

    absorbed: list[str] = field(default_factory=list)
    superseded: list[str] = field(default_factory=list)
    before: list[str] = field(default_factory=list)
    merge: MergeReport = field(default_factory=MergeReport)


def absorb(
    transaction: Transaction, inputs: Sequence[Input], *, fence: str | None, not_absorbed: bool = False
) -> AbsorbReport:
    """Take over the counts of the sealed replicas in `inputs`, then merge the inputs.

    Raise `ForkError`, with nothing changed, if this replica may have absorbed them under an id that it had before.
    With `not_absorbed`, it certainly did not. An input that cannot be taken is in the report of the merge. The lock
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
            here = membership_of(own.source, known)
            jobs_here = attempts_of(own.source, known)
            clock = {**(known.head.clock if known else {}), **own.source.head.clock}
            absorption = _Absorption(own, known, here, roster(here), report, jobs_here, jobs(jobs_here), clock)

            def take(item: Input) -> None:
                absorption.read(item)
                taken.append(item)

            each_state(inputs, take, lambda item, reason: refused.update({item.label: reason}), unpacked)
            absorption.decide()
            if known and not not_absorbed:
                unheard = still(known.head.unheard, absorption.heard, own.id, absorption.all_members)
                refuse(unheard, absorption.gone)
            if lines := absorption.lines(cutoff):
                transaction.write_own(own, lines, periods=absorption.periods, is_notice=absorption.is_notice)
                facts = {"fence": day_of(cutoff)} if cutoff else {}
                transaction.note("absorbed", count=len(report.absorbed), replicas=report.absorbed[:_MAX_NOTED], **facts)
        try:
            report.merge = merge(transaction, taken)
            for label in absorption.absorbed_from & report.merge.refused.keys():
                raise report.merge.refused[label]  # although it was valid a moment ago
        except (CrdtctlError, OSError, ImportError) as failure:  # a part of the program may be out of reach
            if not lines:
                raise
            raise OutcomeUnknownError(
                f"the counts were taken over, but the files were not taken in: {_reason(failure)}",
                "absorb them again",
            ) from None
    report.merge.refused.update(refused)
    report.merge.second_types += absorption.second[:_MAX_NOTED]
    return report


def _reason(failure: CrdtctlError | OSError | ImportError) -> str:
    return str(failure) if isinstance(failure, ImportError) else reason_of(failure)


def _day(text: str) -> int:
    """Return the day of a cutoff as a number; raise `UsageError` for a future day, because a cutoff is permanent."""
    from datetime import UTC, date, datetime

    try:
        day = date.fromisoformat(text if _DAY.fullmatch(text) else "")
    except ValueError:
        raise UsageError(f"'{printable(text[:40])}' is not a day", "give the fence as YYYY-MM-DD") from None
    if day > datetime.now(UTC).date():
        raise UsageError(f"{text} is in the future", "such a fence would refuse all replicas that are made before it")
    return number_of(str(day))


class _Absorption(Record, frozen=False):
    """The sealed replicas in the inputs, and the parts of the inputs that are needed to absorb them.

    `clock`: that of this replica. `counters`: name → type → the entries of each input with those of sealed replicas.
    `authors`: the sealed replicas in `counters`. `members` and `attempts`: the entries of membership and of attempts of
    jobs in the inputs, `renames` of renames. `states`: label → retired replicas and clock of an input.
    `absorbed_from`: labels of the inputs with a replica to absorb. `periods`: whether an input may have periods.
    `is_notice`: whether a replica to absorb has forgotten or renamed counters.
    """

    own: OwnFile
    known: Source | None
    here: Entries
    ours: Roster
    report: AbsorbReport
    jobs_here: Entries
    jobs_before: Jobs
    clock: Clock
    counters: dict[str, dict[str, list[Entries]]] = field(default_factory=dict)
    authors: set[str] = field(default_factory=set)
    members: dict[str, Entry] = field(default_factory=dict)
    absorbed_from: set[str] = field(default_factory=set)
    states: dict[str, tuple[Roster, Clock]] = field(default_factory=dict)
    before: dict[str, None] = field(default_factory=dict)
    heard: list[Heard] = field(default_factory=list)
    second: list[SecondType] = field(default_factory=list)
    jobs: Jobs = field(default_factory=Jobs)
    attempts: list[Entries] = field(default_factory=list)
    renames: list[Entries] = field(default_factory=list)
    periods: bool = False
    is_notice: bool = False

    @property
    def all_members(self) -> Roster:
        """The retired replicas as this replica and the inputs know them."""
        return roster(MEMBERSHIP.join_all(self.here, self.members))

    @property
    def gone(self) -> list[str]:
        """The replicas that are absorbed, with or without their counts."""
        return [*self.report.absorbed, *self.report.superseded]

    # Reading the inputs ------------------------------------------------------------------------------------

    def read(self, item: Input) -> None:
        """Read one input. Raise an error if it cannot be taken."""
        with ExitStack() as stack:
            source = open_input(item, stack)
            members = membership_in(source)
            self.states[item.label] = roster(members), source.head.clock
            if self._read(source, members, printable(item.label)):
                self.absorbed_from.add(item.label)
            self.heard.append(Heard(source.head.replica, source.head.histories))
            self.periods = self.periods or source.head.periods

    def _read(self, source: Source, entries: Entries, label: str) -> bool:
        """Read one input with these entries of membership; return whether it contains a replica to absorb."""
        head = source.head
        sealed = [who for who, row in entries.items() if is_sealed(row) and head.clock.get(who, 0) == row[0]]
        ours, theirs = self.ours, roster(entries)
        past = [who for who in head.clock if ours.has_absorbed(who) or theirs.has_absorbed(who)]
        if head.kind != "state" or not (sealed or past):
            raise RefusedError(f"{label} holds no sealed replica", "take it in with 'crdtctl merge'")
        if ours.forgotten(self.clock, theirs, head.clock):
            return False  # the merge refuses it
        new = self._new_replicas(label, [who for who in sealed if who not in past])
        attempts = attempts_in(source)
        self._refuse_late(label, new, attempts)
        if attempts:
            self.attempts.append(attempts)
        if source.has(RENAMES_LINE):
            from crdtctl.store.renamed import renames_in

            self.renames.append(renames_in(source))
        for who, row in entries.items():
            self.members[who] = MEMBERSHIP.join(self.members.get(who, row), row)
        self.before.update(dict.fromkeys(past))
        for name, line in source.lines() if new else ():
            if name not in NO_NAMES:
                self._keep(*source.decode(line), new)
        self.is_notice = self.is_notice or not head.received.keys().isdisjoint(new)
        self.authors.update(new)
        self.report.absorbed += new
        return bool(new)

    def _new_replicas(self, label: str, sealed: Sequence[str]) -> list[str]:
        """Return the sealed replicas that no earlier input contained. Raise `RefusedError` for an unfit id."""
        new = []
        for who in sealed:
            if who == self.own.id:
                continue
            if "~" in who:
                raise RefusedError(f"{label}: {who} is a branch of a fork, and cannot be absorbed", "merge the file")
            if not minted(who):
                raise RefusedError(f"{label}: the id {who} does not contain the time of its creation", "merge the file")
            if who not in self.authors:
                new.append(who)
        return new

    def _refuse_late(self, label: str, new: Sequence[str], attempts: Entries) -> None:
        """Raise `RefusedError` for an attempt of a job if another attempt of that job was absorbed before."""
        here = {who: self.jobs_here[who] for who in self.jobs_here.keys() & attempts.keys()}
        theirs, ours = jobs(ATTEMPTS.join_all(here, attempts)), self.jobs_before
        for who in new:
            attempt = theirs.attempts.get(who)
            if attempt is None:
                continue
            absorbed = max(theirs.absorbed.get(attempt.key, 0), ours.absorbed.get(attempt.key, 0))
            if 0 < absorbed < attempt.number:
                raise RefusedError(
                    f"{label} is attempt {attempt.number} of job '{attempt.key}', but attempt {absorbed} was absorbed "
                    "before and is the one that counts",
                    "absorb a job only when it will not run again",
                )

    def _keep(self, name: str, counter: Counter, new: Sequence[str]) -> None:
        for tag, entries in counter.items():
            if tag not in LOCALLY_MERGED and any(who in entries for who in new):
                self.counters.setdefault(name, {}).setdefault(tag, []).append(entries)

    # Deciding ----------------------------------------------------------------------------------------------

    def decide(self) -> None:
        """Leave out replicas that another replica has absorbed, also if a later input shows it.

        Raise `RefusedError` for a replica that absorbed one which another replica absorbed as well: once its record is
        dropped, the double count could not be detected any more.
        """
        for label, strangers in zip(self.states, forgotten(list(self.states.values())), strict=True):
            if strangers:  # the merge refuses this input, or the one with the cutoff
                self.absorbed_from.discard(label)
                self.report.absorbed = [who for who in self.report.absorbed if who not in strangers]
        members = self.all_members
        past = dict.fromkeys(members.absorbed(self.report.absorbed))
        self.before.update(past)
        self.report.before += self.before
        self.report.absorbed = [who for who in self.report.absorbed if who not in past]
        absorbers = {who for several in members.absorbed_twice.values() for who in several}
        for who in self.report.absorbed:
            if who in absorbers:
                raise RefusedError(
                    f"cannot absorb {who}: another replica also absorbed a replica that it absorbed, which counts "
                    "twice",
                    "leave it out; 'crdtctl merge' takes its file in",
                )
        self._sort_attempts()

    def _sort_attempts(self) -> None:
        """Leave out the attempts of jobs that do not count.

        If the attempt that counts is absorbed, earlier ones are absorbed without their counts. If it is not known yet,
        they still count, so they are merged only.
        """
        self.jobs = jobs(ATTEMPTS.join_several([self.jobs_here, *self.attempts]))
        left_out = self.jobs.left_out
        left = dict.fromkeys(who for who in self.report.absorbed if who in left_out)
        self.report.absorbed = [who for who in self.report.absorbed if who not in left]
        runs = self.jobs.attempts
        done = {*self.jobs.absorbed, *(runs[who].key for who in self.report.absorbed if who in runs)}
        late = self.jobs.late
        self.report.superseded = [who for who in left if who not in late and runs[who].key in done]

    # Lines of own.json -------------------------------------------------------------------------------------

    def lines(self, cutoff: int) -> dict[str, bytes]:
        """Return the changed lines of ``own.json`` after absorbing; none if nothing changes."""
        seq = self.own.seq + 1
        row = after = membership_in(self.own.source).get(self.own.id, MEMBERSHIP.record.bottom)
        if self.gone:
            after = absorbing(row, seq, self.gone)
            after = inheriting(after, seq, [self.members[who] for who in self.gone])
        if cutoff > self.ours.cutoff:
            after = raise_cutoff(after, seq, cutoff)
        if after == row:
            return {}
        lines = {**self._counter_lines(seq), **self._attempt_line(seq, cutoff), **self._renames_line(seq)}
        lines[NAME] = encode_line(NAME, {MEMBERSHIP.tag: {self.own.id: after}})
        return lines

    def _attempt_line(self, seq: int, cutoff: int) -> dict[str, bytes]:
        """Return the line that records which attempts of jobs were absorbed, if it changes."""
        row = attempts_in(self.own.source).get(self.own.id, ATTEMPTS.record.bottom)
        runs = {who: self.jobs.attempts[who] for who in self.report.absorbed if who in self.jobs.attempts}
        known = ATTEMPTS.join_several(self.attempts)
        rows = [known[who] for who in self.report.absorbed if who in known]
        after = attempts.raise_cutoff(attempts.absorbing(row, seq, runs, rows), seq, cutoff)
        return {} if after == row else {attempts.NAME: encode_line(attempts.NAME, {ATTEMPTS.tag: {self.own.id: after}})}

    def _renames_line(self, seq: int) -> dict[str, bytes]:
        """Return the line of renames with those of absorbed replicas which hold, if it changes."""
        if not self.renames:
            return {}
        from crdtctl.crdt import renames
        from crdtctl.crdt.renames import RENAMES
        from crdtctl.store.renamed import renames_in

        here = [renames_in(self.own.source), renames_in(self.known)]
        known = RENAMES.join_several([*here, *self.renames])
        row = here[0].get(self.own.id, RENAMES.record.bottom)
        after = renames.inheriting(row, seq, renames.aliases(known), self.own.id, self.gone)
        return {} if after == row else {renames.NAME: encode_line(renames.NAME, {RENAMES.tag: {self.own.id: after}})}

    def _counter_lines(self, seq: int) -> dict[str, bytes]:
        """Return the lines of counters whose own entries change, in commit `seq`."""
        from functools import partial

        look_up = self.own.counters(many=len(self.counters) > MANY)
        absorbed, left_out = dict.fromkeys(self.report.absorbed), self.jobs.left_out
        lines = {}
        for name in sorted(self.counters):
            mine = dict(look_up(name))
            known = self.known.counter(name) if self.known else {}
            for tag, several in self.counters[name].items():
                kind = TYPES[tag]
                entries = kind.join_several(several)
                if absorbed.keys().isdisjoint(entries):
                    continue  # attempts of jobs that do not count
                others = kind.join_several([known.get(tag, {}), entries])
                for one in (self.own.id, *left_out):
                    others.pop(one, None)
                context = OperationContext(self.own.id, seq, partial(dict, others))
                before = mine.get(tag, {}).get(self.own.id)
                authors = [who for who in absorbed if who in others]
                row = self._taken_over(name, kind, before or kind.record.bottom, authors, context)
                if row[1:] != (before or ())[1:]:
                    mine[tag] = {self.own.id: (seq, *row[1:])}
            if mine != look_up(name):
                lines[name] = encode_line(name, mine)
                self.second += arrivals(name, look_up(name), known, mine)
        return lines

    def _taken_over(
        self, name: str, kind: CounterType, mine: Entry, authors: Sequence[str], context: OperationContext
    ) -> Entry:
        try:
            return kind.absorb_all(mine, authors, context)
        except Refused:
            for who in authors:  # to find out which one
                try:
                    mine = kind.absorb(mine, who, context)
                except Refused as reason:
                    raise RefusedError(f"cannot absorb '{printable(name)}' of {who}: {reason}") from None
            raise
