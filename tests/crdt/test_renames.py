"""Renames: what a name leads to, and which renames are in conflict, against an oracle that knows all renames."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdtctl.crdt import TYPES
from crdtctl.crdt.base import Entry
from crdtctl.crdt.renames import RENAMES, Aliases, aliases, inheriting, renaming
from crdtctl.crdt.several_names import by_replica, replica_of, together
from tests.crdt.normal import is_normal
from tests.support.renames import Rename, conflicts, made, targets

NOTHING = RENAMES.record.bottom
NAMES = ["a", "b", "c", "d"]


def renamed(rows: dict[str, Entry], author: str, old: str, new: str) -> dict[str, Entry]:
    """Return the rows after a rename by a replica that knows all of them."""
    row = rows.get(author, NOTHING)
    return {**rows, author: renaming(row, row[0] + 1, aliases(rows), author, old, new)}


def merged(*several: dict[str, Entry]) -> dict[str, Entry]:
    return RENAMES.join_several(several)


def told(found: Aliases) -> list[str]:
    return [str(one) for one in found.conflicts]


@dataclass
class World:
    """Replicas by the renames that they know, and by their rows."""

    known: dict[str, frozenset[Rename]] = field(default_factory=lambda: dict.fromkeys("xyz", frozenset()))
    rows: dict[str, dict[str, Entry]] = field(default_factory=lambda: {who: {} for who in "xyz"})

    def rename(self, who: str, old: str, new: str) -> None:
        self.known[who] |= frozenset(made(self.known[who], who, old, new))
        self.rows[who] = renamed(self.rows[who], who, old, new)

    def merge(self, to: str, source: str) -> None:
        self.known[to] |= self.known[source]
        self.rows[to] = merged(self.rows[to], self.rows[source])


STEPS = st.tuples(
    st.sampled_from("xyz"), st.sampled_from(NAMES), st.sampled_from([*NAMES, "", ""]), st.sampled_from("xyz")
)


@given(st.lists(STEPS, max_size=25))
def test_all_replicas_read_the_names_that_an_oracle_reads(
    steps: list[tuple[str, str, str, str]],
) -> None:
    world = World()
    for who, old, new, other in steps:
        if new:
            world.rename(who, old, new)
        else:
            world.merge(who, other)
        found, known = aliases(world.rows[who]), world.known[who]
        assert found.targets == targets(known)
        assert {(one.lost.author, one.lost.old, one.lost.new) for one in found.conflicts} == conflicts(known)
        assert all(is_normal(RENAMES.record, row) for row in world.rows[who].values())
    for who in "xyz":
        for other in "xyz":
            world.merge(who, other)
    for who in "xyz":
        world.merge(who, "x")
        world.merge("x", who)
    assert aliases(world.rows["x"]) == aliases(merged(*world.rows.values()))


# Examples ----------------------------------------------------------------------------------------------


def test_chains_lead_to_their_end() -> None:
    found = aliases(renamed(renamed({}, "x", "a", "b"), "y", "b", "c"))
    assert found.targets == {"a": "c", "b": "c"}
    assert found.group("b") == ["c", "a", "b"]
    assert found.group('a{os="linux"}') == ['c{os="linux"}', 'a{os="linux"}', 'b{os="linux"}']
    assert found.spelling('a{os="linux"}') == 'c{os="linux"}'
    assert (found.spelling("a"), found.spelling("d"), found.target("d")) == ("c", "d", "d")


def test_rename_back_makes_the_old_name_the_one_that_is_read() -> None:
    rows = renamed(renamed(renamed({}, "x", "a", "b"), "y", "b", "c"), "z", "c", "a")
    assert aliases(rows).targets == {"b": "a", "c": "a"}
    assert told(aliases(rows)) == []


def test_alias_ends_when_it_is_renamed_to_itself() -> None:
    assert aliases(renamed(renamed({}, "x", "a", "b"), "x", "a", "a")).targets == {}


def test_of_two_renames_that_did_not_know_of_each_other_the_smaller_id_holds() -> None:
    rows = merged(renamed({}, "y", "a", "b"), renamed({}, "x", "a", "c"))
    assert aliases(rows).targets == {"a": "c"}
    assert told(aliases(rows)) == ["'a' was renamed to 'b' by y, but 'a' to 'c' by x, which holds"]
    settled = renamed(rows, "y", "a", "b")
    assert aliases(settled).targets == {"a": "b"}
    assert told(aliases(settled)) == []


def test_circle_of_renames_is_cut_at_its_weakest_one() -> None:
    rows = merged(renamed({}, "x", "a", "b"), renamed({}, "y", "b", "a"))
    assert aliases(rows).targets == {"a": "b"}
    assert told(aliases(rows)) == ["'b' was renamed to 'a' by y, but 'a' to 'b' by x, which holds"]
    assert aliases(renamed(rows, "z", "b", "a")).targets == {"b": "a"}
    assert told(aliases(renamed(rows, "z", "b", "a"))) == []


def test_same_rename_by_two_replicas_is_no_conflict() -> None:
    assert told(aliases(merged(renamed({}, "x", "a", "b"), renamed({}, "y", "a", "b")))) == []


def test_of_several_targets_of_one_name_in_a_row_one_is_taken() -> None:
    assert aliases({"x": (1, {"a": {"b": 1, "c": 2}})}).targets == {"a": "c"}


def test_renames_of_an_absorbed_replica_that_hold_are_taken_over() -> None:
    rows = renamed(renamed(renamed({}, "x", "a", "b"), "hub", "c", "d"), "x", "c", "b")
    row = inheriting(rows["hub"], 9, aliases(rows), "hub", ["x"])
    assert row[0] == 9
    assert aliases({"hub": row}).targets == aliases(rows).targets == {"a": "b", "c": "b"}
    assert is_normal(RENAMES.record, row)
    assert inheriting(row, 10, aliases({"hub": row}), "hub", ["x"]) is row


# Entries of several names ------------------------------------------------------------------------------


def test_amounts_add_up_and_resets_and_keys_of_each_name_stay_its_own() -> None:
    kind = TYPES["pncounter"]
    old = {"pncounter": {"x": (3, 5, 1, {"k": (7, 0, 2)}, {"x": (2, 0)}), "y~1.abcd": (1, 1, 0)}}
    new = {"pncounter": {"x": (4, 10, 0, {"k": (7, 0, 4)})}}
    both = together([("new", new), ("old", old)], "new")
    assert kind.value(both["pncounter"]) == (5 - 2 - 1 + 1) + 10 + 7
    assert by_replica(kind.shares(both["pncounter"])) == {"x": 3 - 1 + 10 + 7, "y~1.abcd": 1}
    assert [replica_of(author) for author in both["pncounter"]] == ["x", "x", "y~1.abcd"]


def test_element_under_both_names_counts_once() -> None:
    kind = TYPES["gset"]
    old, new = {"gset": {"x": (3, {"ada": 3, "alan": 2}, {"x": 2})}}, {"gset": {"x": (4, {"ada": 4, "grace": 1})}}
    assert kind.value(together([("old", old), ("new", new)], "new")["gset"]) == 2


@pytest.mark.parametrize("tag", ["bcounter", "handoff"])
def test_types_that_cannot_be_renamed_are_left_out(tag: str) -> None:
    assert together([("old", {tag: {"x": (1, 0, 0)}})], "new") == {}
