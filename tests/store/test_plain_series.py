"""Totals of series that are read as bytes are those of the entries that the codec decodes."""

from collections.abc import Sequence

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from crdtctl.codec.header import Head, encode_head
from crdtctl.codec.layout import InMemory, assemble
from crdtctl.codec.lines import encode_line
from crdtctl.codec.reader import Source
from crdtctl.crdt import TYPES
from crdtctl.crdt.base import Entry
from crdtctl.crdt.counter import Counter
from crdtctl.crdt.periods import start_of
from crdtctl.crdt.selector import Selector, condition, selector
from crdtctl.crdt.series import spelled
from crdtctl.errors import UsageError
from crdtctl.store import plain_series, selection, series_columns
from crdtctl.store.counters import CounterSnapshot
from crdtctl.store.totals import Total
from tests.support.tape import Tape, from_tape
from tests.support.times import QUARTERS, periods_from

Lines = dict[str, Counter]
ODD_NAMES = ("a", "a.b", "a{b}", 'a{x="1"', 'a{x="1",x="2"}', 'a{y="\\\\"}', 'a{é="1"}', 'a{x="é"}', "b", 'b{x="1"}')
CONDITIONS = ("x=1", "x!=1", "x=", "y=?")


def entry_from(tape: Tape, tag: str) -> Entry:
    """Return an entry of numbers, mostly with nothing else, or with periods."""
    width = TYPES[tag].record.required
    numbers = (1 + tape.below(9), *(tape.choose((0, 1, 7, 2**53)) for _ in range(width - 1)))
    kind = tape.below(8)
    none: Entry = ({}, {}, {}, {}, 0, {})
    if kind < 3:
        periods = periods_from(tape, width - 1)
        return TYPES[tag].record.make(*numbers, *none, 1 + tape.below(4), tape.choose((0, 96)), periods)
    if kind == 3:
        marks = {"ann": (1,) * (width - 1)} if tape.below(2) else {}
        once = {"k": (*(1,) * (width - 1), 1)}
        return TYPES[tag].record.make(*numbers, once, marks, *none[2:], 2, 0, periods_from(tape, width - 1))
    return numbers


def lines_from(tape: Tape, authors: tuple[str, ...]) -> Lines:
    """Return some counters, mostly series of one name and type."""
    found: Lines = {}
    for _ in range(tape.below(6)):
        labels = {key: tape.choose("123") for key in "xy" if tape.below(3)}
        name = tape.choose(ODD_NAMES) if tape.below(12) == 0 else spelled("a", labels)
        tag = tape.choose(("gcounter", "gcounter", "pncounter", "gset"))
        if tag == "gset":
            found[name] = {"gset": {authors[0]: (1, {tape.choose("efg"): 1})}} if tape.below(3) == 0 else {}
        else:
            found[name] = {tag: {who: entry_from(tape, tag) for who in authors if tape.below(3)}}
    return {name: counter for name, counter in found.items() if counter and all(counter.values())}


class Undecided(CounterSnapshot):
    """A snapshot whose settings choose no type."""

    def meant(self, name: str, series: Sequence[str] = ()) -> str:
        raise UsageError(f"'{name}' has several types")


def snapshot(own: Lines, known: Lines) -> CounterSnapshot:
    sources = []
    clock = {"ann": 9, "bob": 9, "eve": 9, "ann~3.aZ09": 9}
    for lines in (own, known):
        head = encode_head(Head("known", "ann", clock, periods=True))
        data = assemble(head, [encode_line(name, lines[name]) for name in sorted(lines, key=str.encode)])
        sources.append(Source(InMemory(data), len(data), ours=True))
    return Undecided(None, *sources)  # type: ignore[arg-type]  # the settings are not needed


