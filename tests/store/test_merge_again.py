"""A large state that was merged before, or that a replica exported itself, changes nothing when it is merged."""

from collections.abc import Callable
from pathlib import Path

import pytest

from crdtctl import Replica
from crdtctl.errors import DataError
from crdtctl.store.merge import limits
from tests.support.stored_states import counted_state, with_new_checksum

New = Callable[[str], Replica]


@pytest.fixture(autouse=True)
def _always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compare every state, as if it were large."""
    monkeypatch.setattr(limits, "BLOCKS_FROM_BYTES", 0)


@pytest.fixture
def replica(new_replica: New) -> Replica:
    """Make a replica that has counted, and that knows the counts of another one."""
    replica = new_replica("here")
    replica.merge(counted_state("there", {f"c{number}": number + 1 for number in range(9)}))
    replica.increment("c3", 10)
    replica.increment("own", 1)
    return replica


def known(replica: Replica) -> tuple[int, bytes]:
    file = Path(replica.path, "known.json")
    return file.stat().st_ino, file.read_bytes()


def test_an_own_export_is_merged_again_and_nothing_is_written(replica: Replica) -> None:
    before, state = known(replica), replica.export_bytes()
    replica.increment("own", 5)
    report = replica.merge(state, details=True)
    assert (report.changed, report.changes, len(report.taken)) == (False, [], 1)
    assert known(replica) == before
    assert (replica.value("c3"), replica.value("own")) == (14, 6)


def test_the_same_lines_with_a_newer_clock_are_news(replica: Replica) -> None:
    state = with_new_checksum(replica.export_bytes().replace(b'"clock":{', b'"clock":{"a-new-one":1,'))
    assert replica.merge(state).replicas == ["a-new-one"]
    assert replica.clock()["a-new-one"] == 1


def test_damage_to_what_is_known_is_found(replica: Replica) -> None:
    state = replica.export_bytes()
    file = Path(replica.path, "known.json")
    sound = file.read_bytes()
    file.write_bytes(sound.replace(b'"c8"', b'"c9"'))
    with pytest.raises(DataError, match="checksum"):
        replica.merge(state)
    file.write_bytes(sound)


def test_lines_that_are_known_are_not_valid_below_a_clock_without_their_replica(replica: Replica) -> None:
    state = with_new_checksum(replica.export_bytes().replace(b',"there":9', b""))
    with pytest.raises(DataError, match="not in the clock"):
        replica.merge(state)


def test_an_own_export_with_a_line_that_is_not_valid_is_refused(replica: Replica) -> None:
    state = with_new_checksum(replica.export_bytes().replace(b'"own":{"pn', b'"own":{"xx'))
    report = replica.merge(state, check=False)
    assert (report.changed, len(report.refused)) == (False, 1)
