"""Rounds: many small states are joined while they are opened, so that memory does not grow with their number.

When there is no more room for open inputs, the small states among them are joined into a temporary file. From then on,
one `OpenedInput` is used for all of them: its clock, histories, entries of membership and of jobs, and settled marks
are theirs together. The result of the merge is the same, because

* the join is associative, and so is everything that a plan takes from these parts of a header;
* entries of absorbed replicas can be left out before the join or after it;
* deltas stay as they are. They are admitted when all clocks are known, whatever the order of the inputs.

This does not hold if an id has several writers, since then the entries of each input need other names; if an input is
to be refused because of a cutoff, or was written under this replica's own id; or while this replica waits for states
of its earlier ids. In these cases, `NeedsAll` is raised, and the merge begins again and keeps the header of each input.
"""

from __future__ import annotations

from array import array  # eight bytes for each place

from crdtctl.codec.header import Head
from crdtctl.codec.layout import InMemory
from crdtctl.codec.reader import Source
from crdtctl.crdt import clock as clocks
from crdtctl.crdt.attempts import ATTEMPTS
from crdtctl.crdt.forks import ForkWatch
from crdtctl.crdt.membership import MEMBERSHIP, roster
from crdtctl.errors import CrdtctlError
from crdtctl.store.durable import OnDisk
from crdtctl.store.inputs import SMALL, Input, Stamp
from crdtctl.store.merge import limits
from crdtctl.store.merge.admission import foreign_writers
from crdtctl.store.merge.groups import join_group
from crdtctl.store.merge.opening import NOTHING, BadInput, NeedsAll, OpenedInput, RoundFailed
from crdtctl.store.retirement import membership_of
from crdtctl.store.spill import SpillBuffer
from crdtctl.store.temporary import of_replica, temporary_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import IO

    from crdtctl.contexts import ExitStack
    from crdtctl.crdt.clock import Clock
    from crdtctl.crdt.forks import ForkResolution
    from crdtctl.store.transaction import Transaction


class Rounds:
    """Joins inputs into temporary files, which `stack` closes.

    Entries for local merges are in `handed_over`.
    """

    def __init__(self, transaction: Transaction, stack: ExitStack, *, beyond_cutoff: bool) -> None:
        self._transaction = transaction
        self._stack = stack
        self._beyond_cutoff = beyond_cutoff
        self._scratch = of_replica(transaction.directory.path)
        self._watch: ForkWatch | None = None
        self._files: list[IO[bytes]] = []
        self._bad: list[BadInput] = []
        self.handed_over = SpillBuffer(stack, self._scratch)

    def join(self, opened: Sequence[OpenedInput]) -> list[OpenedInput]:
        """Return these inputs with all open small states as one. Other small inputs are closed."""
        try:
            small = [one for one in opened if _is_small_state(one)]
            parts = self._checked(small)
            if not parts:
                return [_closed(one) for one in opened]
            rest = [_closed(one) for one in opened if not _is_small_state(one)]
            joined = [one for one in rest if one.many]
            if len(joined) < limits.GROUP_SIZE:
                return [*rest, *self._joined(parts)]
            files, self._files = self._files, []
            found = self._joined([*joined, *parts])
            for file in files:
                file.close()
            return [*(one for one in rest if not one.many), *found]
        except CrdtctlError as reason:
            raise RoundFailed(reason) from None

    def raise_bad(self) -> None:
        """Raise `BadInput` for an input that turned out to be bad in a round, once for each."""
        if self._bad:
            raise self._bad.pop(0)

    def check(self, head: Head, joined: ForkResolution, opened: Iterable[OpenedInput]) -> None:
        """Raise `NeedsAll` if the rounds have lost something that a plan depends on.

        `head` is that of ``known.json`` after this replica may have got a new id, and `joined` the result of all heads.
        """
        if self._watch is None:
            return
        self._watch.add(head.clock, head.histories)
        for one in opened:
            self._watch.add(one.head.clock, one.head.histories)
        if self._watch.forked or joined.forks or head.unheard:
            raise NeedsAll

    def _checked(self, small: list[OpenedInput]) -> list[OpenedInput]:
        """Return small states that can be joined. Raise `NeedsAll` if one of them needs the header that it has."""
        if not small:
            return small
        with self._transaction.directory.both_sources() as (own, known):
            head = known.head if known else Head("known", own.head.replica, {})
            if head.unheard or foreign_writers(own.head, small):
                raise NeedsAll
            if self._watch is None:
                self._watch = ForkWatch()
                self._watch.add(head.clock, head.histories)
            ours, clock = roster(membership_of(own, known)), {**head.clock, **own.head.clock}
        for one in small:
            self._watch.add(one.head.clock, one.head.histories)
            theirs = roster(one.members)
            if not self._beyond_cutoff and (theirs.cutoff or ours.forgotten(clock, theirs, one.head.clock)):
                raise NeedsAll
        if self._watch.forked:
            raise NeedsAll
        self._watch.forget_texts()
        return small

    def _joined(self, parts: list[OpenedInput]) -> list[OpenedInput]:
        """Return one input for all valid ones of these; an empty list if all are bad."""
        while parts:
            file = self._stack.enter_context(temporary_file(self._scratch))
            handed_over = SpillBuffer(self._stack, self._scratch)
            try:
                size = join_group(parts, file, handed_over)
            except BadInput as bad:
                if bad.opened.many:
                    raise NeedsAll from None
                self._bad.append(bad)
                parts = [one for one in parts if one is not bad.opened]
                file.close()
            else:
                self._files.append(file)
                for name, entries in handed_over:
                    self.handed_over.put(name, entries)
                return [_together(parts, Source(OnDisk(file.fileno()), size, ours=True))]
        return []


def _is_small_state(one: OpenedInput) -> bool:
    source = one.source
    if source is None or one.head.kind != "state" or one.size > SMALL:
        return False
    return isinstance(source.pages, InMemory)


def _closed(one: OpenedInput) -> OpenedInput:
    """Return an input without its source if that is in memory."""
    if one.source is not None and isinstance(one.source.pages, InMemory):
        one.source = one.stamp = None
    return one


def _together(parts: Sequence[OpenedInput], source: Source) -> OpenedInput:
    """Return the input for these ones together. Their join is in `source`."""
    labels = [label for one in parts for label in one.labels]
    watch = ForkWatch()
    for one in parts:
        watch.add({}, one.head.histories)
    head = Head(
        "state",
        "condensed",
        clocks.join_all(one.head.clock for one in parts),
        histories=watch.histories,
        settled=tuple(sorted({mark for one in parts for mark in one.head.settled})),
        received=clocks.join_all(one.head.received for one in parts),
        periods=any(one.head.periods for one in parts),
    )
    statements: dict[str, Clock] = {}
    for one in parts:
        for who, part in one.statements.items():
            statements[who] = clocks.join(statements.get(who, {}), part)
    return OpenedInput(
        Input("joined states"),
        head,
        source.mark,
        source.size,
        source,
        Stamp.of(source),
        members=MEMBERSHIP.join_several([one.members for one in parts]) or NOTHING,
        jobs=ATTEMPTS.join_several([one.jobs for one in parts]) or NOTHING,
        renames=any(one.renames for one in parts),
        many=(array("Q", (place for place, _ in labels)), [label for _, label in labels]),
        many_writers={writer for one in parts for writer in one.writers},
        many_statements=statements,
    )
