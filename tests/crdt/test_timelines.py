"""What several replicas counted when, against an oracle that is a list of times and amounts."""

from collections import Counter as Sums
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdtctl.crdt import TYPES
from crdtctl.crdt.base import Entry, Operation, OperationContext, Refused
from crdtctl.crdt.periods import QUARTER
from crdtctl.crdt.timeline import Timeline, together

AUTHORS = ("ann", "bob", "čen")
KINDS = [TYPES["gcounter"], TYPES["pncounter"]]
each_type = pytest.mark.parametrize("kind", KINDS, ids=[kind.tag for kind in KINDS])
START = 20_455 * 96
#: Quarters of an hour from `START` on: within an hour, a day, a month, and clocks a year ahead or behind.
TIMES = (0, 0, 1, 3, 4, 95, 96, 200, 96 * 31, 96 * 365, -96 * 365, -START)
EVERY = (None, None, 1, 2, 3)
KEEP = (None, 1, 96, 40_000)


def at(author: str, seq: int, state: dict[str, Entry], now: int = START) -> OperationContext:
    """Return the context of an operation."""
    others = {who: row for who, row in state.items() if who != author}
    return OperationContext(author, seq, lambda: others, heard=lambda: others, now=now * QUARTER)


@dataclass(frozen=True)
class Moment:
    """What one replica holds, and the numbers of the operations that it has seen."""

    author: str = ""
    state: dict[str, Entry] = field(default_factory=dict)
    seen: frozenset[int] = frozenset()


@dataclass
class World:
    """Replicas of one counter. `counted` is the oracle: author, quarter of an hour, amount, and whether it is dated."""

    kind: object
    counted: list[tuple[str, int, int, bool]] = field(default_factory=list)
    settings: set[int] = field(default_factory=set)
    resets: dict[int, frozenset[int]] = field(default_factory=dict)
    moments: list[Moment] = field(default_factory=lambda: [Moment()])


def play(tag: str, tape: bytes, *, folds: bool, resets: bool) -> World:
    """Return the world that a tape describes, four bytes a step. Merges are stale, repeated and one-way."""
    kind, world = TYPES[tag], World(tag)
    seqs = dict.fromkeys(AUTHORS, 0)
    for who, what, a, b in zip(*[iter(tape)] * 4, strict=False):
        author = AUTHORS[who % 3]
        now = next((one for one in reversed(world.moments) if one.author == author), Moment(author))
        number = len(world.counted)
        match what % 6:
            case 0 | 1 | 2:
                verb = "decrement" if tag == "pncounter" and what // 6 % 3 == 0 else "increment"
                done = Operation(verb, 1 + b % 9)  # type: ignore[arg-type]
                when = START + TIMES[a % len(TIMES)]
            case 3:
                keep = KEEP[b % len(KEEP)] if folds else 40_000
                done, when = Operation("create", every=EVERY[a % len(EVERY)], keep=keep), START
            case 4 if resets:
                done, when = Operation("reset"), START
            case _:
                past = world.moments[a % len(world.moments)]
                state = kind.join_all(now.state, past.state)
                world.moments.append(Moment(author, state, now.seen | past.seen))
                continue
        try:
            row = kind.apply(now.state.get(author), done, at(author, seqs[author] + 1, now.state, when))
        except Refused:
            continue
        if row is None:
            continue
        seqs[author] += 1
        sign = {"increment": 1, "decrement": -1}.get(done.verb, 0)
        world.counted.append((author, when, sign * done.amount, bool(world.settings & now.seen)))
        if done.verb == "create" and done.every:
            world.settings.add(number)
        if done.verb == "reset":
            world.resets[number] = now.seen
        world.moments.append(Moment(author, {**now.state, author: row}, now.seen | {number}))
    return world


TAPES = st.binary(min_size=4 * 8, max_size=4 * 40)


