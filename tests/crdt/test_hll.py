"""Sketches: exactly the registers of what was met, whatever the order, the spelling and the precision."""

from collections.abc import Iterable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdtctl.crdt import TYPES, hyperloglog
from crdtctl.crdt.base import Entry, Operation, OperationContext
from tests.support import oracle, sketches
from tests.support.histories import ELEMENTS, History, histories
from tests.support.sketches import PRECISIONS, SKETCHES, ranks, spelt

HLL = TYPES["hll"]
NAMES = st.sets(st.integers(0, 10**6).map(str), max_size=60)
#: Enough for every register of small sketches and some of large ones.
MANY = [f"visitor {number}" for number in range(3000)]


def encoded(elements: Iterable[str]) -> list[bytes]:
    return [element.encode() for element in elements]


def counter(**precisions: int) -> dict[str, Entry]:
    """Return a counter that each of these made with a precision, and added its own name to."""
    state: dict[str, Entry] = {}
    for author, precision in precisions.items():
        row = HLL.apply(None, Operation("create", precision=precision), OperationContext(author, 1))
        row = HLL.apply(row, Operation("add", elements=(author,)), OperationContext(author, 2))
        assert row is not None
        state[author] = row
    return state


@given(history=histories(HLL))
def test_the_sketches_of_a_history_are_that_of_all_elements_seen(history: History) -> None:
    for moment in history.moments:
        together = hyperloglog.join(row[1] for row in moment.state.values())
        if moment.state and not HLL.is_forgotten(moment.state):
            assert together == sketches.sketch(12, oracle.elements(history.seen(moment)))


@given(precision=PRECISIONS, elements=NAMES)
def test_a_sketch_is_what_the_definition_says(precision: int, elements: set[str]) -> None:
    assert hyperloglog.sketch(precision, encoded(elements)) == sketches.sketch(precision, elements)


@pytest.mark.parametrize("precision", range(4, 17))
def test_a_large_sketch_is_what_the_definition_says(precision: int) -> None:
    found = hyperloglog.sketch(precision, encoded(MANY))
    assert found == sketches.sketch(precision, MANY)
    assert hyperloglog.precision(found) == precision


def test_the_hash_is_the_one_of_the_specification() -> None:
    # b2sum -l 64 <<<'' without the line feed, and of "a": e4a6a0577479b2b4 and 40f89e395b66422f
    assert hyperloglog.sketch(4, [b""]) == spelt(4, {0xE: 2})
    assert hyperloglog.sketch(16, [b""]) == spelt(16, {0xE4A6: 1})
    assert hyperloglog.sketch(16, [b"a"]) == spelt(16, {0x40F8: 1})


@given(precision=PRECISIONS, parts=st.lists(NAMES, min_size=1, max_size=4))
def test_the_join_of_sketches_is_the_sketch_of_the_union(precision: int, parts: list[set[str]]) -> None:
    each = [hyperloglog.sketch(precision, encoded(part)) for part in parts]
    assert hyperloglog.join(each) == hyperloglog.sketch(precision, encoded(set().union(*parts)))


@given(elements=NAMES, precisions=st.lists(PRECISIONS, min_size=2, max_size=3))
def test_sketches_of_several_precisions_join_to_exactly_the_sketch_in_the_smallest(
    elements: set[str], precisions: list[int]
) -> None:
    parts = [sorted(elements)[start :: len(precisions)] for start in range(len(precisions))]
    each = [hyperloglog.sketch(precision, encoded(part)) for precision, part in zip(precisions, parts, strict=True)]
    assert hyperloglog.join(each) == hyperloglog.sketch(min(precisions), encoded(elements))


@pytest.mark.parametrize("less", range(4, 16))
@pytest.mark.parametrize("count", [1, 100, 3000])
def test_a_sketch_that_is_folded_is_the_sketch_in_the_smaller_precision(less: int, count: int) -> None:
    small, large = (hyperloglog.sketch(precision, encoded(MANY[:count])) for precision in (less, 16))
    assert hyperloglog.join([large, hyperloglog.sketch(less, [])]) == small


