"""Step 3: name the branches of forks, and compute the header of the result from the headers of the inputs."""

from __future__ import annotations

from crdtctl.codec.header import Head
from crdtctl.crdt import forks
from crdtctl.crdt.branches import origin
from crdtctl.crdt.membership import MEMBERSHIP, roster
from crdtctl.crdt.names import ATTEMPTS_LINE, RENAMES_LINE
from crdtctl.records import Record
from crdtctl.store.gone import declared, returned
from crdtctl.store.merge import limits
from crdtctl.store.merge.admission import admit, foreign_writers
from crdtctl.store.merge.opening import NOTHING
from crdtctl.store.retirement import absorbed_twice, membership_of, refuse_sealed, without_absorbed
from crdtctl.store.unheard import Heard, counts, still

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from crdtctl.codec.reader import Source
    from crdtctl.contexts import ExitStack
    from crdtctl.crdt.base import Entries
    from crdtctl.crdt.clock import Clock
    from crdtctl.crdt.forks import Fork, ForkResolution
    from crdtctl.crdt.membership import Roster
    from crdtctl.store.gone import Returned
    from crdtctl.store.jobs import LateAttempt
    from crdtctl.store.merge.opening import OpenedInput
    from crdtctl.store.merge.options import MergeOptions
    from crdtctl.store.merge_report import MergeReport
    from crdtctl.store.own_file import OwnFile
    from crdtctl.store.transaction import Transaction


class Basis(Record):
    """A replica's files before a merge, and its entries of membership and of jobs in both.

    `is_inside`: the only input certainly holds no entries but those in ``known.json``, and own ones.
    `foreign` are the labels of the inputs that made this replica change its id from `former`; None in a dry run.
    """

    own: OwnFile
    known: Source | None
    head: Head
    members: Entries
    jobs: Entries
    is_inside: bool
    foreign: list[str] | None
    former: str

    @property
    def clock(self) -> dict[str, int]:
        """The clock of both files."""
        return {**self.head.clock, **self.own.source.head.clock}


class MergePlan(Record):
    """The accepted inputs, and the parts of the result that follow from headers.

    `joined` has the clocks and histories with forks resolved into branches, `settled` the marks of settled facts,
    `unheard` the earlier ids whose last state has not come back. `left_out` are the attempts of jobs that do not count,
    before and after the merge. `received` and `receipts` are the fields of the header, see `crdtctl.store.receipts`.
    """

    taken: list[OpenedInput]
    joined: ForkResolution
    settled: set[str]
    unheard: dict[str, int]
    left_out: tuple[frozenset[str], frozenset[str]]
    received: Clock
    receipts: Mapping[str, Clock]


def read_basis(transaction: Transaction, opened: Sequence[OpenedInput], stack: ExitStack) -> Basis:
    """Read this replica's files; it changes its id first if the inputs show that another replica uses it.

    They are read after the inputs, so they contain every commit of this replica that the inputs can contain.
    """
    own = transaction.own()
    refuse_sealed(own.source)
    foreign, former = None, ""
    if not transaction.dry_run:
        if own.id in declared(_settled(opened)):
            own = transaction.own("retired")
        if foreign := foreign_writers(own.source.head, opened):
            former, own = own.id, transaction.own("forked")
    known = stack.enter_context(transaction.known())
    # Without a check, the merge would put a new checksum on damage.
    is_inside = known is not None and _verify(known, opened, own.id)
    head = known.head if known else Head("known", own.id, {})
    members, attempts = membership_of(own.source, known), _attempts_of(own.source, known)
    return Basis(own, known, head, members, attempts, is_inside, foreign, former)


def _attempts_of(own: Source, known: Source | None) -> Entries:
    """Return the entries of attempts of jobs in this replica's files."""
    if not (own.has(ATTEMPTS_LINE) or (known and known.has(ATTEMPTS_LINE))):
        return NOTHING
    from crdtctl.store.jobs import attempts_of  # only here, and below: few replicas have attempts of jobs

    return attempts_of(own, known)


def _verify(known: Source, opened: Sequence[OpenedInput], own: str) -> bool:
    """Verify ``known.json``; return whether the only input certainly has no lines but those, and own entries."""
    source = opened[0].source if len(opened) == 1 else None
    if source is None or source.size < limits.BLOCKS_FROM_BYTES:
        known.verify()
        return source is not None and known.has_size_of(source) and known.text() == source.text()
    from crdtctl.codec.beside import verify_beside  # only here: a small merge does without

    return verify_beside(known, source, own)


def has_renames(basis: Basis, plan: MergePlan) -> bool:
    """Return whether a file of this replica or an input has renames."""
    mine = [one for one in (basis.own.source, basis.known) if one is not None]
    return any(one.renames for one in plan.taken) or any(one.has(RENAMES_LINE) for one in mine)


