"""Totals of counters → the text formats of Prometheus and OpenMetrics. Pure.

The name of a metric is the name of the counter, with ``_`` for every character other than a letter, a digit and ``_``,
and with ``_`` before a digit at the beginning. Some counters have further metrics, whose names begin so. If two
counters come to the same name, neither has a metric: it would show one counter on one day, and the other on the next.
The names of metrics about the replica itself are taken as well.
"""

from __future__ import annotations

from crdtctl.errors import PartialError, printable
from crdtctl.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from crdtctl.crdt.distribution import Distribution
    from crdtctl.store.totals import Total

_WORD = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
#: The ends of the samples of a counter or histogram. A gauge whose name ends so is called otherwise.
_ENDS = ("_total", "_created", "_bucket", "_count", "_sum", "_info")
#: Type of a metric → the ends of the names that no other metric may have.
_TAKEN = {
    "counter": ("", "_total", "_created"),
    "gauge": ("",),
    "histogram": ("", "_bucket", "_count", "_sum", "_created"),
}
_TYPES = {"gcounter": "counter", "hist": "histogram"}
_UPS, _DOWNS, _ERROR = "increments", "decrements", "standard_error"
#: Type of a counter → the ends of the names of its further metrics, and the type of these.
_FURTHER = {"pncounter": ((_UPS, "counter"), (_DOWNS, "counter")), "hll": ((_ERROR, "gauge"),)}

#: The metrics about a replica, all of them gauges, and the text about each.
UP = "crdtctl_up"
LAST_SYNC = "crdtctl_last_sync_timestamp_seconds"
HEARD = "crdtctl_heard_timestamp_seconds"
_ABOUT = {
    UP: "Whether the last sync with every remote succeeded",
    LAST_SYNC: "Time of the last successful sync with a remote, 0 before the first one",
    HEARD: "Time when the last news of a replica arrived",
}


class Metric(NamedTuple):
    """A metric: its name without an end, its type, the text about it, and the totals that it shows.

    `part` names the figure of the totals that it shows; it is empty for the value.
    """

    name: str
    kind: str
    part: str
    about: str
    totals: list[Total]


def metrics(totals: Iterable[Total]) -> tuple[list[Metric], list[str]]:
    """Return the metrics of totals, sorted by name, and the spellings of the totals that have none, because of a clash.

    A total that is there twice has one sample.
    """
    groups: dict[tuple[str, str], list[Total]] = {}
    for total in totals:
        groups.setdefault((total.name, total.tag), []).append(total)
    found = [_of_counter(name, tag, several) for (name, tag), several in groups.items()]
    users = dict.fromkeys(_ABOUT, 1)
    for several in found:
        for end in _names(several):
            users[end] = users.get(end, 0) + 1
    clear, clashing = [], []
    for several in found:
        if all(users[name] == 1 for name in _names(several)):
            kept, others = _apart(several[0].totals)
            clear += [one._replace(totals=kept) for one in several]
            clashing += others
        else:
            clashing += [total.spelling for total in several[0].totals]
    return sorted(clear, key=lambda one: one.name), clashing


def left_out(clashing: Sequence[str]) -> PartialError:
    """Return the error for counters whose names clash."""
    shown = ", ".join(f"'{printable(one)}'" for one in clashing[:3])
    more = f" and {len(clashing) - 3} more" if len(clashing) > 3 else ""
    return PartialError(
        f"left out, as another one has the same metric name: {shown}{more}", "see 'crdtctl help metrics'"
    )


def text(found: Iterable[Metric], form: str) -> Iterator[str]:
    """Yield the lines of metrics in the format "prom" or "openmetrics"."""
    is_open = form == "openmetrics"
    for one in found:
        end = "_total" if one.kind == "counter" else ""
        family = one.name if is_open else one.name + end
        about = one.about.replace("\\", "\\\\")
        yield f"# HELP {family} " + (about.replace('"', '\\"') if is_open else about)
        yield f"# TYPE {family} {one.kind}"
        for total in one.totals:
            pairs = [_pair(key, value) for key, value in _labels(total.labels).items()]
            if one.kind == "histogram":
                yield from _histogram(one.name, pairs, total.distribution, is_open=is_open)
            else:
                yield f"{one.name}{end}{_braced(pairs)} {_figure(total, one.part)}"
    if is_open:
        yield "# EOF"


