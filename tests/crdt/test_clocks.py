"""Clocks: who knows what."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdtctl.crdt.clock import compare, join, join_all, missing
from crdtctl.crdt.order import Order

CLOCKS = st.dictionaries(st.sampled_from(["ann", "bob", "čen"]), st.integers(1, 4) | st.integers(1, 2**53 - 1))


def test_the_join_of_clocks_knows_what_either_knows() -> None:
    assert join({"ann": 3, "bob": 1}, {"bob": 2, "čen": 5}) == {"ann": 3, "bob": 2, "čen": 5}


def test_what_is_missing_is_what_is_wanted_and_not_reached_sorted_by_author() -> None:
    found = missing({"ann": 3, "bob": 1}, {"čen": 5, "bob": 2, "ann": 3})
    assert found == {"bob": 2, "čen": 5}
    assert list(found) == ["bob", "čen"]


@pytest.mark.parametrize(
    ("a", "b", "order"),
    [
        ({}, {}, "equal"),
        ({"ann": 1}, {"ann": 1}, "equal"),
        ({}, {"ann": 1}, "behind"),
        ({"ann": 1}, {"ann": 2}, "behind"),
        ({"ann": 2, "bob": 1}, {"ann": 2}, "ahead"),
        ({"ann": 1}, {"bob": 1}, "concurrent"),
        ({"ann": 2, "bob": 1}, {"ann": 1, "bob": 2}, "concurrent"),
    ],
)
def test_clocks_compare(a: dict[str, int], b: dict[str, int], order: str) -> None:
    assert compare(a, b) is Order(order)


@given(a=CLOCKS, b=CLOCKS, c=CLOCKS)
def test_join_of_clocks_is_a_join(a: dict[str, int], b: dict[str, int], c: dict[str, int]) -> None:
    assert join(a, b) == join(b, a)
    assert join(join(a, b), c) == join(a, join(b, c))
    assert join(a, a) == join(a, {}) == join({}, a) == a
    assert join_all([a, b, c]) == join(join(a, b), c)
    assert join_all([]) == {}


@given(a=CLOCKS, b=CLOCKS)
def test_a_clock_maps_each_author_to_the_larger_number_of_the_two(a: dict[str, int], b: dict[str, int]) -> None:
    before = repr((a, b))
    assert join(a, b) == {author: max(a.get(author, 0), b.get(author, 0)) for author in {*a, *b}}
    assert repr((a, b)) == before


@given(a=CLOCKS, b=CLOCKS)
def test_a_join_misses_nothing_and_adding_what_was_missing_is_the_join(a: dict[str, int], b: dict[str, int]) -> None:
    assert missing(join(a, b), a) == missing(join(a, b), b) == missing(a, a) == {}
    assert {**a, **missing(a, b)} == join(a, b)


@given(a=CLOCKS, b=CLOCKS)
def test_order_is_that_of_every_author_by_itself(a: dict[str, int], b: dict[str, int]) -> None:
    at_most = all(seq <= b.get(author, 0) for author, seq in a.items())
    at_least = all(seq <= a.get(author, 0) for author, seq in b.items())
    orders = {
        (True, True): Order.EQUAL,
        (True, False): Order.BEHIND,
        (False, True): Order.AHEAD,
        (False, False): Order.CONCURRENT,
    }
    assert compare(a, b) is orders[at_most, at_least]


def test_there_are_no_other_orders() -> None:
    clocks = [
        {author: seq for author, seq in zip("ab", seqs, strict=True) if seq} for seqs in product(range(3), repeat=2)
    ]
    assert {compare(a, b) for a in clocks for b in clocks} == set(Order)
