"""The objects of other replicas at each remote, as the last syncs saw them.

The keeper of a remote may hide newer objects, or bring older ones back. No total becomes wrong by that. It is noticed
where another way shows newer commits: another remote, a file, or an earlier listing of the same remote.
"""

from __future__ import annotations

from crdtctl.records import NamedTuple, replace
from crdtctl.sync import cache
from crdtctl.sync.object_name import last_sync_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from crdtctl.crdt.clock import Clock
    from crdtctl.sync.plan import CachedObject
    from crdtctl.sync.remote_session import RemoteSession


class Sighting(NamedTuple):
    """The newest object of a replica at the remote `url`: its commit, and the time of the replica's last sync there.

    The time is in seconds since the epoch; 0 if it is unknown.
    """

    url: str
    replica: str
    commit: int
    time: float


def sightings(directory: str, urls: Iterable[str]) -> list[Sighting]:
    """Return the newest object of each replica at each remote, from the caches in a directory."""
    found = []
    for url in urls:
        objects = cache.load(directory, url).values()
        times: dict[str, float] = {}
        for cached in objects:
            if cached.summary is not None:
                when = last_sync_time(cached.entry.name) or 0
                times[cached.summary.owner] = max(when, times.get(cached.summary.owner, 0))
        found += [Sighting(url, who, commit, times[who]) for who, commit in sorted(newest_commits(objects).items())]
    return found


def newest_commits(objects: Iterable[CachedObject]) -> dict[str, int]:
    """Return the commit of the newest object of each replica."""
    newest: dict[str, int] = {}
    for cached in objects:
        summary = cached.summary
        if summary is not None and summary.is_whole and summary.owner in summary.clock:
            newest[summary.owner] = max(summary.clock[summary.owner], newest.get(summary.owner, 0))
    return newest


def report_older(session: RemoteSession) -> None:
    """Report the replicas whose objects at a remote are all older than at the last sync, once.

    A listing of a remote that is not consistent may be late, so the next listing has to agree.
    """
    health = session.health
    former = {**newest_commits(session.saved.values()), **health.suspected, **health.older}
    there = newest_commits(session.present)
    found = {who: (there[who], commit) for who, commit in former.items() if who in there and there[who] < commit}
    is_sure = session.transport.is_consistent
    sure = {who: both for who, both in found.items() if is_sure or who in health.suspected or who in health.older}
    session.report.older = {who: both for who, both in sure.items() if who not in health.older}
    session.health = replace(
        health,
        older={who: commit for who, (_, commit) in sure.items()},
        suspected={who: commit for who, (_, commit) in found.items() if who not in sure},
    )


def outdated(found: Iterable[Sighting], clock: Clock, heard: Mapping[str, str], latest: str) -> Iterator[Sighting]:
    """Yield the objects that are older than commits that were known at the time `latest`.

    `heard` has the arrival time of the newest commits of each replica, as text in UTC.
    """
    for one in found:
        if one.commit < clock.get(one.replica, 0) and "" < heard.get(one.replica, "") <= latest:
            yield one
