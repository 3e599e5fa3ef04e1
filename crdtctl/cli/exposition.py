"""Totals of counters → the text formats of Prometheus and OpenMetrics. Pure.

The name of a metric is the name of the counter, with ``_`` for every character other than a letter, a digit and ``_``,
and with ``_`` before a digit at the beginning. If two counters come to the same name, neither has a metric: it would
show one counter on one day, and the other on the next.
"""

from __future__ import annotations

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


class Metric(NamedTuple):
    """A metric: its name without an end, its type, the text about it, and the totals that it shows."""

    name: str
    kind: str
    about: str
    totals: list[Total]


def metrics(totals: Iterable[Total]) -> tuple[list[Metric], list[str]]:
    """Return the metrics of totals, sorted by name, and the spellings of the totals that have none, because of a clash.

    A total that is there twice has one sample.
    """
    found: dict[tuple[str, str], Metric] = {}
    for total in totals:
        key = total.name, total.tag
        if key not in found:
            kind = _TYPES.get(total.tag, "gauge")
            found[key] = Metric(_name(total.name, kind), kind, f"{total.name} ({total.tag})", [])
        found[key].totals.append(total)
    users: dict[str, int] = {}
    for one in found.values():
        for end in _TAKEN[one.kind]:
            users[one.name + end] = users.get(one.name + end, 0) + 1
    clear, clashing = [], []
    for one in found.values():
        if all(users[one.name + end] == 1 for end in _TAKEN[one.kind]):
            kept, others = _apart(one.totals)
            clear.append(one._replace(totals=kept))
            clashing += others
        else:
            clashing += [total.spelling for total in one.totals]
    return sorted(clear, key=lambda one: one.name), clashing


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
            pairs = [f'{key}="{_escaped(value)}"' for key, value in _labels(total.labels).items()]
            if one.kind == "histogram":
                yield from _histogram(one.name, pairs, total.distribution, is_open=is_open)
            else:
                yield f"{one.name}{end}{_braced(pairs)} {total.value}"
    if is_open:
        yield "# EOF"


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
    buckets, count = found.buckets(), found.count
    for one in buckets:
        limit = f'le="{float(one.upper)}"'
        yield f"{name}_bucket{_braced([*pairs, limit])} {one.cumulative}"
    infinite = 'le="+Inf"'
    yield f"{name}_bucket{_braced([*pairs, infinite])} {count}"
    if not (is_open and buckets and buckets[0].upper.startswith("-")):
        yield f"{name}_sum{_braced(pairs)} {found.total}"
        yield f"{name}_count{_braced(pairs)} {count}"


def _braced(pairs: Sequence[str]) -> str:
    return f"{{{','.join(pairs)}}}" if pairs else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
