"""Counters at one moment → the data of a report: trees of texts and numbers, which JSON can hold. Pure."""

from __future__ import annotations

from datetime import UTC

from crdtctl.cli.distributions import figures_of, is_distribution, quantiles
from crdtctl.cli.output import json_int
from crdtctl.cli.per import Question, answers
from crdtctl.crdt.series import parts
from crdtctl.store.totals import grouped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from crdtctl.cli.output import Item
    from crdtctl.store.reading import Reading
    from crdtctl.store.snapshot import Snapshot
    from crdtctl.store.totals import Total

#: Number of days that a report shows, today included.
DAYS = 400
#: Seconds.
DAY = 86_400


def report_data(now: Snapshot, readings: Iterable[Reading], remotes: Sequence[Item], made: float) -> Item:
    """Return the data of a report about counters: totals, shares, labels, days, series, replicas and remotes.

    `made` is the time of the report in seconds since 1970, and `remotes` are those of `known_remotes`. A whole number
    beyond 2^53 is a text of digits.
    """
    found = [*{(one.name, one.tag): one for one in readings}.values()]
    totals = grouped(found, {}, ())
    days = _days(totals, made)
    counters = [_counter(total, days.get(place, [])) for place, total in enumerate(totals)]
    places = {(total.name, total.tag): place for place, total in enumerate(totals)}
    series = [_series(one, places) for one in found]
    return {
        "replica": now.id,
        "made": int(made),
        "counters": counters,
        "series": series,
        "replicas": _replicas(now),
        "remotes": [_remote(one) for one in remotes],
    }


def _counter(total: Total, days: Sequence[tuple[int, int]]) -> Item:
    """Return the item of the counters of one name and type. A day is its number since 1970, with its amount."""
    keys = sorted({key for one in total.counters for key in parts(one.name)[1]})
    item: Item = {
        "name": total.name,
        "type": total.tag,
        "value": json_int(total.value),
        "series": len(total.counters),
        "shares": {replica: json_int(share) for replica, share in total.shares.items()},
        "labels": {key: _by_label(total, key) for key in keys},
        "days": [[day, json_int(amount)] for day, amount in days],
    }
    if is_distribution(total):
        figures = figures_of(total.distribution, quantiles(None))
        item["figures"] = {key: figures[key] for key in ("sum", "mean", "min", "max")} | figures["quantiles"]
    return item


def _by_label(total: Total, key: str) -> list[list[object]]:
    """Return each value of a label, and the value of the counters that have it together."""
    return [[one.labels[key], json_int(one.value)] for one in grouped(total.counters, {}, (key,))]


def _series(one: Reading, places: Mapping[tuple[str, str], int]) -> list[object]:
    """Return the place of a series' counter in the list of counters, its labels, and its value."""
    name, labels = parts(one.name)
    return [places[name, one.tag], labels, json_int(one.value)]


def _days(totals: Sequence[Total], made: float) -> dict[int, list[tuple[int, int]]]:
    """Return the place of a total → the days that have counts, each with its amount."""
    dated = [place for place, total in enumerate(totals) if total.has_periods]
    if not dated:
        return {}
    first = int(made // DAY) - DAYS + 1
    asked = Question("day", UTC, first * DAY, None, False, made)
    edges, found = answers([totals[place] for place in dated], asked)
    numbers = [edge // DAY for edge in edges[:-1]]
    return {
        place: [(day, amount) for day, amount in zip(numbers, one.found.values, strict=True) if amount]
        for place, one in zip(dated, found, strict=True)
    }


def _replicas(now: Snapshot) -> list[Item]:
    """Return the known replicas, this one first, then the one with the latest news."""
    heard, own = now.heard(), now.id
    clock = {own: now.commits, **now.clock()}
    items: list[Item] = [
        {"replica": one, "commits": commits, "heard": heard.get(one), "own": one == own}
        for one, commits in clock.items()
    ]
    items.sort(key=lambda item: item["replica"])
    items.sort(key=lambda item: item["heard"] or "", reverse=True)
    items.sort(key=lambda item: not item["own"])
    return items


def _remote(item: Item) -> Item:
    """Return the figures of a remote in a report."""
    return {
        "remote": item["name"] or item["url"],
        "last": item["last_ok"],
        "failures": item["failures"],
        "error": item["error"],
    }