def shown(found: list[Total], since: int | None) -> list[object]:
    """Return what is shown of totals: their values, or the settings and the counts since a quarter of an hour."""
    plain: list[object] = [(one.name, one.labels, one.tag, one.value, one.facts) for one in found]
    for one in found:
        if since is not None and (one.has_periods or one.known is not None):
            known = one.timeline
            plain.append((known.every, known.keep, {span: n for span, n in known.periods.items() if span[1] > since}))
    return plain


SNAPSHOTS = from_tape(
    lambda tape: (
        lines_from(tape, ("ann",)),
        lines_from(tape, ("bob", "eve", *(("ann~3.aZ09",) * (tape.below(9) < 1)))),
    ),
    1024,
)


@given(
    files=SNAPSHOTS,
    where=st.lists(st.sampled_from(CONDITIONS), max_size=1),
    keys=st.lists(st.sampled_from("xyz"), max_size=2, unique=True),
    each=st.booleans(),
    tag=st.sampled_from([None, None, "gcounter", "pncounter"]),
    since=st.none() | st.sampled_from(QUARTERS),
)
def test_totals_read_as_bytes_are_those_of_the_codec(
    files: tuple[Lines, Lines], where: list[str], keys: list[str], each: bool, tag: str | None, since: int | None
) -> None:
    now = snapshot(*files)
    wanted = selector("a", [condition(text) for text in where])
    expected = selection.totals(now, wanted, keys, each=each, tag=tag)
    found = plain_series.totals(now, wanted, keys, each=each, tag=tag, since=since)
    event(f"{min(len(expected), 3)} totals, {'values' if since is None else 'since'}")
    assert shown(found, since) == shown(expected, since)


def test_plain_series_are_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    row: Entry = (3, 7, 2, {}, {}, {}, {}, 0, {}, 2, 0, "h10:1-2 h90:5,1")
    lines: Lines = {spelled("a", {"n": f"{n:03}"}): {"pncounter": {"bob": row}} for n in range(100)}
    now = snapshot({"a": {"pncounter": {"ann": (1, 1, 0)}}}, lines)
    monkeypatch.setattr(Source, "decode", None)
    (found,) = plain_series.totals(now, Selector("a"), since=start_of((2, 91)))
    assert found.value == 501
    assert found.timeline.periods == {(364, 368): 100}


def dated(seq: int, every: int, text: str) -> Entry:
    return (seq, 9, 0, {}, {}, {}, {}, 0, {}, every, 0, text)


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        ({"ann": dated(1, 2, "h9:1")}, {"ann": dated(2, 2, "h9:2")}),  # a newer version of the own entry
        ({"ann": dated(1, 2, "h9:1")}, {"ann~3.aZ09": dated(2, 2, "h9:2")}),  # a branch of a fork
        ({"ann": dated(1, 2, "h9:1")}, {"bob": dated(2, 3, "q37:2")}),  # other settings
    ],
)
def test_entries_of_both_files_are_one_counter(mine: dict[str, Entry], theirs: dict[str, Entry]) -> None:
    coarse: Counter = {"pncounter": {"bob": dated(1, 1, "d0:5")}}
    now = snapshot({'a{x="1"}': {"pncounter": mine}}, {'a{x="1"}': {"pncounter": theirs}, 'a{x="2"}': coarse})
    for wanted in (selector("a"), selector('a{x="1"}')):
        expected, found = selection.totals(now, wanted), plain_series.totals(now, wanted, since=0)
        assert shown(found, 0) == shown(expected, 0)


