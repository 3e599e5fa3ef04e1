"""Labels in the library: a series is one counter, however its labels are given."""

from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from crdtctl import Replica
from crdtctl.crdt.series import series_fault, spelled
from crdtctl.errors import MissingError, RefusedError, UsageError
from tests.crdt.test_series import LABELS

SERIES = 'tests{os="linux",py="3.12"}'


def test_labels_of_every_verb_name_one_counter(replica: Replica) -> None:
    labels = {"py": "3.12", "os": "linux"}
    replica.create("tests", "gcounter", labels=labels)
    replica.increment("tests", 2, labels=labels)
    with replica.batch() as batch:
        batch.increment('tests{os="bsd"}', 3, labels=labels)
        batch.increment('tests{py="3.12" , os="linux"}')
    with replica.stream() as stream:
        stream.increment("tests", labels=labels)
        stream.add("seen", "ada", labels={"day": "1"})
        stream.decrement("stock", labels={"day": "1"})
    assert replica.value("tests", labels=labels) == replica.value(SERIES) == 7
    assert [(one.name, one.value) for one in replica.counters()] == [
        ('seen{day="1"}', 1),
        ('stock{day="1"}', -1),
        (SERIES, 7),
    ]
    replica.reset("stock", labels={"day": "1"})
    assert replica.reading("stock", labels={"day": "1"}).value == 0


def test_value_of_a_series_is_of_exactly_that_one(replica: Replica) -> None:
    replica.increment("tests", labels={"os": "linux", "py": "3.12"})
    with pytest.raises(MissingError):
        replica.value("tests", labels={"os": "linux"})
    assert replica.value("tests", labels={"os": "linux"}, default=0) == 0
    assert replica.tags('tests{py="3.12",os="linux"}') == ["pncounter"]
    assert replica.meant('tests{py="3.12",os="linux"}') == "pncounter"


@pytest.mark.parametrize(
    "labels", [{"o-s": "x"}, {"os": ""}, {"os": "a\n"}, {"": "x"}, {"os": 1}, {"os": None}, {1: "x"}, ["os"], "os"]
)
def test_wrong_labels_are_refused(replica: Replica, labels: Any) -> None:
    with pytest.raises(UsageError):
        replica.increment("tests", labels=labels)
    with pytest.raises(UsageError):
        replica.value("tests", labels=labels)
    with replica.stream() as stream, pytest.raises(UsageError):
        stream.increment("tests", labels=labels)
    assert list(replica.counters()) == []


def typed(labels: Mapping[str, str], random: Random) -> str:
    """Return a spelling as a person may type it."""
    keys = random.sample(sorted(labels), len(labels))
    pairs = [spelled("", {key: labels[key]})[1:-1].replace("=", " = ", 1) for key in keys]
    return f"tests {{ {' , '.join(pairs)}{random.choice(['', ',', ' , '])}}}"


@given(LABELS.filter(bool), st.randoms(use_true_random=False))
def test_other_spellings_of_the_same_labels_make_the_same_bytes(labels: dict[str, str], random: Random) -> None:
    assume(series_fault("tests", labels) is None)
    backwards = dict(sorted(labels.items(), reverse=True))
    with TemporaryDirectory() as home:
        one = Replica.init(f"{home}/one", name="one")
        one.increment("tests", 3, labels=labels)
        one.increment(typed(labels, random), 2)
        other = Replica.init(f"{home}/other", name="other")
        for name, more in (("tests", backwards), (typed(labels, random), None), (typed(labels, random), labels)):
            other.increment(name, labels=more)
        other.merge_bytes(one.export_bytes())
        one.merge_bytes(other.export_bytes())
        lines = {replica.export_bytes().splitlines()[1] for replica in (one, other)}
        assert len(lines) == 1
        assert [(found.name, found.value) for found in one.counters()] == [(spelled("tests", labels), 8)]
        assert other.value(typed(labels, random)) == other.value("tests", labels=backwards) == 8


def test_new_series_gets_the_type_of_the_others(replica: Replica, new_replica: Callable[[str], Replica]) -> None:
    replica.create("builds", "gcounter", labels={"os": "linux"})
    replica.increment("builds", labels={"os": "mac"})
    replica.increment("builds.x", labels={"os": "mac"})
    replica.increment("builds|x")
    replica.increment("builds", labels={"os": "win"})
    replica.increment("builds")
    with replica.batch() as batch:
        batch.increment("bytes", tag="gcounter", labels={"os": "linux"})
        batch.increment("bytes", labels={"os": "mac"})
        batch.add("seen", "ada", tag="hll")
        batch.add("seen", "ada", labels={"os": "mac"})
    other = new_replica("other")
    other.merge_bytes(replica.export_bytes())
    other.increment("bytes", labels={"os": "bsd"})
    other.increment("builds", tag="pncounter", labels={"os": "bsd"}, also=True)
    other.increment("bytes", tag="pncounter", labels={"os": "win"}, also=True)
    assert {one.name: one.tag for one in other.counters()} == {
        "builds": "gcounter",
        "builds|x": "pncounter",
        'builds.x{os="mac"}': "pncounter",
        'builds{os="bsd"}': "pncounter",
        'builds{os="linux"}': "gcounter",
        'builds{os="mac"}': "gcounter",
        'builds{os="win"}': "gcounter",
        'bytes{os="bsd"}': "gcounter",
        'bytes{os="linux"}': "gcounter",
        'bytes{os="mac"}': "gcounter",
        'bytes{os="win"}': "pncounter",
        "seen": "hll",
        'seen{os="mac"}': "hll",
    }


def test_operation_that_the_type_of_the_others_refuses_makes_no_series(replica: Replica) -> None:
    replica.create("seats", "bcounter", initial=3, labels={"row": "1"})
    replica.add("seen", "ada", labels={"day": "1"})
    with pytest.raises(MissingError, match="no bcounter"):
        replica.increment("seats", labels={"row": "2"})
    with pytest.raises(RefusedError):
        replica.increment("seen", labels={"day": "2"})
    assert len(list(replica.counters())) == 2


def test_type_in_the_settings_of_a_name_is_that_of_its_series(
    replica: Replica, new_replica: Callable[[str], Replica]
) -> None:
    replica.increment("builds", 2, tag="gcounter", labels={"os": "linux"})
    replica.increment("builds", 3, tag="pncounter", also=True, labels={"os": "linux"})
    other = new_replica("other")
    other.merge_bytes(replica.export_bytes())
    with pytest.raises(UsageError, match="exists as gcounter and pncounter"):
        other.increment("builds", labels={"os": "linux"})
    config = Path(other.path) / "config.toml"
    config.write_text('[types]\nbuilds = "gcounter"\n')
    assert other.value("builds", labels={"os": "linux"}) == 2
    config.write_text("[types]\nbuilds = 'gcounter'\n'builds{os=\"linux\"}' = \"pncounter\"\n")
    assert other.value("builds", labels={"os": "linux"}) == 3