def make_plan(
    basis: Basis, opened: Sequence[OpenedInput], report: MergeReport, options: MergeOptions
) -> MergePlan | None:
    """Admit inputs, name the branches of forks, and record both in the report; None if nothing is to be merged."""
    before = basis.head
    taken, refused = admit(basis.clock, before.histories, opened, _members(basis, opened))
    report.refused.update(refused)
    report.foreign_writes = foreign_writers(basis.own.source.head, taken) if basis.foreign is None else basis.foreign
    if not taken or (options.all_or_nothing and report.refused):
        return None
    report.taken = _labels(taken)
    report.writers = sorted({writer for one in taken for writer in one.writers})
    if options.heads:
        report.heads = [one.head for one in taken]
    members = _members(basis, taken)
    joined = forks.join([(before.clock, before.histories), *((one.head.clock, one.head.histories) for one in taken)])
    _read_under(joined, basis, taken, members)
    for author in members.absorbed(list(joined.clock)):
        del joined.clock[author]
        joined.histories.pop(author, None)
    settled = {*before.settled, *_settled(taken)}
    report.late, left_out = _attempts(basis, taken, members)
    report.forks = _new_forks(joined, before, taken)
    report.absorbed_twice = _newly_absorbed_twice(basis, members, settled)
    report.returned = _newly_returned(before, {**joined.clock, **basis.own.source.head.clock}, settled)
    unheard = _still_unheard(basis, taken, members, hears=options.hears)
    return MergePlan(taken, joined, settled, unheard, left_out, *_receipts(basis, taken, joined))


def _receipts(basis: Basis, taken: Sequence[OpenedInput], joined: ForkResolution) -> tuple[Clock, Mapping[str, Clock]]:
    """Return the notices of other replicas that are received after the merge, and the receipts of all notices."""
    before, mine, own = basis.head, basis.own.source.head.received, basis.own.id
    if not (before.received or mine or any(one.head.received for one in taken)):
        return {}, {}
    from crdtctl.store import receipts  # only here: few replicas have notices

    parts = [(before.received, joined.names[0]), *((one.head.received, one.names) for one in taken)]
    received = receipts.covered(receipts.received(parts), {**joined.clock, own: 0})
    statements = [
        (who, receipts.received([(part, one.names)])) for one in taken for who, part in one.statements.items()
    ]
    others = {who for who in joined.clock if who != own}
    return received, receipts.collected(before.receipts, statements, {**received, **mine}, others)


def _labels(taken: Sequence[OpenedInput]) -> list[str]:
    """Return the labels of inputs: those of states in their order, then those of deltas as they were admitted."""
    states = sorted(label for one in taken if one.head.kind != "delta" for label in one.labels)
    return [label for _, label in states] + [one.item.label for one in taken if one.head.kind == "delta"]


def _read_under(joined: ForkResolution, basis: Basis, taken: Sequence[OpenedInput], members: Roster) -> None:
    """Set the names for the entries of each source. Entries of absorbed replicas are left out."""
    for one, names in zip(taken, joined.names[1:], strict=True):
        one.names = {**names, **without_absorbed(members, one.head.clock)} or NOTHING
    if basis.known:
        basis.known.names = {**joined.names[0], **without_absorbed(members, basis.head.clock)}


def _settled(opened: Iterable[OpenedInput]) -> list[str]:
    return [mark for one in opened for mark in one.head.settled]


def _members(basis: Basis, opened: Sequence[OpenedInput]) -> Roster:
    """Return the sealed and absorbed replicas, as this replica and some inputs know them."""
    return roster(MEMBERSHIP.join_several([basis.members, *(one.members for one in opened)]))


def _attempts(
    basis: Basis, taken: Sequence[OpenedInput], members: Roster
) -> tuple[list[LateAttempt], tuple[frozenset[str], frozenset[str]]]:
    """Return the attempts of jobs that are too late, and those that do not count before the merge, and after it.

    Absorbed replicas are not attempts any more.
    """
    if not basis.jobs and not any(one.jobs for one in taken):
        return [], (frozenset(), frozenset())
    from crdtctl.crdt.attempts import ATTEMPTS, jobs
    from crdtctl.store.jobs import late

    entries = ATTEMPTS.join_several([basis.jobs, *(one.jobs for one in taken)])
    before = jobs(basis.jobs)
    after = jobs({replica: row for replica, row in entries.items() if not members.has_absorbed(replica)})
    return late(before, after), (before.left_out, after.left_out)


def _new_forks(joined: ForkResolution, before: Head, taken: Sequence[OpenedInput]) -> list[tuple[Fork, list[str]]]:
    """Return the forks with a branch that was not known, and the labels of the inputs that contain the fork."""
    found = []
    for fork in joined.forks:
        if not before.clock.keys() >= set(fork.branches):
            brought = [one.item.label for one in taken if any(origin(a) == fork.replica for a in one.head.clock)]
            found.append((fork, brought))
    return found


def _newly_absorbed_twice(basis: Basis, members: Roster, settled: set[str]) -> dict[str, tuple[str, ...]]:
    known = absorbed_twice(roster(basis.members), basis.head.settled)
    return {
        record: absorbers
        for record, absorbers in absorbed_twice(members, settled).items()
        if set(absorbers).difference(known.get(record, ()))
    }


def _newly_returned(before: Head, clock: Clock, settled: Iterable[str]) -> list[Returned]:
    known = returned(before.settled, before.clock)
    return [one for one in returned(settled, clock) if one not in known]


def _still_unheard(basis: Basis, taken: Sequence[OpenedInput], members: Roster, *, hears: bool) -> dict[str, int]:
    """Return earlier id → number of states exported under it, for the ids whose last state is in none of the inputs.

    That this replica had to change its id now is known from one of the inputs, which may be old itself. Another input
    has to confirm it.
    """
    heads = [one.head for one in taken]
    states = [Heard(head.replica, head.histories) for head in heads] if hears and basis.head.unheard else []
    left = still(basis.head.unheard, states, basis.own.id, members)
    if basis.former:
        known = [counts(head.histories).get(basis.former, 0) for head in heads]
        left[basis.former] = max([basis.head.unheard.get(basis.former, 0), *known])
    return left