@pytest.mark.parametrize("more", range(5, 13))
def test_a_sketch_that_tells_all_registers_is_folded_as_exactly(more: int) -> None:
    elements = encoded(MANY)
    for less in range(4, more):
        assert hyperloglog.join(
            [hyperloglog.sketch(more, elements), hyperloglog.sketch(less, [])]
        ) == hyperloglog.sketch(less, elements)


def test_a_register_whose_rest_was_all_zeros_folds_to_one_that_counts_the_bit_before() -> None:
    nothing = hyperloglog.sketch(4, [])
    assert hyperloglog.join([spelt(5, {0: 60}), nothing]) == spelt(4, {0: 61})
    assert hyperloglog.join([spelt(5, {1: 60}), nothing]) == spelt(4, {0: 1})
    assert hyperloglog.join([spelt(6, {4: 59, 5: 3, 6: 2, 7: 9}), nothing]) == spelt(4, {1: 61})
    assert hyperloglog.join([spelt(5, dict.fromkeys(range(32), 60)), nothing]) == spelt(4, dict.fromkeys(range(16), 61))


def test_nobodys_sketch_says_nothing() -> None:
    assert hyperloglog.join([]) == hyperloglog.join(["", ""]) == ""
    assert hyperloglog.estimate("") == 0
    assert HLL.precision_info({}) == {}


# Spelling ------------------------------------------------------------------------------------------------


@given(found=PRECISIONS.flatmap(lambda p: st.tuples(st.just(p), ranks(p))))
def test_registers_have_one_text_the_shorter_one(found: tuple[int, Mapping[int, int]]) -> None:
    precision, registers = found
    all_of_them = bytes(registers.get(index, 0) for index in range(2**precision))
    assert hyperloglog.text(all_of_them) == spelt(precision, registers)
    assert hyperloglog.fault(spelt(precision, registers)) is None


@given(data=st.data(), text=SKETCHES)
def test_no_other_text_stands_for_a_sketch(data: st.DataObject, text: str) -> None:
    place = data.draw(st.integers(0, len(text)))
    letters = st.sampled_from([*sketches.LETTERS, "", "+", "é", "~", " ", "\x00"])
    other = text[:place] + data.draw(letters) + text[place + data.draw(st.integers(0, 2)) :]
    if hyperloglog.fault(other) is None:
        assert hyperloglog.join([other]) == other
        assert spelt(hyperloglog.precision(other), cells(other)) == other


