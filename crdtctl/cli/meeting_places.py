"""The remotes of a replica, and how syncs with them went, in words and as data."""

from contextlib import suppress

from crdtctl.cli.durations import ago
from crdtctl.cli.output import Item
from crdtctl.errors import CrdtctlError, printable
from crdtctl.store.replica import Replica


def known_remotes(replica: Replica) -> list[Item]:
    """Return the remotes that have a name, and those that were synced with by URL or path, with how that went."""
    from crdtctl.sync import health
    from crdtctl.sync.cache import directory
    from crdtctl.sync.schemes import check, redacted

    place = directory(replica.path)
    named: dict[str, str] = {}
    with suppress(CrdtctlError):  # what is wrong with the settings is told where they are used
        for name, url in replica.remotes().items():
            named[check(url)] = name
    found = {one.url: one for one in health.load_all(place)}
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
            }
        )
    return items


def remote_words(item: Item) -> str:
    """Return in a line how syncs with a remote went."""
    said = [f"last sync {ago(item['last_ok'])}" if item["last_ok"] else "no sync yet"]
    if item["failures"]:
        number = f"{item['failures']} failure{'' if item['failures'] == 1 else 's'}"
        said.append(f"{number} since, the first {ago(item['failing_since'])}")
    if item["missing"]:
        said.append(f"{len(item['missing'])} missing there")
    if item["undeletable_since"]:
        said.append("old objects cannot be deleted there")
    error = f": {item['error']}" if item["error"] else ""
    return f"{item['name'] or item['url']}: {', '.join(said)}{error}"
