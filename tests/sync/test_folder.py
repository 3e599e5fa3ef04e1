"""A folder as a remote."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from crdtctl import Replica
from tests.sync.conformance import Conformance, Remote
from tests.sync.meetings import Meetings, is_silent, meet, values


class TestFolder(Conformance, Meetings):
    @pytest.fixture
    def remote(self, tmp_path: Path) -> Remote:
        (tmp_path / "scratch").mkdir()
        return Remote(str(tmp_path / "shared"), tmp_path / "scratch", tmp_path / "shared")


def test_who_carries_between_two_remotes_may_be_lost_and_replaced(
    new_replica: Callable[[str], Replica], tmp_path: Path
) -> None:
    region, centre = (Remote(str(tmp_path / name), tmp_path) for name in ("region", "centre"))
    here, there = new_replica("here"), new_replica("there")
    first = Replica.init(tmp_path / "first")
    here.increment("hits", 2)
    there.increment("hits", 3)
    meet(here, region)
    meet(there, centre)
    meet(first, region, centre)
    shutil.rmtree(first.path)
    here.increment("hits", 5)
    meet(here, region)
    second = Replica.init(tmp_path / "second")
    for _ in range(2):
        meet(second, region, centre)
        meet(here, region)
        meet(there, centre)
    assert values([here, there, second], "hits") == [10, 10, 10]
    assert is_silent(meet(second, region, centre))
