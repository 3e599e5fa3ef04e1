"""Joining files into the state of a replica: one pass and one commit, however many files.

1. `opening`: open the inputs and verify their checksums. Many small ones are joined in `rounds` on the way.
2. `admission`: decide from their headers which are taken.
3. `plan`: give the branches of forks their names, and leave out replicas that were absorbed.
4. `groups` and `merge_pass`: join them, on all cores, into a draft, which becomes ``known.json``.
5. Merge the entries of locally merged types into ``own.json`` (`crdtctl.store.handoffs`).

If an input turns out to be bad in step 4, steps 2 to 4 begin again without it.
"""

from __future__ import annotations

from crdtctl.contexts import ExitStack
from crdtctl.errors import CrdtctlError, OutcomeUnknownError, printable, reason_of
from crdtctl.records import replace
from crdtctl.store.gone import declared
from crdtctl.store.handoffs import merge_handoffs
from crdtctl.store.merge import limits
from crdtctl.store.merge.admission import refuse_forgotten
from crdtctl.store.merge.groups import FailedInChild, sources_to_join
from crdtctl.store.merge.merge_pass import MergePass
from crdtctl.store.merge.opening import BadInput, NeedsAll, Repeatable, RoundFailed, open_all
from crdtctl.store.merge.options import MergeOptions
from crdtctl.store.merge.plan import has_renames, make_plan, read_basis
from crdtctl.store.merge_report import MergeReport
from crdtctl.store.spill import SpillBuffer
from crdtctl.store.temporary import of_replica

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from crdtctl.crdt.counter import Counter
    from crdtctl.store.handoffs import HandoffResult
    from crdtctl.store.inputs import Input
    from crdtctl.store.merge.opening import OpenedInput
    from crdtctl.store.merge.plan import Basis, MergePlan
    from crdtctl.store.merge.rounds import Rounds
    from crdtctl.store.transaction import Transaction

__all__ = ["MergeOptions", "MergeReport", "merge"]

_DEFAULT = MergeOptions()


def merge(transaction: Transaction, inputs: Iterable[Input], options: MergeOptions = _DEFAULT) -> MergeReport:
    """Join `inputs` into ``known.json``, whose lock is held; return the report.

    Inputs that cannot be taken are in the report. In a dry run, nothing is written.
    """
    refused: dict[str, CrdtctlError] = {}
    inputs = inputs if isinstance(inputs, list) else Repeatable(inputs)
    with ExitStack() as stack, ExitStack() as opening:

        def begin_rounds() -> Rounds:
            from crdtctl.store.merge.rounds import Rounds  # only here: few merges have that many inputs

            return Rounds(transaction, stack, beyond_cutoff=options.beyond_cutoff)

        try:
            opened, rounds = open_all(inputs, refused, opening, None if options.heads else begin_rounds)
        except NeedsAll:
            opened, rounds = _open_again(inputs, refused, opening)
        except RoundFailed as failed:
            raise failed.reason from None
        basis = read_basis(transaction, opened, stack)
        if not options.beyond_cutoff:
            refuse_forgotten(basis.members, basis.clock, opened, refused)
        while True:
            report = MergeReport(refused=dict(refused))
            try:
                plan = make_plan(basis, opened, report, options)
                if rounds and not (options.all_or_nothing and report.refused):
                    rounds.raise_bad()
                if plan:
                    if rounds:
                        rounds.check(basis.head, plan.joined, opened)
                    _carry_out(transaction, basis, plan, report, options, [rounds.handed_over] if rounds else [])
            except NeedsAll:
                basis = replace(basis, is_inside=False)
                opened, rounds = _open_again(inputs, refused, opening)
                if not options.beyond_cutoff:
                    refuse_forgotten(basis.members, basis.clock, opened, refused)
            except BadInput as found:
                refused[found.opened.item.label] = found.reason
                opened = [one for one in opened if one is not found.opened]
            except FailedInChild:
                options = replace(options, processes=1)
            else:
                return report


