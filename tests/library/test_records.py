"""Records behave as dataclasses with slots do, in what the program uses of them."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from inspect import signature
from typing import Any
from typing import NamedTuple as NamedTupleOfTyping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdtctl.records import NamedTuple, Record, as_dict, field, replace


class Frozen(Record):
    a: int
    b: int = 2
    c: list[int] = field(default_factory=list)


class Open(Record, frozen=False):
    a: int
    b: int = 2
    c: list[int] = field(default_factory=list)


class ByIdentity(Record, eq=False):
    a: int


class Checked(Record):
    a: int

    def __post_init__(self) -> None:
        if self.a < 0:
            raise ValueError(self.a)


@dataclass(frozen=True, slots=True)
class Twin:
    a: int
    b: int = 2
    c: list[int] = dataclass_field(default_factory=list)


class Parts(NamedTuple):
    """Three parts."""

    a: int
    b: int = 2
    c: str = ""

    def total(self) -> int:
        return self.a + self.b


class TwinParts(NamedTupleOfTyping):
    a: int
    b: int = 2
    c: str = ""


CALLS = st.tuples(
    st.lists(st.integers(), max_size=4), st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), st.integers())
)


def outcome(kind: Any, values: list[int], named: dict[str, int]) -> object:
    """Return the fields of what a call makes, or the words of its `TypeError` behind the name of the class."""
    try:
        made = kind(*values, **named)
    except TypeError as error:
        return str(error).partition("(")[2]
    return [made.a, made.b, made.c]


@given(st.lists(CALLS, min_size=1, max_size=5), st.booleans())
def test_a_record_takes_the_calls_that_a_dataclass_takes(
    calls: list[tuple[list[int], dict[str, int]]], warm: bool
) -> None:
    class Closed(Record):  # inside, since the first instances of a class are made in another way
        a: int
        b: int = 2
        c: list[int] = field(default_factory=list)

    class Changing(Record, frozen=False):
        a: int
        b: int = 2
        c: list[int] = field(default_factory=list)

    for kind in (Closed, Changing):
        for _ in range(60 if warm else 0):
            kind(1)
        for values, named in calls:
            assert outcome(kind, values, named) == outcome(Twin, values, named)


def test_a_factory_makes_a_default_for_each_instance() -> None:
    made = [Frozen(1) for _ in range(60)]  # more than are made before the class is compiled
    made[0].c.append(1)
    made[-1].c.append(2)
    assert [one.c for one in made] == [[1], *[[]] * 58, [2]]


@pytest.mark.parametrize("made", [Frozen(1), Open(1)])
def test_records_compare_and_print_by_their_fields(made: Frozen | Open) -> None:
    kind = type(made)
    assert made == kind(1, 2, [])
    assert made != kind(1, 3, [])
    assert made != Twin(1)
    assert repr(made) == f"{kind.__name__}(a=1, b=2, c=[])"


def test_a_frozen_record_does_not_change_and_has_a_hash() -> None:
    made = Frozen(1, 2, (3,))  # type: ignore[arg-type]
    with pytest.raises(AttributeError, match="Frozen is frozen"):
        made.a = 2  # type: ignore[misc]
    with pytest.raises(AttributeError, match="Frozen is frozen"):
        del made.a
    assert hash(made) == hash(Frozen(1, 2, (3,)))  # type: ignore[arg-type]
    assert made.a == 1


def test_an_open_record_changes_and_has_no_hash() -> None:
    made = Open(1)
    made.a = 5
    assert made.a == 5
    with pytest.raises(TypeError):
        hash(made)
    with pytest.raises(AttributeError):
        made.other = 1  # type: ignore[attr-defined]


def test_a_record_by_identity_equals_only_itself() -> None:
    made = ByIdentity(1)
    assert made == made
    assert made != ByIdentity(1)
    assert len({made, ByIdentity(1)}) == 2


def test_a_record_checks_itself_however_many_were_made() -> None:
    for number in range(60):
        assert Checked(number).a == number
        with pytest.raises(ValueError, match="-1"):
            Checked(-1)


@pytest.mark.parametrize("made", [Frozen(1, c=[4]), Open(1, c=[4])])
def test_a_record_is_copied_and_pickled(made: Frozen | Open) -> None:
    assert copy.deepcopy(made) == made
    assert copy.copy(made).c is made.c
    assert pickle.loads(pickle.dumps(made)) == made


def test_replace_leaves_the_record_and_its_other_fields() -> None:
    made = Frozen(1, c=[4])
    assert replace(made, b=5) == Frozen(1, 5, [4])
    assert made == Frozen(1, 2, [4])
    with pytest.raises(TypeError):
        replace(made, d=1)


def test_a_record_as_a_dictionary_has_its_fields_in_order() -> None:
    assert list(as_dict(Frozen(1)).items()) == [("a", 1), ("b", 2), ("c", [])]


def test_a_record_is_matched_by_position() -> None:
    match Frozen(1, 7):
        case Frozen(one, seven):
            assert (one, seven) == (1, 7)


def test_a_record_has_the_signature_of_its_fields() -> None:
    assert list(signature(Frozen).parameters) == ["a", "b", "c"]
    assert signature(Frozen).parameters["a"].annotation == "int"


@given(st.lists(st.integers(), max_size=4), st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), st.integers()))
def test_a_named_tuple_takes_the_calls_that_one_of_typing_takes(values: list[int], named: dict[str, int]) -> None:
    def made(kind: Any) -> object:
        try:
            return list(kind(*values, **named))
        except TypeError:
            return None

    assert made(Parts) == made(TwinParts)


def test_a_named_tuple_is_a_tuple_with_names() -> None:
    made = Parts(1, c="x")
    assert made == (1, 2, "x") == TwinParts(1, 2, "x")
    assert (made.a, made.b, made.c) == (1, 2, "x")
    assert made.total() == 3
    assert repr(made) == "Parts(a=1, b=2, c='x')"
    assert made._replace(b=5) == (1, 5, "x")
    assert made._asdict() == {"a": 1, "b": 2, "c": "x"}
    assert Parts._make([1, 2, "y"]) == (1, 2, "y")
    for copied in (copy.deepcopy(made), copy.copy(made), pickle.loads(pickle.dumps(made))):
        assert type(copied) is Parts
        assert copied == made
    with pytest.raises(AttributeError):
        made.a = 2  # type: ignore[misc]
    with pytest.raises(AttributeError):
        made.other = 2  # type: ignore[attr-defined]
    match made:
        case Parts(one, _, text):
            assert (one, text) == (1, "x")


def test_named_tuples_need_nothing_of_one_python_alone() -> None:
    code = (
        "import sys; sys.modules['_collections'] = None\n"
        "from crdtctl.records import NamedTuple\n"
        "class Pair(NamedTuple):\n    a: int\n    b: int = 7\n"
        "print(Pair(3).a, Pair(3).b)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "3 7\n"


def test_records_import_only_what_is_part_of_the_interpreter() -> None:
    code = "import sys; before = set(sys.modules); import crdtctl.records; print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) - set(sys.builtin_module_names) == {"crdtctl", "crdtctl.records"}