@pytest.mark.parametrize(
    "entry",
    [
        *(b"[0,1]", b"[1,01]", b"[1,-1]", b"[1,9007199254740992]", b"[1]", b"[1,1,1]", b"[1,1", b"[1, 1]"),
        *(
            b"[1,1,{},{},{},{},0,{},%b]" % tail
            for tail in (b"", b"4", b"0", b"1,0", b'1,0,"d1:1', b'1,0,"d1;1"', b'1,"d1:1"')
        ),
    ],
)
def test_damaged_entry_is_left_to_the_codec(entry: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    data = assemble(encode_head(Head("own", "ann", {"ann": 9})), [b'"a":{"gcounter":{"ann":%b}}' % entry])
    now = CounterSnapshot(None, Source(InMemory(data), len(data), ours=True), None)  # type: ignore[arg-type]
    read: list[bytes] = []

    def noted(_: Source, line: bytes) -> Counter:
        read.append(line)
        return {"gcounter": {"ann": (1, 1)}}

    monkeypatch.setattr(Source, "read", noted)
    plain_series.totals(now, Selector("a"))
    assert len(read) == 1


@pytest.mark.parametrize("special", [(), (3,), (0, 700, 1199)])
def test_many_series_beside_special_ones_have_the_totals_of_the_codec(special: tuple[int, ...]) -> None:
    lines: Lines = {
        spelled("a", {"n": f"{n:04}"}): {"pncounter": {"bob": dated(1 + n % 7, 2, f"h{n % 50}:{n % 13 or 1}-2")}}
        for n in range(1200)
    }
    for n in special:
        lines[spelled("a", {"n": f"{n:04}"})] = {"pncounter": {"bob": (3, 5, 0, {"k": (2, 0, 1)})}}
    lines["a"] = {"pncounter": {"bob": dated(1, 3, "q99:5"), "eve": dated(2, 2, "h40:5")}}
    now = snapshot({spelled("a", {"n": "0007"}): {"pncounter": {"ann": dated(1, 1, "d3:1")}}}, lines)
    since = start_of((2, 30))
    assert shown(plain_series.totals(now, Selector("a"), since=since), since) == shown(
        selection.totals(now, Selector("a")), since
    )


def test_columns_hold_the_sums_and_how_often_periods_are_there() -> None:
    maps = b"{},{},{},{},0,{}"
    bodies = [
        b'"pncounter":{"ann":[1,2,3]}}',
        b'"pncounter":{"bob":[9,20,30,%b,2,0,"h1:1"]}}' % maps,
        b'"pncounter":{"eve":[9,0,0,%b,3,0,"h1:1"]}}' % maps,
        b'"pncounter":{"bob":[9,0,0,%b,2]}}' % maps,
    ]
    found = series_columns.read(bodies)
    assert found == ("pncounter", (22, 33), {(2, 0), (3, 0)}, {b"h1:1": 2, b"": 1})


@pytest.mark.parametrize(
    "body",
    [
        *(
            b'"gcounter":{"ann":[%b]}}' % row
            for row in (b"0,1", b"1,01", b"1,-1", b"1,-0", b"1,9007199254740992", b"1,")
        ),
        *(b'"gcounter":{"ann":[%b]}}' % row for row in (b"1", b"1,1,1", b"1,+1", b"1, 1", b"1,1,{},{},{},{},0,{},4")),
        *(b'"gcounter":{"%b":[1,1]}}' % replica for replica in (b"ann~3.aZ09", b"", b"-a", b'a":["b')),
        *(b'"gcounter":{"ann":[1,1%b' % end for end in (b"", b"]", b"]}", b"]}} ", b'],"bob":[1,1]}}')),
        *(
            b'"pncounter":{"ann":[1,1,0]}}',
            b'"gcounter":{"ann":[1,1]}}\n"gcounter":{"ann":[1,1]}}',
            b'"gcounter":{"ann":[1,1]},"gset":{"ann":[1,{}]}}',
            b"",
            b'"',
        ),
    ],
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_columns_of_other_lines_are_left(body: bytes, place: int) -> None:
    bodies = [b'"gcounter":{"ann":[1,1]}}'] * 3
    assert series_columns.read(bodies).sums == (3,)
    with pytest.raises((ValueError, LookupError)):
        series_columns.read([*bodies[:place], body, *bodies[place + 1 :]])


def test_columns_of_rows_of_different_widths_are_left() -> None:
    with pytest.raises((ValueError, LookupError)):
        series_columns.read([b'"gcounter":{"ann":[1]}}', b'"gcounter":{"ann":[1,1,1]}}'])