@each_type
@given(tape=TAPES)
def test_periods_are_those_of_the_counts_that_were_seen(kind: object, tape: bytes) -> None:
    """Where nothing is folded, each count is in the day of its time, or without one if `every` was not known."""
    tag = kind.tag  # type: ignore[attr-defined]
    world = play(tag, tape, folds=False, resets=False)
    for moment in world.moments:
        found = timeline_of(tag, moment)
        if found is None:
            continue
        expected: Sums[int] = Sums()
        undated = 0
        for _, when, amount, is_dated in (world.counted[number] for number in moment.seen):
            if is_dated:
                expected[when // 96] += amount
            else:
                undated += amount
        days: Sums[int] = Sums()
        for (first, end), amount in found.periods.items():
            assert end - first in (1, 4, 96)
            days[first // 96] += amount
        assert {day: n for day, n in days.items() if n} == {day: n for day, n in expected.items() if n}
        assert found.unknown == undated


@each_type
@given(tape=TAPES)
def test_periods_and_what_has_none_are_the_value(kind: object, tape: bytes) -> None:
    """That holds after folding, dropping, resets and merges of old states, and the total does not depend on periods."""
    tag = kind.tag  # type: ignore[attr-defined]
    world = play(tag, tape, folds=True, resets=True)
    for moment in world.moments:
        gone = frozenset().union(*(saw for number, saw in world.resets.items() if number in moment.seen))
        value = sum(world.counted[number][2] for number in moment.seen - gone)
        assert TYPES[tag].value(moment.state) == value
        found = timeline_of(tag, moment)
        if found is not None:
            assert sum(found.periods.values()) + found.unknown == value


@each_type
@given(tape=TAPES)
def test_replicas_that_have_heard_the_same_show_the_same_periods(kind: object, tape: bytes) -> None:
    tag = kind.tag  # type: ignore[attr-defined]
    world = play(tag, tape, folds=True, resets=True)
    states = [moment.state for moment in world.moments]
    assert merged(tag, states) == merged(tag, states[::-1]) == merged(tag, states + states[::2])


def merged(tag: str, states: Sequence[dict[str, Entry]]) -> dict[str, Entry]:
    """Return the join of states, one after the other."""
    joined: dict[str, Entry] = {}
    for state in states:
        joined = TYPES[tag].join_all(joined, state)
    return joined


def timeline_of(tag: str, moment: Moment) -> Timeline | None:
    """Return the periods that a replica reads; None if the counter keeps none."""
    if not any(map(TYPES[tag].has_periods, moment.state.values())):
        return None
    try:
        return TYPES[tag].timeline(moment.state)
    except Refused:
        return None


def row_of(kind: str, *done: tuple[Operation, int], mine: Entry | None = None, seq: int = 0) -> Entry:
    """Return the entry of a replica after operations, each at a quarter of an hour."""
    for operation, when in done:
        seq += 1
        mine = TYPES[kind].apply(mine, operation, at("ann", seq, {}, when)) or mine
    assert mine is not None
    return mine


DAILY = Operation("create", every=1, keep=96 * 400)


def test_an_old_version_brings_no_folded_period_back() -> None:
    kind = TYPES["gcounter"]
    quarters = row_of(
        "gcounter", (Operation("create", every=3, keep=4), 0), *[(Operation("increment"), START + n) for n in (0, 1, 2)]
    )
    folded = row_of("gcounter", *[(Operation("increment"), START + n) for n in range(4, 12)], mine=quarters, seq=4)
    assert kind.join(quarters, folded) == kind.join(folded, quarters) == folded
    assert kind.timeline({"ann": folded}).periods[START, START + 4] == 3


def test_branches_of_a_fork_keep_their_periods_and_a_read_takes_the_newer_ones() -> None:
    kind = TYPES["gcounter"]
    common = row_of("gcounter", (DAILY, 0), (Operation("increment", 5), START))
    short = row_of("gcounter", (Operation("increment", 7), START + 96), mine=common, seq=2)
    long = row_of("gcounter", *[(Operation("increment"), START + 960)] * 2, mine=common, seq=2)
    found = kind.timeline({"ann~1.aaaa": short, "ann~1.bbbb": long})
    assert kind.value({"ann~1.aaaa": short, "ann~1.bbbb": long}) == 12
    assert found.periods == {(START, START + 96): 5, (START + 960, START + 1056): 2}
    assert found.unknown == 5


def test_a_reset_cancels_what_has_no_period_first_and_then_the_oldest_ones() -> None:
    kind = TYPES["gcounter"]
    mine = row_of(
        "gcounter",
        (Operation("increment", 2), 0),
        (DAILY, 0),
        *[(Operation("increment", 3), START + day * 96) for day in (0, 1)],
    )
    reset = kind.apply(None, Operation("reset"), at("bob", 1, {"ann": mine}))
    assert reset is not None
    after = row_of("gcounter", (Operation("increment", 4), START + 96), mine=mine, seq=4)
    found = kind.timeline({"ann": after, "bob": reset})
    assert (found.periods, found.unknown) == ({(START + 96, START + 192): 4}, 0)


def test_an_absorbed_replica_leaves_its_periods() -> None:
    kind = TYPES["pncounter"]
    job = row_of(
        "pncounter",
        (Operation("create", every=3), 0),
        (Operation("decrement", 3), START),
        (Operation("increment", 5), START + 1),
    )
    mine = row_of("pncounter", (DAILY, 0), (Operation("increment", 2), START))
    absorbed = kind.absorb(mine, "job", at("ann", 9, {"job": job}))
    assert kind.value({"ann": absorbed}) == 4
    assert kind.timeline({"ann": absorbed}).periods == {(START, START + 96): 4}
    alone = kind.absorb(kind.record.bottom, "job", at("ann", 9, {"job": job}))
    assert kind.timeline({"ann": alone}) == kind.timeline({"job": job})
    assert kind.absorb(mine, "job", at("ann", 9, {"job": (1, 0, 0)})) == mine
    finer = kind.absorb(mine, "job", at("ann", 9, {"job": row_of("pncounter", (Operation("create", every=2), 0))}))
    assert kind.timeline({"ann": finer}).every == "hour"
    assert kind.timeline({"ann": finer}).periods == kind.timeline({"ann": mine}).periods


def test_what_a_reset_cancelled_of_an_absorbed_replica_leaves_no_period() -> None:
    kind = TYPES["gcounter"]
    job = row_of("gcounter", (DAILY, 0), (Operation("increment", 3), START), (Operation("increment", 4), START + 96))
    reset = kind.apply(
        None,
        Operation("reset"),
        at("ann", 1, {"job": row_of("gcounter", (DAILY, 0), (Operation("increment", 3), START))}),
    )
    assert reset is not None
    absorbed = kind.absorb(reset, "job", at("ann", 2, {"job": job}))
    assert kind.timeline({"ann": absorbed}).periods == {(START + 96, START + 192): 4}


def test_an_amount_under_a_key_has_no_period() -> None:
    kind = TYPES["gcounter"]
    mine = row_of(
        "gcounter", (DAILY, 0), (Operation("increment", 3, once="job"), START), (Operation("increment", 2), START)
    )
    found = kind.timeline({"ann": mine})
    assert (found.periods, found.unknown) == ({(START, START + 96): 2}, 3)
    with pytest.raises(Refused, match="key has no period"):
        row_of("gcounter", (DAILY, 0), (Operation("increment", 3, once="job", at=0), START))


def test_a_replica_counts_with_periods_as_soon_as_it_has_heard_of_them() -> None:
    kind = TYPES["gcounter"]
    before = kind.apply(None, Operation("increment", 5), at("bob", 1, {}))
    assert before == (1, 5)
    after = kind.apply(before, Operation("increment", 2), at("bob", 2, {"ann": row_of("gcounter", (DAILY, 0))}))
    assert after is not None
    found = kind.timeline({"bob": after})
    assert (found.every, found.periods, found.unknown) == ("day", {(START, START + 96): 2}, 5)


def test_a_count_of_its_own_time_needs_a_counter_that_keeps_periods() -> None:
    with pytest.raises(Refused, match="keeps no periods"):
        row_of("gcounter", (Operation("increment", at=0), START))
    mine = row_of("gcounter", (DAILY, 0), (Operation("increment", at=86_400), START))
    assert TYPES["gcounter"].timeline({"ann": mine}).periods == {(96, 192): 1}


def test_an_amount_of_nothing_makes_no_period() -> None:
    mine = row_of("gcounter", (DAILY, 0))
    assert TYPES["gcounter"].apply(mine, Operation("increment", 0), at("ann", 2, {"bob": mine})) is None
    assert row_of("gcounter", (Operation("increment", 0, every=1), START)) == (1, 0, {}, {}, {}, {}, 0, {}, 1)


@each_type
def test_settings_only_become_finer_and_longer(kind: object) -> None:
    tag = kind.tag  # type: ignore[attr-defined]
    mine = row_of(tag, (Operation("create", every=2, keep=400), 0))
    assert TYPES[tag].apply(mine, Operation("create", every=2, keep=400), at("ann", 2, {})) is None
    with pytest.raises(Refused, match="finer already"):
        TYPES[tag].apply(mine, DAILY, at("ann", 2, {}))
    with pytest.raises(Refused, match="longer already"):
        TYPES[tag].apply(None, Operation("create", every=3, keep=10), at("bob", 2, {"ann": mine}))
    finer = row_of(tag, (Operation("create", every=3, keep=401), 0), mine=mine, seq=1)
    assert TYPES[tag].timeline({"ann": mine, "bob": finer}).every == "15m"


def test_a_counter_without_periods_says_so() -> None:
    for kind in TYPES.values():
        with pytest.raises(Refused, match="no periods"):
            kind.timeline({"ann": (1, *kind.record.bottom[1:])})
        assert not kind.has_periods((1, *kind.record.bottom[1:]))


def test_counters_together_have_the_periods_of_all() -> None:
    kind = TYPES["gcounter"]
    days = kind.timeline({"ann": row_of("gcounter", (DAILY, 0), (Operation("increment", 5), START))})
    every_hour = Operation("create", every=2, keep=8)
    first = (Operation("increment", 2), 0)
    hours = kind.timeline({"bob": row_of("gcounter", first, (every_hour, 0), (Operation("increment", 3), START))})
    found = together([hours, days], [7], sum)
    assert (found.every, found.keep, found.unknown) == ("day", 96 * 400, 9)
    assert found.periods == {(START, START + 4): 3, (START, START + 96): 5}
    assert together([days, days], [], sum).periods == {(START, START + 96): 10}


def test_a_counter_that_keeps_no_periods_is_not_kept_for_a_time() -> None:
    with pytest.raises(Refused, match="keeps no periods"):
        row_of("gcounter", (Operation("create", keep=96), 0))
