"""The remotes of a replica and the outcome of its syncs with them, in words and as data."""

from __future__ import annotations

import time

from crdtctl.cli.durations import ago, length, seconds_at
from crdtctl.contexts import suppress
from crdtctl.errors import AnswerIsNo, CrdtctlError, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from crdtctl.cli.output import Item
    from crdtctl.store.reader import Reader
    from crdtctl.store.snapshot import Snapshot

#: Largest difference of two clocks in seconds that is tolerated.
_AHEAD = 300
#: Seconds after which newer commits should have arrived at all remotes of their replica.
_DAY = 86_400


def known_remotes(replica: Reader) -> list[Item]:
    """Return the configured remotes, then those used by URL or path, each with the outcome of its syncs."""
    from crdtctl.sync import health
    from crdtctl.sync.kept_files import directory

    configured: dict[str, str] = {}
    with suppress(CrdtctlError):  # faults of the settings are reported where the settings are used
        configured = replica.remotes()
    found = {one.url: one for one in health.load_all(directory(replica.path))}
    if not configured and not found:
        return []
    from crdtctl.sync.schemes import check, redacted

    named: dict[str, str] = {}
    with suppress(CrdtctlError):
        for name, url in configured.items():
            named[check(url)] = name
    items = []
    for url in [*named, *(url for url in found if url not in named)]:
        one = found.get(url, health.Health(url))
        items.append(
            {
                "name": named.get(url),
                "url": redacted(url),
                "last_ok": one.last_ok or None,
                "last_try": one.last_try or None,
                "failures": one.failures,
                "failing_since": one.failing_since or None,
                "error": one.error or None,
                "exit": one.status,
                "missing": [printable(name) for name in sorted(one.missing)],
                "undeletable_since": one.undeletable or None,
                "key": one.key or None,
            }
        )
    return items


def of_others(replica: Reader, now: Snapshot) -> tuple[dict[str, str], list[Item]]:
    """Return the time of the last sync of each replica that has an object at a remote, and the outdated objects.

    An object is outdated if newer commits of its owner have been known for a day.
    """
    from crdtctl.sync import health
    from crdtctl.sync.kept_files import directory

    place = directory(replica.path)
    urls = [one.url for one in health.load_all(place)]
    if not urls:
        return {}, []
    from crdtctl.sync.schemes import redacted
    from crdtctl.sync.sightings import outdated, sightings

    found = sightings(place, urls)
    last: dict[str, float] = {}
    for one in found:
        last[one.replica] = max(one.time, last.get(one.replica, 0))
    clock = now.clock()
    old = outdated(found, clock, now.heard(), health.stamp(time.time() - _DAY))
    items = [
        {
            "url": redacted(one.url),
            "replica": one.replica,
            "commit": one.commit,
            "known": clock[one.replica],
            "last_sync": health.stamp(one.time) if one.time else None,
        }
        for one in old
    ]
    return {who: health.stamp(when) for who, when in last.items() if when}, items


def late(remotes: Sequence[Item], age: float, now: float) -> AnswerIsNo | None:
    """Return the failed check that every remote was synced within `age` seconds before `now`, or None.

    Times that are further ahead than clocks differ are wrong, so they are late as well.
    """
    if not remotes:
        return AnswerIsNo("this replica has no remote, and was never synced", "'crdtctl remote add' adds one")
    named = []
    for one in remotes:
        when = seconds_at(one["last_ok"] or "")
        if when is None or not -_AHEAD <= now - when <= age:
            named.append(f"{one['name'] or one['url']} ({ago(one['last_ok'], now) if one['last_ok'] else 'never'})")
    if not named:
        return None
    return AnswerIsNo(
        f"{len(named)} of {len(remotes)} remotes had no successful sync within {length(age)}: {', '.join(named)}",
        "'crdtctl status --format table' shows the last error; 'crdtctl remote remove' ends a remote",
    )


def remote_words(item: Item) -> str:
    """Return one line about the syncs with a remote."""
    parts = [f"last sync {ago(item['last_ok'])}" if item["last_ok"] else "no sync yet"]
    if item["failures"]:
        number = f"{item['failures']} failure{'' if item['failures'] == 1 else 's'}"
        parts.append(f"{number} since, the first {ago(item['failing_since'])}")
    if item["missing"]:
        parts.append(f"{len(item['missing'])} missing at the remote")
    if item["undeletable_since"]:
        parts.append("old objects cannot be deleted at the remote")
    if item["key"]:
        parts.append(f"private, with the key {item['key']}")
    error = f": {item['error']}" if item["error"] else ""
    return f"{item['name'] or item['url']}: {', '.join(parts)}{error}"
