"""Periods of bcounter, hll and hist, against an oracle that is a list of times and of what was counted."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdtctl.crdt import TYPES, distribution, hyperloglog
from crdtctl.crdt.base import CounterType, Entry, Operation, OperationContext, Refused
from crdtctl.crdt.periodic import Periodic
from crdtctl.crdt.periods import QUARTER

START = 20_455 * 96
TIMES = (0, 0, 1, 3, 4, 95, 96, 200, 96 * 31, 96 * 365, -96 * 365, -START)
AUTHORS = ("ann", "bob", "čen")
TAGS = ("bcounter", "hll", "hist")
each_tag = pytest.mark.parametrize("tag", TAGS)
TAPES = st.binary(min_size=32, max_size=160)
DAILY = Operation("create", every=1, keep=96 * 400)


def periodic(tag: str) -> Periodic:
    kind = TYPES[tag]
    assert isinstance(kind, Periodic)
    return kind


def counts(tag: str, number: int, when: int | None = None) -> Operation:
    """Return an operation that counts a number."""
    at = None if when is None else when * QUARTER
    if tag == "bcounter":
        return Operation("decrement" if number % 3 == 0 else "increment", 1 + number, at=at)
    return Operation("add", elements=(str(number),), at=at)


def amount(tag: str, numbers: Iterable[int]) -> Any:
    """Return what numbers give together."""
    found = list(numbers)
    if tag == "bcounter":
        up = [1 + number for number in found if number % 3]
        return sum(up), sum(1 + number for number in found if number % 3 == 0)
    if tag == "hll":
        return hyperloglog.sketch(12, [str(number).encode() for number in found]) if found else ""
    return distribution.of([number * 10**30 for number in found]).at("c").counts


def plain(tag: str, found: Any) -> Any:
    """Return an amount in the form of `amount`."""
    return found.at("c").counts if tag == "hist" else found


def context(author: str, seq: int, state: dict[str, Entry], quarter: int = START) -> OperationContext:
    others = {who: row for who, row in state.items() if who != author}
    return OperationContext(author, seq, lambda: others, heard=lambda: others, now=quarter * QUARTER)


class World:
    """Replicas of one counter, every state that one of them held, and what each of these has seen."""

    def __init__(self, tag: str, tape: bytes, *, keep: int) -> None:
        self.tag = tag
        self.kind: CounterType = TYPES[tag]
        #: Commit → quarter of an hour and number.
        self.counted: dict[tuple[str, int], tuple[int, int]] = {}
        self.moments: list[tuple[str, dict[str, Entry], frozenset[tuple[str, int]]]] = []
        seqs = dict.fromkeys(AUTHORS, 0)
        state: dict[str, Entry] = {}
        create = Operation("create", every=3, keep=keep, bound=0, initial=0) if tag == "bcounter" else None
        for author in AUTHORS:
            row = self.kind.apply(None, create or Operation("create", every=3, keep=keep), context(author, 1, {}))
            assert row is not None
            state[author], seqs[author] = row, 1
        now = {author: (dict(state), frozenset[tuple[str, int]]()) for author in AUTHORS}
        for who, what, which, number in zip(*[iter(tape)] * 4, strict=False):
            author = AUTHORS[who % 3]
            mine, seen = now[author]
            if what % 3 and self.moments:
                _, theirs, saw = self.moments[which % len(self.moments)]
                now[author] = self.kind.join_all(mine, theirs), seen | saw
            else:
                when = START + TIMES[which % len(TIMES)]
                try:
                    row = self.kind.apply(
                        mine[author], counts(tag, number), context(author, seqs[author] + 1, mine, when)
                    )
                except Refused:  # it has no rights
                    continue
                if row is None:
                    continue
                seqs[author] += 1
                self.counted[author, seqs[author]] = when, number
                now[author] = {**mine, author: row}, seen | {(author, seqs[author])}
            self.moments.append((author, *now[author]))


@each_tag
@given(tape=TAPES)
def test_each_period_has_what_was_counted_in_it(tag: str, tape: bytes) -> None:
    world = World(tag, tape, keep=40_000)
    for _, state, seen in world.moments:
        expected: dict[int, list[int]] = {}
        for when, number in map(world.counted.__getitem__, seen):
            expected.setdefault(when, []).append(number)
        found = TYPES[tag].timeline(state)
        assert {span[0]: plain(tag, one) for span, one in found.periods.items()} == {
            when: amount(tag, numbers) for when, numbers in sorted(expected.items())
        }


@each_tag
@given(tape=TAPES, keep=st.sampled_from([1, 4, 96]))
def test_periods_and_what_has_none_are_the_value_whatever_was_folded(tag: str, tape: bytes, keep: int) -> None:
    world = World(tag, tape, keep=keep)
    kind = TYPES[tag]
    for _, state, seen in world.moments:
        found = kind.timeline(state)
        numbers = [world.counted[one][1] for one in seen]
        whole = kind.together([*found.periods.values(), found.unknown])
        expected = amount(tag, numbers)
        assert plain(tag, whole) == (expected or hyperloglog.sketch(12, ()) if tag == "hll" else expected)
        assert kind.size(whole) == kind.value(state)


@each_tag
@given(tape=TAPES)
def test_merges_commute_with_folding_in_any_order(tag: str, tape: bytes) -> None:
    world = World(tag, tape, keep=4)
    states = [state for _, state, _ in world.moments]
    join: Callable[..., Any] = TYPES[tag].join_all
    forwards: dict[str, Entry] = {}
    backwards: dict[str, Entry] = {}
    for state in states:
        forwards = join(forwards, state)
    for state in reversed(states + states[::2]):
        backwards = join(backwards, state)
    assert forwards == backwards


def rows(tag: str, *done: tuple[Operation, int], mine: Entry | None = None, seq: int = 0) -> Entry:
    """Return the entry of a replica after operations, each at a quarter of an hour."""
    for operation, when in done:
        seq += 1
        mine = TYPES[tag].apply(mine, operation, context("ann", seq, {}, when)) or mine
    assert mine is not None
    return mine


@each_tag
def test_an_old_version_brings_no_folded_period_back(tag: str) -> None:
    kind = TYPES[tag]
    create = Operation("create", every=3, keep=4)
    old = rows(tag, (create, 0), *[(counts(tag, 1), START + n) for n in (0, 1, 2)])
    new = rows(tag, *[(counts(tag, 4), START + n) for n in range(4, 12)], mine=old, seq=4)
    assert kind.join(old, new) == kind.join(new, old) == new
    found = kind.timeline({"ann": new}).periods
    assert plain(tag, found[START, START + 4]) == amount(tag, [1, 1, 1])


@each_tag
def test_an_absorbed_replica_leaves_its_periods(tag: str) -> None:
    kind = TYPES[tag]
    job = rows(tag, (Operation("create", every=3), 0), (counts(tag, 1), START), (counts(tag, 4), START + 1))
    mine = rows(tag, (DAILY, 0), (counts(tag, 7), START))
    absorbed = kind.absorb(mine, "job", context("ann", 9, {"job": job}))
    found = kind.timeline({"ann": absorbed}).periods
    assert {span: plain(tag, one) for span, one in found.items()} == {
        (START, START + 96): amount(tag, [1, 4, 7]),
    }
    without = rows(tag, (Operation("create"), 0))
    assert kind.absorb(mine, "job", context("ann", 9, {"job": without})) == mine
    alone = kind.absorb(kind.record.bottom, "job", context("ann", 9, {"job": job}))
    assert kind.timeline({"ann": alone}) == kind.timeline({"job": job})


@each_tag
def test_the_periods_of_a_fork_are_those_of_the_branch_with_more_commits(tag: str) -> None:
    kind = TYPES[tag]
    common = rows(tag, (DAILY, 0), (counts(tag, 1), START))
    short = rows(tag, (counts(tag, 4), START + 96), mine=common, seq=2)
    long = rows(tag, (counts(tag, 7), START + 960), (counts(tag, 7), START + 970), mine=common, seq=2)
    branches = {"ann~1.aaaa": short, "ann~1.bbbb": long}
    found = kind.timeline(branches)
    assert [span[0] for span in found.periods] == [START, START + 960]
    assert kind.size(kind.together([*found.periods.values(), found.unknown])) == kind.value(branches)


@each_tag
def test_who_hears_of_periods_counts_with_them(tag: str) -> None:
    kind = TYPES[tag]
    creator = rows(tag, (Operation("create", every=2), 0))
    before = rows(tag, (Operation("create"), 0), (counts(tag, 1), START))
    after = kind.apply(before, counts(tag, 4), context("bob", 3, {"ann": creator}, START))
    assert after is not None
    found = kind.timeline({"bob": after})
    assert (found.every, plain(tag, found.periods[START, START + 4])) == ("hour", amount(tag, [4]))
    assert plain(tag, found.unknown) == plain(tag, kind.amount({"bob": before}))


@each_tag
def test_a_count_of_its_own_time_needs_periods(tag: str) -> None:
    with pytest.raises(Refused, match="keeps no periods"):
        rows(tag, (Operation("create"), 0), (counts(tag, 1, 96), START))
    found = TYPES[tag].timeline({"ann": rows(tag, (DAILY, 0), (counts(tag, 1, 96), START))})
    assert list(found.periods) == [(96, 192)]


@each_tag
def test_settings_only_become_finer_and_longer(tag: str) -> None:
    kind = TYPES[tag]
    mine = rows(tag, (Operation("create", every=2, keep=400), 0))
    assert kind.settings_of(mine).items() >= {"every": 2, "keep": 400}.items()
    assert kind.apply(mine, Operation("create", every=2, keep=400), context("ann", 2, {})) is None
    with pytest.raises(Refused, match="finer already"):
        kind.apply(mine, DAILY, context("ann", 2, {}))
    with pytest.raises(Refused, match="longer already"):
        kind.apply(None, Operation("create", every=2, keep=96), context("bob", 1, {"ann": mine}))


def test_setting_the_periods_of_a_bcounter_elsewhere_creates_no_rights() -> None:
    kind = TYPES["bcounter"]
    seats = rows("bcounter", (Operation("create", bound=-5, initial=-2), 0))
    other = kind.apply(None, DAILY, context("bob", 1, {"ann": seats}))
    assert other is not None
    state = {"ann": seats, "bob": other}
    assert (kind.value(state), kind.timeline(state).unknown) == (-2, (-2, 0))
    assert kind.figures((9, 2)) == {"created": 9, "used": 2}


def test_an_amount_of_nothing_makes_no_period() -> None:
    mine = rows("bcounter", (DAILY, 0))
    assert TYPES["bcounter"].apply(mine, Operation("increment", 0), context("ann", 2, {"bob": mine})) is None
    assert TYPES["bcounter"].apply(mine, Operation("decrement", 0), context("ann", 2, {"bob": mine})) is None
    for tag in ("hll", "hist"):
        mine = rows(tag, (DAILY, 0))
        assert TYPES[tag].apply(mine, Operation("add"), context("ann", 2, {})) is None


def test_numbers_under_a_key_have_no_period() -> None:
    kind = TYPES["hist"]
    keyed = Operation("add", elements=("3",), once="job")
    mine = rows("hist", (DAILY, 0), (keyed, START), (counts("hist", 5), START))
    found = kind.timeline({"ann": mine})
    assert (plain("hist", found.periods[START, START + 96]), found.unknown.count) == (amount("hist", [5]), 1)
    with pytest.raises(Refused, match="key have no period"):
        kind.apply(mine, Operation("add", elements=("4",), once="b", at=0), context("ann", 9, {}))


def test_an_element_that_comes_again_is_in_both_days() -> None:
    kind = TYPES["hll"]
    mine = rows("hll", (DAILY, 0), (counts("hll", 5), START), (counts("hll", 5), START + 96))
    found = kind.timeline({"ann": mine})
    assert ([kind.size(one) for one in found.periods.values()], kind.value({"ann": mine})) == ([1, 1], 1)


def test_types_without_periods_refuse_a_time() -> None:
    for tag, operation in (
        ("gset", Operation("add", elements=("a",), at=0)),
        ("handoff", Operation("increment", at=0)),
    ):
        with pytest.raises(Refused, match=f"a {tag} keeps no periods"):
            TYPES[tag].apply(None, operation, context("ann", 1, {}))


def test_sketch_without_a_part_of_an_empty_one_is_empty() -> None:
    assert hyperloglog.beyond(hyperloglog.EMPTY, hyperloglog.sketch(4, [b"ada"])) == hyperloglog.EMPTY


def test_row_without_periods_has_no_settings_of_periods() -> None:
    for tag in ("hll", "hist", "bcounter"):
        made = TYPES[tag].apply(None, Operation("create"), context("ann", 1, {}))
        assert made is not None
        assert not {"every", "keep"} & TYPES[tag].settings_of(made).keys()


def test_amounts_of_types_with_totals_are_numbers() -> None:
    kind = TYPES["pncounter"]
    amounts = [kind.amount({"ann": (1, 5, 2)}), kind.amount({"bob": (4, 1, 0)})]
    assert (kind.together(amounts), kind.figures(4)) == (4, {})


def test_dense_sketch_without_a_part_keeps_the_rest() -> None:
    some, more = ([f"{number}".encode() for number in range(first, first + 500)] for first in (0, 300))
    part, whole = hyperloglog.sketch(4, some), hyperloglog.sketch(4, [*some, *more])
    rest = hyperloglog.beyond(whole, part)
    assert hyperloglog.join([rest, part]) == whole
    assert hyperloglog.beyond(whole, whole) == hyperloglog.sketch(4, [])
