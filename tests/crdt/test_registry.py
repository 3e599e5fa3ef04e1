"""What every registered type states of itself."""

import pytest

from crdtctl.crdt import TAKING_PART, TYPES
from crdtctl.crdt.base import CounterType, Here, Operation
from crdtctl.crdt.lattice import Nat
from tests.crdt.histories import verbs

each_type = pytest.mark.parametrize("kind", TYPES.values(), ids=TYPES)


def test_a_type_is_found_under_its_tag() -> None:
    assert {tag: kind.tag for tag, kind in TYPES.items()} == {tag: tag for tag in TYPES}
    assert TYPES.keys() >= {"gcounter", "gset", "hll", "pncounter"}


@each_type
def test_a_tag_is_a_plain_word(kind: CounterType) -> None:
    assert kind.tag.isascii()
    assert kind.tag.isalnum()
    assert kind.tag.islower()


@each_type
def test_a_summary_is_one_line(kind: CounterType) -> None:
    assert kind.summary
    assert kind.summary.isprintable()


@each_type
def test_a_contribution_begins_with_the_number_of_its_commit(kind: CounterType) -> None:
    assert isinstance(kind.record.parts[0], Nat)
    assert kind.record.required >= 1
    assert kind.record.bottom[0] == 0


@each_type
def test_a_type_can_be_created_and_used(kind: CounterType) -> None:
    accepted = verbs(kind)
    assert "create" in accepted
    assert len(accepted) >= 2


@each_type
def test_only_what_takes_part_in_merging_changes_when_it_meets_others(kind: CounterType) -> None:
    used = kind.apply(None, Operation(verbs(kind)[1], 5, ("a",)), Here("bob", 1))
    assert used is not None
    for found in (kind.meet(None, "bob", used, Here("ann", 1)), kind.succeed("bob", used, Here("ann", 1))):
        assert (found is not None) == kind.takes_part
    assert {tag for tag, kind in TYPES.items() if kind.takes_part} == TAKING_PART


@each_type
def test_nothing_is_said_of_how_exact_nothing_is(kind: CounterType) -> None:
    assert kind.facts({}) == {}
