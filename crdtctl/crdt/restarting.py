"""The base of `hist` and `hll`: entries cannot be subtracted, so a forgotten entry is started again by its author.

A sketch with later elements does not show which elements it had before. So no marks can cancel the forgotten ones, as
they do in a sum. Instead, an author starts its entry again, empty. The part `start` of a row is the commit that did
this, 0 before the first time. Of two versions of an entry, the one with the larger `start` is taken as a whole. It is
the newer one, since it has a larger `seq` too. So versions are ordered first by `start`, a number, and then part by
part, which is a lattice again (`crdtctl.crdt.lattice.Restarted`).

* The entry that forgets is started again in its commit. Its part `forgotten` covers the known entries, which leave the
  files of every replica that receives it, see `crdtctl.crdt.forgetting`.
* A replica whose entry is covered starts it again with its next count. So an old file brings nothing back: the old
  versions are covered, and have a smaller `start`.
* A replica that had not received this counts in its old entry, whose new version is not covered. So no count is lost,
  but the entry survives as a whole, with the earlier counts. Forgetting the counter again covers that version as well.

After a fork, versions of the branches are joined part by part, also with different `start`, so that no branch is lost.
An entry of a branch is left out if its replica was forgotten up to its commit, or a later one: it may be from before
the fork.
"""

from __future__ import annotations

from crdtctl.crdt import forgetting
from crdtctl.crdt.branches import merge_branches, origin
from crdtctl.crdt.periodic import Periodic
from crdtctl.records import abstractmethod, final

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from crdtctl.crdt.base import Entries, Entry, Operation, OperationContext


class Restarting(Periodic):
    """A type whose rows end with the parts `start` and `forgotten`, after those of periods."""

    can_be_forgotten = True

    @abstractmethod
    def take_over(self, mine: Entry, theirs: Entry) -> Entry:
        """Return my entry with the contents of an absorbed one as well; raise `Refused`."""

    def forgetting(self, entries: Entries, operation: Operation) -> list[Any]:  # noqa: ARG002  # others keep keys used
        """Return the parts between `seq` and `start` of an entry that forgets some entries."""
        return self._empty()

    @final
    def _empty(self) -> list[Any]:
        return [part.bottom for part in self.record.parts[1:-2]]

    @property
    def _forgotten(self) -> int:
        """The index of the last part of a row."""
        return len(self.record.parts) - 1

    @final
    def present(self, mine: Entry, context: OperationContext) -> Entry:
        """Return `mine`, or an empty entry that starts in this commit if another replica has forgotten all of it."""
        if mine[0] > forgetting.by_another(context.replica, context.others(), self._forgotten):
            return mine
        return (mine[0], *self._empty(), context.seq) if mine[0] else mine

    @final
    def forget(self, mine: Entry, operation: Operation, context: OperationContext) -> Entry:
        """Return an empty entry that covers all known ones."""
        known = {**context.others(), context.replica: mine}
        forgotten = forgetting.forgotten_by(context.replica, context.seq, known, self._forgotten)
        return (mine[0], *self.forgetting(known, operation), context.seq, forgotten)

    @final
    def only_forgets(self, row: Entry) -> bool:
        """Return whether an entry was not changed after it forgot the counter."""
        return len(row) > self._forgotten and row[self._forgotten - 1] == row[0]

    def tidied(self, rows: dict[str, Entry]) -> dict[str, Entry]:
        """Return rows without those that are forgotten."""
        if max(map(len, rows.values()), default=0) <= self._forgotten:
            return rows
        return forgetting.left(rows, self._forgotten)

    @final
    def merged(self, entries: Entries) -> Entries:
        if "~" in "".join(entries):
            covered = forgetting.covered(entries, self._forgotten)
            entries = {
                who: row for who, row in entries.items() if "~" not in who or row[0] > covered.get(origin(who), 0)
            }
        return merge_branches(self.record, entries)

    @final
    def absorb(self, mine: Entry, author: str, context: OperationContext) -> Entry:
        return self.absorb_all(mine, [author], context)

    @final
    def absorb_all(self, mine: Entry, authors: Sequence[str], context: OperationContext) -> Entry:
        others = context.others()
        mine = self.present(mine, context)
        for author in authors:
            theirs = others[author]
            mine = self.take_over(mine, theirs)
            if max(len(mine), len(theirs)) > self._forgotten:
                mine = self._with_forgotten(mine, author, theirs, context)
        return mine

    def _with_forgotten(self, mine: Entry, author: str, theirs: Entry, context: OperationContext) -> Entry:
        """Return my entry after it took over what an absorbed one forgot."""
        has_counts = self.value({context.replica: mine}) > 0
        found = forgetting.taken_over(
            context.replica, context.seq, mine, {author: theirs}, self._forgotten, has_counts=has_counts
        )
        parts = [self.record.at(mine, index) for index in range(self._forgotten)]
        if found.get(context.replica) == context.seq:
            parts[-1] = context.seq
        return self.record.make(*parts, found)