def cells(text: str) -> dict[int, int]:
    """Return the registers of a sound sketch."""
    precision, body = int(text.split(" ")[1]), text.split(" ")[2]
    numbers = [sketches.LETTERS.index(letter) for letter in body]
    if len(numbers) == 2**precision:
        return {index: rank for index, rank in enumerate(numbers) if rank}
    width = 1 + -(-precision // 6)
    found = {}
    for start in range(0, len(numbers), width):
        *digits, rank = numbers[start : start + width]
        found[sum(digit * 64**place for place, digit in enumerate(reversed(digits)))] = rank
    return found


FULL = spelt(4, dict.fromkeys(range(16), 3))
FEW = spelt(12, {5: 1, 700: 2})
WRONG = {
    "nothing": "",
    "no registers": "blake2b 12",
    "an unknown hash": FEW.replace("blake2b", "murmur3"),
    "no hash": FEW.replace("blake2b ", ""),
    "a precision below 4": "blake2b 3 ",
    "a precision above 16": "blake2b 17 ",
    "a precision with a zero before it": "blake2b 012 ",
    "a precision in other digits": "blake2b \u0661\u0662 ",
    "a space too many": "blake2b  12 ",
    "a space behind": FEW + " ",
    "a line feed behind": FEW + "\n",
    "one letter short": FULL[:-1],
    "one letter too many": FULL + "3",
    "half a register": FEW[:-1],
    "a register twice": FEW + FEW[-3:],
    "a register twice, with a larger rank": FEW[:-1] + "1" + FEW[-3:-1] + "2",
    "registers not sorted": FEW[:-6] + FEW[-3:] + FEW[-6:-3],
    "a register just beyond the last": spelt(6, {32: 1}).replace("blake2b 6", "blake2b 5"),
    "a register of a wrong width": spelt(7, {27: 1}).replace("blake2b 7", "blake2b 6"),
    "a register beyond the last, of thirteen bits": "blake2b 13 z--1",
    "a register that met nothing, told": FEW[:-1] + "-",
    "a rank that cannot be": spelt(4, {3: 62}),
    "a rank that cannot be, of all registers": spelt(12, dict.fromkeys(range(4096), 54)),
    "a letter that is none": FEW[:-1] + "+",
    "a letter that is none, of all registers": FULL[:-1] + "=",
    "a letter beyond ASCII": FULL[:-1] + "é",
    "half a character": FULL[:-1] + "\ud800",
    "all registers where few would be shorter": "blake2b 4 3" + "-" * 15,
    "far too many letters": FULL + "3" * 10**6,
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG)
def test_what_is_no_sketch_has_a_fault(text: str) -> None:
    assert hyperloglog.fault(text)


@pytest.mark.parametrize(
    "text", [FULL, FEW, "blake2b 4 ", "blake2b 16 ", spelt(4, {3: 61}), spelt(16, {0: 49, 2**16 - 1: 1})]
)
def test_what_is_a_sketch_has_none(text: str) -> None:
    assert hyperloglog.fault(text) is None


# Counters ------------------------------------------------------------------------------------------------


def test_a_counter_that_was_made_with_several_precisions_reads_in_the_smallest() -> None:
    state = counter(ann=14, bob=6, eve=12)
    assert HLL.value(state) == hyperloglog.estimate(sketches.sketch(6, ["ann", "bob", "eve"])) == 3
    assert HLL.precision_info(state) == {"standard_error": 0.13, "precision": 6}
    assert {author: hyperloglog.precision(row[1]) for author, row in state.items()} == {"ann": 14, "bob": 6, "eve": 12}


def test_whoever_adds_to_a_counter_that_is_known_takes_the_smallest_precision_known() -> None:
    others = counter(bob=9, eve=7)
    row = HLL.apply(None, Operation("add", elements=("x",)), OperationContext("ann", 1, lambda: others))
    assert row == (1, sketches.sketch(7, ["x"]))
    assert HLL.apply(None, Operation("add", elements=("x",)), OperationContext("ann", 1)) == (
        1,
        sketches.sketch(12, ["x"]),
    )


def test_a_replica_keeps_its_precision_whatever_it_learns() -> None:
    mine, others = counter(ann=14)["ann"], counter(bob=4)
    row = HLL.apply(mine, Operation("add", elements=("x",)), OperationContext("ann", 3, lambda: others))
    assert row == (3, sketches.sketch(14, ["ann", "x"]))


def test_branches_of_a_fork_of_different_precisions_read_as_one_replica() -> None:
    a, b = counter(ann=14)["ann"], counter(ann=5)["ann"]
    assert HLL.value({"ann~1.aaaa": a, "ann~1.bbbb": b}) == 1


def test_sketches_of_several_counters_are_pooled_and_each_element_counts_once() -> None:
    linux, macos = {**counter(ann=12), "bob": (3, sketches.sketch(12, ["x", "y"]))}, counter(ann=6, eve=12)
    pooled = HLL.pooled([linux, macos, {"bob": (2, sketches.sketch(12, ["y", "z"]))}])
    assert pooled == {
        "ann": (2, sketches.sketch(6, ["ann"])),
        "bob": (3, sketches.sketch(12, ["x", "y", "z"])),
        "eve": (2, sketches.sketch(12, ["eve"])),
    }
    assert HLL.value(pooled) == 5


def test_the_elements_of_the_histories_are_estimated_exactly() -> None:
    # what lets the oracle of all types hold for this one: none of them falls on another's register
    for some in ELEMENTS:
        assert hyperloglog.estimate(sketches.sketch(12, some)) == len(some)
