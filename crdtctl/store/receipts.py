"""Receipts of the commits of ``forget`` and ``rename``, by replica. Pure.

A commit that forgets or renames counters is a *notice*. In a header, ``received`` maps a replica to its last notice, if
the writer of the file has all commits of that replica up to it. So the field of a file announces notices, and at the
same time states that its writer has received them. ``known.json`` collects these statements in ``receipts``: replica
that made a notice → replica that has received it → the notice.

A replica counts as one without a notice until a file that it wrote itself states otherwise. So a list of the replicas
without it may contain one that has received it since then, but no replica is missing. The statements of an id with
several writers do not count, since one writer may have a notice that the other one lacks.
"""

from __future__ import annotations

from crdtctl.crdt.branches import origin
from crdtctl.crdt.clock import join_all
from crdtctl.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from crdtctl.crdt.clock import Clock
    from crdtctl.crdt.forks import Names

#: Maximum number of replicas that a line lists.
_LISTED = 10


class Unreceived(Record):
    """The notice of an `author` in its commit `commit`, and the `replicas` that may not have received it, sorted."""

    author: str
    commit: int
    replicas: tuple[str, ...]

    def __str__(self) -> str:
        more = len(self.replicas) - _LISTED
        others = f" and {more} more" if more > 0 else ""
        return (
            f"{', '.join(self.replicas[:_LISTED])}{others} may not have received what {self.author} forgot or renamed, "
            f"up to its commit {self.commit}"
        )


def received(parts: Iterable[tuple[Clock, Names]]) -> dict[str, int]:
    """Return the notices of several headers, each with the other names of ids that have forked."""
    return join_all({one: seq for who, seq in part.items() for one in names.get(who, (who,))} for part, names in parts)


def covered(notices: Clock, clock: Clock) -> dict[str, int]:
    """Return the notices whose commits are in a clock."""
    return {who: seq for who, seq in notices.items() if seq <= clock.get(who, 0)}


def collected(
    before: Mapping[str, Clock],
    statements: Iterable[tuple[str, Clock]],
    notices: Clock,
    others: Collection[str],
) -> dict[str, dict[str, int]]:
    """Return the receipts `before` together with new statements: the writer of a file, and its ``received``.

    Only receipts of the latest `notices` are kept, and only those of `others`, the known replicas without branches.
    """
    found: dict[str, dict[str, int]] = {}

    def add(author: str, who: str, commit: int) -> None:
        if who in others and author != who and commit >= notices.get(author, commit + 1):
            mine = found.setdefault(author, {})
            mine[who] = max(commit, mine.get(who, 0))

    for author, part in before.items():
        for who, commit in part.items():
            add(author, who, commit)
    for who, part in statements:
        for author, commit in part.items():
            add(author, who, commit)
    return found


def unreceived(
    notices: Clock, receipts: Mapping[str, Clock], replicas: Iterable[str], settled: Collection[str]
) -> list[Unreceived]:
    """Return the notices that some of the `replicas` may lack. Branches of a resolved fork do not write any more."""
    asked = sorted(who for who in replicas if who not in settled)
    found: list[Unreceived] = []
    for author in sorted(notices):
        has = receipts.get(author, {})
        lacking = [who for who in asked if origin(who) != origin(author) and has.get(who, 0) < notices[author]]
        if lacking:
            found.append(Unreceived(author, notices[author], tuple(lacking)))
    return found
