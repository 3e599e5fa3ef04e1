"""What every registered type states of itself."""

import subprocess
import sys

import pytest

from crdtctl.crdt import KINDS, LOCALLY_MERGED, NO_COUNTERS, TYPES
from crdtctl.crdt.base import CounterType, Operation, OperationContext, Verb
from crdtctl.crdt.lattice import Nat
from crdtctl.crdt.local_merge import LocallyMergedType
from tests.support.histories import merged, verbs

each_type = pytest.mark.parametrize("kind", TYPES.values(), ids=TYPES)


def test_a_type_is_found_under_its_tag() -> None:
    assert {tag: kind.tag for tag, kind in TYPES.items()} == {tag: tag for tag in TYPES}
    assert TYPES.keys() >= {"gcounter", "gset", "hll", "pncounter"}


def test_the_types_with_a_local_merge_are_those_of_its_class() -> None:
    assert set(LOCALLY_MERGED) == {tag for tag, kind in TYPES.items() if isinstance(kind, LocallyMergedType)}


def test_the_registries_have_one_object_of_each_type_and_no_other() -> None:
    assert all(KINDS[tag] is kind for tag, kind in TYPES.items())
    assert all(TYPES[tag] is kind for tag, kind in LOCALLY_MERGED.items())
    assert set(KINDS) - set(TYPES) == {kind.tag for kind in NO_COUNTERS.values()}
    for registry in (TYPES, KINDS, LOCALLY_MERGED):
        assert len(registry) == len(list(registry)) == len(registry.values())
        assert "none" not in registry
        assert registry.get("none") is None
        with pytest.raises(KeyError):
            registry["none"]


def test_a_type_is_imported_when_it_is_asked_for() -> None:
    code = (
        "import sys; from crdtctl.crdt import TYPES\n"
        "assert 'gset' in TYPES and 'crdtctl.crdt.gset' not in sys.modules\n"
        "assert TYPES['gset'].tag == 'gset' and 'crdtctl.crdt.hll' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


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


@pytest.mark.parametrize("kind", LOCALLY_MERGED.values(), ids=LOCALLY_MERGED)
def test_a_local_merge_changes_the_own_entry(kind: LocallyMergedType) -> None:
    used = kind.apply(None, Operation(verbs(kind)[1], 5, ("a",)), OperationContext("bob", 1))
    assert used is not None
    assert merged(kind, None, "bob", used, OperationContext("ann", 1)) is not None
    assert kind.carry_over("bob", used, OperationContext("ann", 1)) is not None


@each_type
def test_nothing_is_said_of_how_exact_nothing_is(kind: CounterType) -> None:
    assert kind.precision_info({}) == {}


@each_type
def test_values_of_a_type_whose_elements_are_counted_once_do_not_add_up(kind: CounterType) -> None:
    row = kind.apply(None, Operation(verbs(kind)[1], 1, ("5",)), OperationContext("ann", 1))
    assert row is not None
    state = {"ann": row}
    pooled = kind.pooled([state, state])
    assert (pooled is None) == (kind.tag not in ("gset", "hll"))
    assert pooled is None or kind.value(pooled) == kind.value(state) == 1


@pytest.mark.parametrize(
    ("tag", "verb", "is_repetition"),
    [("pncounter", "increment", True), ("gcounter", "increment", True), ("hist", "add", False)],
)
def test_another_amount_under_a_used_key_is_a_repetition_unless_numbers_are_added(
    tag: str, verb: Verb, is_repetition: bool
) -> None:
    kind = TYPES[tag]
    row = kind.apply(None, Operation(verb, 1, ("5",), once="job"), OperationContext("ann", 1))
    assert row is not None
    assert "job" in kind.used_keys({"ann": row})
    assert kind.is_repetition({"ann": row}, Operation(verb, 2, ("6",), once="job")) is is_repetition
    assert kind.is_repetition({"ann": row}, Operation(verb, 1, ("5",), once="job"))
