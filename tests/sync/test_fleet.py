"""The model of fleets needs the same rounds, requests and bytes as real replicas."""

import random
from pathlib import Path

import pytest

from tests.bench.fleet import model, real
from tests.bench.fleet.__main__ import COLUMNS, Sizes, rows

#: Chosen without thought, and kept: each is a fleet that meets in another order.
SEEDS = (1, 2, 3)


@pytest.fixture(autouse=True)
def _nothing_need_be_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.fsync", lambda fd: None)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_pairs_take_what_the_model_says(tmp_path: Path, seed: int) -> None:
    assert real.pairs(tmp_path, 12, 3, random.Random(seed)) == model.pairs(12, 3, random.Random(seed))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_hub_takes_what_the_model_says(tmp_path: Path, seed: int) -> None:
    assert real.hub(tmp_path, 20, 3, random.Random(seed)) == model.hub(20, 3, random.Random(seed))


@pytest.mark.parametrize("seed", SEEDS)
def test_regions_with_a_centre_take_what_the_model_says(tmp_path: Path, seed: int) -> None:
    assert real.bridges(tmp_path, 16, 4, 3, random.Random(seed)) == model.bridges(16, 4, 3, random.Random(seed))


def test_a_permanent_replica_holds_nothing_of_clients_that_handed_over(tmp_path: Path) -> None:
    few = real.region(tmp_path / "few", 3, random.Random(1))
    more = real.region(tmp_path / "more", 12, random.Random(1))
    assert abs(more.state - few.state) < 16  # digits of numbers
    assert more.largest > more.state


def test_each_absorbed_job_leaves_its_record_and_nothing_else(tmp_path: Path) -> None:
    few, more = real.jobs(tmp_path / "few", 5, 3), real.jobs(tmp_path / "more", 25, 3)
    record = len('"0123456789abcdef0123",')
    assert 20 * record <= more.state - few.state < 20 * record + 16 * 3  # digits of numbers


def test_the_table_has_a_row_for_each_layout(tmp_path: Path) -> None:
    found = list(rows(tmp_path, Sizes(12, 3, 2)))
    assert [len(cells) for cells in found] == [len(COLUMNS)] * 7
    assert len({cells[0] for cells in found}) == 7