def about_replica(*, up: bool, remotes: Mapping[str, float], heard: Mapping[str, float]) -> Iterator[str]:
    """Yield the lines of the metrics about a replica, in the format "prom".

    `remotes` maps each remote to the time of its last successful sync, and `heard` each other replica to the arrival
    of its last news, in seconds since 1970.
    """
    samples = {
        UP: [f"{UP} {int(up)}"],
        LAST_SYNC: [f"{LAST_SYNC}{{{_pair('remote', name)}}} {int(when)}" for name, when in remotes.items()],
        HEARD: [f"{HEARD}{{{_pair('replica', name)}}} {int(when)}" for name, when in heard.items()],
    }
    for name, lines in samples.items():
        if lines:
            yield f"# HELP {name} {_ABOUT[name]}"
            yield f"# TYPE {name} gauge"
            yield from lines


def _of_counter(name: str, tag: str, totals: list[Total]) -> list[Metric]:
    """Return the metrics of the totals of one name and type."""
    kind = _TYPES.get(tag, "gauge")
    mapped, about = _name(name, kind), f"{name} ({tag})"
    further = [
        Metric(f"{mapped}_{part}", its_kind, part, f"{about}: {part.replace('_', ' ')}", totals)
        for part, its_kind in _FURTHER.get(tag, ())
    ]
    return [Metric(mapped, kind, "", about, totals), *further]


def _names(several: Iterable[Metric]) -> Iterator[str]:
    """Yield the names that are taken by metrics."""
    for one in several:
        for end in _TAKEN[one.kind]:
            yield one.name + end


def _figure(total: Total, part: str) -> float:
    if part == _ERROR:
        return total.facts.get(_ERROR, 0)  # an empty sketch has none
    return total.ups_and_downs[part == _DOWNS] if part else total.value


def _name(name: str, kind: str) -> str:
    """Return the name of the metric of a counter, without the end ``_total`` of the samples of a counter."""
    mapped = "".join([letter if letter in _WORD else "_" for letter in name])
    if mapped[0].isdigit():
        mapped = f"_{mapped}"
    if kind == "counter":
        mapped = mapped.removesuffix("_total") or mapped
    return f"{mapped}_value" if mapped.endswith(_ENDS) else mapped


def _apart(totals: Sequence[Total]) -> tuple[list[Total], list[str]]:
    """Return the totals whose labels differ, and the spellings of those that have the same labels."""
    by_labels: dict[tuple[tuple[str, str], ...], list[Total]] = {}
    for total in totals:
        by_labels.setdefault(tuple(_labels(total.labels).items()), []).append(total)
    kept, clashing = [], []
    for several in by_labels.values():
        if all(one.counters == several[0].counters for one in several):
            kept.append(several[0])
        else:
            clashing.append(several[0].spelling)
    return kept, clashing


def _labels(labels: Mapping[str, str]) -> dict[str, str]:
    """Return labels without empty values, and with ``exported_`` before a key that the formats use themselves."""
    kept: dict[str, str] = {}
    for key, value in labels.items():
        if value:
            called = key
            while called == "le" or called.startswith("__") or (called != key and called in labels):
                called = f"exported_{called}"
            kept[called] = value
    return kept


def _histogram(name: str, pairs: Sequence[str], found: Distribution, *, is_open: bool) -> Iterator[str]:
    """Yield the samples of a distribution. OpenMetrics allows no sum and no count if there are negative limits."""
    steps, count = [*found.steps()], found.count
    for upper, cumulative in steps:
        limit = f'le="{float(upper)}"'
        yield f"{name}_bucket{_braced([*pairs, limit])} {cumulative}"
    infinite = 'le="+Inf"'
    yield f"{name}_bucket{_braced([*pairs, infinite])} {count}"
    if not (is_open and steps and steps[0][0].startswith("-")):
        yield f"{name}_sum{_braced(pairs)} {found.total}"
        yield f"{name}_count{_braced(pairs)} {count}"


def _braced(pairs: Sequence[str]) -> str:
    return f"{{{','.join(pairs)}}}" if pairs else ""


def _pair(key: str, value: str) -> str:
    value = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'{key}="{value}"'
