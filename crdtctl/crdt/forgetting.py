"""How counters are forgotten: the known entries leave the files of every replica that receives this.

``forget`` is a reset whose entry also records the entries that it knew. Its part `forgotten` maps a replica to the last
commit of that replica's entry. A replica that receives such an entry drops each entry that it covers, now and whenever
an old file brings one back.

* Entries are running totals. A replica that has not heard counts on, and its next entry has the forgotten counts inside
  and a larger commit. So that entry stays, and the marks of the reset cancel the forgotten counts: only its later ones
  are read. A replica that has heard counts on in its own entry as well, which stays in its own file. So totals only
  grow, and joins stay joins.
* The entry that forgets takes over the marks of the entries that it covers. They may cancel counts of others. It takes
  over their idempotency keys, with the amounts cancelled, so that a repeated job does not count again. With `keys_too`,
  it leaves them out. The sources of readings are restarted then, see `crdtctl.crdt.readings`: a source that is read
  again counts from 0, and its forgotten readings stay cancelled.
* An entry that only forgets is covered by itself: `forgotten` has its own commit. If all entries of a counter are
  covered, the counter does not exist for readers. Once its replica counts again, its commit is larger.
* An entry that forgets is dropped if a later one covers it, which took its parts over. So one entry of each counter
  remains, of the size of its marks.

Entries of a fork are covered under the id of their branch, so a branch that was not known stays. If a replica is forked
later, its forgotten entry comes back under the id of each branch. The marks still cancel its counts, and readers see no
counter if nothing else is left. Of a `gset`, the elements come back that not all branches have: they may be new.
"""

from __future__ import annotations

from crdtctl.crdt.branches import origin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from crdtctl.crdt.base import Entries, Entry


def covered(entries: Entries, part: int) -> dict[str, int]:
    """Return replica id → the last commit that is forgotten, by the maps at index `part` of the entries."""
    return _joined([row[part] for row in entries.values() if len(row) > part])


def _joined(maps: Iterable[Mapping[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in maps:
        for replica, commit in one.items():
            found[replica] = max(found.get(replica, 0), commit)
    return found


def is_forgotten(entries: Entries, part: int) -> bool:
    """Return whether all entries are covered."""
    found = covered(entries, part)
    return all(row[0] <= found.get(replica, 0) for replica, row in entries.items())


def is_forgotten_before_a_fork(entries: Entries, part: int) -> bool:
    """Return whether all entries are covered, those of branches under the id of their replica."""
    found = covered(entries, part)
    return all(row[0] <= max(found.get(one, 0) for one in (who, origin(who))) for who, row in entries.items())


def by_another(replica: str, entries: Entries, part: int) -> int:
    """Return the last commit of a replica that entries of other replicas forget; 0 for none."""
    maps = [row[part] for author, row in entries.items() if author != replica and len(row) > part]
    return max([one.get(replica, 0) for one in maps], default=0)


def left(entries: Entries, part: int) -> dict[str, Entry]:
    """Return the entries without those that the entry of another replica covers."""
    return {replica: row for replica, row in entries.items() if row[0] > by_another(replica, entries, part)}


def forgotten_by(replica: str, commit: int, entries: Entries, part: int) -> dict[str, int]:
    """Return the part of an entry that `replica` makes in a commit, which forgets all `entries`, also its own one."""
    return {**covered(entries, part), **{author: row[0] for author, row in entries.items() if row[0]}, replica: commit}


def taken_over(
    replica: str, commit: int, mine: Entry, absorbed: Entries, part: int, *, has_counts: bool
) -> dict[str, int]:
    """Return the part of `mine`, the entry of `replica`, after it took over `absorbed` entries in a commit.

    It only forgets if it has no counts now, and if all that it had before is forgotten.
    """
    found = covered({**absorbed, replica: mine}, part)
    is_blank = found.pop(replica, 0) >= mine[0] and not has_counts
    has_forgotten = any(len(row) > part for row in (mine, *absorbed.values()))
    return {**found, replica: commit} if is_blank and has_forgotten else found
