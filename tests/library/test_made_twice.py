"""A bounded counter that several replicas created, with something to begin with, is reported until it is settled."""

from collections.abc import Callable
from pathlib import Path

import pytest

from crdtctl import Replica
from crdtctl.store.inputs import Input
from tests.support.unchecked import synchronize

New = Callable[[str], Replica]


@pytest.fixture
def pair(new_replica: New) -> tuple[Replica, Replica]:
    """Return two replicas on which a script created the same counter."""
    a, b = new_replica("a"), new_replica("b")
    for one in (a, b):
        one.create("seats", "bcounter", bound=0, initial=100)
    return a, b


def faults(replica: Replica) -> list[str]:
    return [one.found for one in replica.check() if not one.ok]


def test_the_merge_that_brings_it_reports_it_once(pair: tuple[Replica, Replica]) -> None:
    a, b = pair
    report = a.merge_bytes(b.export_bytes(), check=False)
    assert [(made.name, dict(made.makers)) for made in report.made_twice] == [("seats", {a.id: 100, b.id: 100})]
    assert a.merge_bytes(b.export_bytes(), check=False).made_twice == []
    b.increment("seats", 5)
    assert a.merge_bytes(b.export_bytes(), check=False).made_twice == []


def test_a_third_replica_hears_of_it_too(pair: tuple[Replica, Replica], new_replica: New) -> None:
    hub = new_replica("hub")
    assert len(hub.merge_bytes(*(one.export_bytes() for one in pair), check=False).made_twice) == 1


def test_a_sync_reports_it(pair: tuple[Replica, Replica], tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    reports = [synchronize(one, str(tmp_path / "shared")) for one in pair]
    assert [len(report.merge.made_twice) for report in reports] == [0, 1]


def test_it_is_found_until_it_is_settled_everywhere(pair: tuple[Replica, Replica]) -> None:
    a, b = pair
    a.merge_bytes(b.export_bytes(), check=False)
    assert len(faults(a)) == len(a.made_twice()) == 1
    a.decrement("seats", 100)
    assert a.value("seats") == 100
    assert len(faults(a)) == 1
    assert a.settle("seats")
    assert (faults(a), a.made_twice()) == ([], [])
    assert b.merge_bytes(a.export_bytes(), check=False).made_twice == []
    assert (b.value("seats"), b.made_twice()) == (100, [])


def test_what_begins_with_nothing_may_be_created_anywhere(new_replica: New) -> None:
    a, b = new_replica("a"), new_replica("b")
    a.create("seats", "bcounter", initial=100)
    b.create("seats", "bcounter")
    b.increment("seats", 5)
    assert a.merge_bytes(b.export_bytes(), check=False).made_twice == []
    assert (a.value("seats"), faults(a)) == (105, [])


def test_who_absorbed_the_creator_is_not_a_second_one(new_replica: New) -> None:
    job, hub, other = new_replica("job"), new_replica("hub"), new_replica("other")
    job.create("seats", "bcounter", initial=100)
    other.merge_bytes(job.export_bytes(), check=False)
    other.increment("builds")
    job.merge_bytes(other.export_bytes(), check=False)
    job.transfer("seats", other.id, 100)
    job.seal()
    hub.absorb([Input("job", data=job.export_bytes())])
    assert (hub.value("seats"), hub.made_twice()) == (100, [])
    assert other.merge_bytes(hub.export_bytes(), check=False).made_twice == []