def _open_again(
    inputs: Iterable[Input], refused: dict[str, CrdtctlError], opening: ExitStack
) -> tuple[list[OpenedInput], Rounds | None]:
    """Open the inputs, and keep the header of each."""
    opening.close()
    refused.clear()
    return open_all(inputs, refused, opening)


def _carry_out(
    transaction: Transaction,
    basis: Basis,
    plan: MergePlan,
    report: MergeReport,
    options: MergeOptions,
    handed_over: Sequence[SpillBuffer],
) -> None:
    """Join the accepted inputs, write ``known.json``, and do the local merges, beginning with `handed_over`."""
    processes = 1 if transaction.dry_run else limits.processes(options.processes, sum(one.size for one in plan.taken))
    scratch = of_replica(transaction.directory.path)
    with ExitStack() as stack:
        buffers = [SpillBuffer(stack, scratch)]
        buffers += [SpillBuffer(stack, scratch, on_disk=True) for _ in range(1, processes)]
        sources = sources_to_join(plan.taken, stack, buffers)
        watch = None
        if not transaction.dry_run and has_renames(basis, plan):
            from crdtctl.store.merge.renames import RenameWatch  # only here: few replicas have renames

            watch = RenameWatch(transaction, basis)
        one_pass = MergePass(basis, plan, report, options, sources, buffers)
        written = False
        if transaction.dry_run:
            one_pass.run(None)
        elif written := transaction.write_known(one_pass.run):
            if report.changed:
                _note(transaction, report)
            if watch:
                watch.complete(report)
        if any(buffer.count for buffer in (*handed_over, *buffers)):
            _merge_locally(transaction, one_pass, handed_over, written=written)
        if plan.joined.clock:  # a replica that is not silent is known, and so most likely a permanent one
            report.without_peer = []


def _merge_locally(
    transaction: Transaction, done: MergePass, handed_over: Sequence[SpillBuffer], *, written: bool
) -> None:
    """Merge the buffered entries into the own ones, in one commit. `written`: ``known.json`` was replaced."""
    try:
        result = _commit_handoffs(transaction, done, [*handed_over, *done.buffers])
    except OutcomeUnknownError:
        raise
    except (CrdtctlError, OSError) as error:
        if not written:
            raise
        raise OutcomeUnknownError(
            f"known.json was replaced, but own.json was not: {reason_of(error)}",
            "merge the same files again, which counts nothing twice",
        ) from None
    report, room = done.report, done.options.max_details - len(done.report.changes)
    report.second_types += result.second
    report.own_changes = len(result.lines)
    report.counters += len(result.changes)
    report.handoffs = result.handoffs
    report.without_peer, report.idle = result.without_peer, result.idle
    report.changes += result.changes[: max(room, 0)]


def _commit_handoffs(transaction: Transaction, done: MergePass, buffers: Sequence[SpillBuffer]) -> HandoffResult:
    known = done.basis.known.counter if done.basis.known else _nothing
    gone = declared(done.plan.settled)
    if transaction.dry_run:
        return merge_handoffs(transaction.own(), buffers, known, gone)
    with transaction.lock_own() as own:  # with the commits made since the merge began
        result = merge_handoffs(own, buffers, known, gone)
        if result.lines:
            transaction.write_own(own, result.lines)
        return result


def _nothing(_name: str) -> Counter:
    return {}


def _note(transaction: Transaction, report: MergeReport) -> None:
    """Record a merge and new forks in the log."""
    transaction.note(
        "merged",
        files=[printable(label) for label in report.taken[: limits.MAX_NOTED]],
        replicas=report.writers[: limits.MAX_NOTED],
        counters=report.counters,
        news=report.replicas[: limits.MAX_NOTED],
    )
    for fork, brought in report.forks:
        transaction.note(
            "fork",
            replica=fork.replica,
            since=fork.since,
            branches=list(fork.branches),
            files=[printable(label) for label in brought[: limits.MAX_NOTED]],
        )
