"""Random states for the codec: of every type and every shape that its lattice allows."""

import operator
from typing import Any, get_args

from hypothesis import strategies as st

from crdtctl.codec.header import FileKind, FormerId, Head
from crdtctl.crdt import TYPES
from crdtctl.crdt.base import TOO_LARGE, CounterType, Entry
from crdtctl.crdt.bcounter import bound_fault
from crdtctl.crdt.counter import Counter
from crdtctl.crdt.forks import ExportMarker, History, text
from crdtctl.crdt.lattice import Elements, Lattice, MapOf, Record, Registers
from crdtctl.crdt.names import counter_fault
from tests.support.sketches import SKETCHES

NUMBERS = st.integers(0, 20) | st.sampled_from(
    [2**53 - 1, 2**53, 2**63, 2**64 - 1, 2**64, 10**15, 10**16, 10**99, TOO_LARGE - 1]
)
# Few letters, so that names are often prefixes of one another; and what JSON and the look-up stumble over.
SHORT = st.text(st.sampled_from('ab"\\:{}[], 0é🦊'), min_size=1, max_size=5)
ODD = st.sampled_from(['":{"', '\\":{\\"', '"', "\\", '\\"', "\\\\", "},", "a" * 200, '"' * 200, "\\" * 200, "é" * 100])
NAMES = (SHORT | SHORT | ODD).filter(lambda text: counter_fault(text) is None)
IDS = st.sampled_from(["ann", "bob", 'quo"te', "back\\slash", "čen", "ann-1234567890123456", "ann~3.aZ09"])
SEQS = st.integers(1, 9) | st.sampled_from([2**31, 2**53 - 1])
WHEN = st.just("2026-03-01T12:00:00Z")
#: What wrong names are told from, where few texts are right ones → right ones.
SPELT: dict[object, st.SearchStrategy[str]] = {
    bound_fault: (NUMBERS | NUMBERS.map(operator.neg)).map(str),
}


def values(lattice: Lattice) -> st.SearchStrategy[Any]:
    """Return values of a lattice, in normal form."""
    match lattice:
        case Elements(fault=wrong):
            spelt = SPELT[wrong] if wrong in SPELT else SHORT.filter(lambda text: wrong(text) is None)
            return st.sets(spelt, max_size=4).map(lambda s: tuple(sorted(s)))
        case Registers():
            return SKETCHES
        case MapOf(fault=wrong, part=part):
            keys = SHORT.filter(lambda text: wrong(text) is None)
            return st.dictionaries(keys, values(part).filter(lambda value: value != part.bottom), max_size=3)
        case Record(parts=parts):
            return st.tuples(*map(values, parts)).map(lambda row: lattice.make(*row))
        case _:
            return NUMBERS


def rows(kind: CounterType) -> st.SearchStrategy[Entry]:
    """Return entries of a type."""
    return st.builds(lambda seq, row: (seq, *row[1:]), SEQS, values(kind.record))


def entries(kind: CounterType) -> st.SearchStrategy[dict[str, Entry]]:
    """Return counters of one type."""
    return st.dictionaries(IDS, rows(kind), min_size=1, max_size=3).map(kind.tidied)  # as every join leaves it


COUNTERS: st.SearchStrategy[Counter] = st.one_of(
    [st.fixed_dictionaries({tag: entries(kind)}) for tag, kind in TYPES.items()]
    + [st.fixed_dictionaries({}, optional={tag: entries(kind) for tag, kind in TYPES.items()}).filter(bool)]
)


def clock_of(counters: dict[str, Counter]) -> dict[str, int]:
    """Return the least clock that a state with these counters can have."""
    clock: dict[str, int] = {}
    for counter in counters.values():
        for authors in counter.values():
            for author, row in authors.items():
                clock[author] = max(clock.get(author, 0), row[0])
    return clock


TEXT = st.text(st.sampled_from('ab"\\/.-: é🦊'), min_size=1, max_size=20)
PAST = st.builds(FormerId, IDS, st.integers(0, 9) | st.just(2**53 - 1), TEXT, WHEN)


@st.composite
def histories(draw: st.DrawFn, limit: int) -> str:
    """Return histories of at most `limit` commits as text; often there is none."""
    history = History()
    for step in draw(st.lists(st.integers(1, 3), max_size=30)):
        if history.exported + step <= limit:
            history = history.then(ExportMarker(history.exported + step, draw(st.sampled_from(["aZ09", "-_-_"]))))
    return text(history) if history.count else ""


@st.composite
def heads(draw: st.DrawFn, clock: dict[str, int]) -> Head:
    """Return headers for a state with this clock, of every kind."""
    kind = draw(st.sampled_from(get_args(FileKind)))
    more = draw(st.dictionaries(IDS, st.integers(1, 5), max_size=2))
    clock = {**more, **clock}
    return Head(
        kind=kind,
        replica=draw(IDS),
        clock=clock,
        since=draw(st.dictionaries(IDS, SEQS, max_size=2)) if kind == "delta" else {},
        heard=draw(st.dictionaries(IDS, WHEN, max_size=2)) if kind == "known" else {},
        histories={author: history for author, seq in clock.items() if (history := draw(histories(seq)))},
        settled=tuple(sorted(draw(st.sets(IDS, max_size=2)))) if kind != "own" else (),
        past=tuple(draw(st.lists(PAST, max_size=2))) if kind == "known" else (),
        unheard=draw(st.dictionaries(IDS, st.integers(0, 9), max_size=2)) if kind == "known" else {},
        tier=draw(st.integers(0, 99)) if kind == "own" else 0,
        binding=draw(st.just("") | TEXT) if kind == "own" else "",
        witness=draw(st.just("") | TEXT) if kind == "own" else "",
    )


@st.composite
def states(draw: st.DrawFn, max_size: int = 5) -> tuple[Head, dict[str, Counter]]:
    """Return whole states: a header and counters by name."""
    counters = draw(st.dictionaries(NAMES, COUNTERS, max_size=max_size))
    return draw(heads(clock_of(counters))), counters
