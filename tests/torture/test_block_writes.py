"""The power is cut between any two block writes, and sectors are torn: all acknowledged counts are there."""

import random
from pathlib import Path

import pytest

from tests.torture.blocks import CARELESS, KINDS, look, missing
from tests.torture.disks import made, mounted
from tests.torture.recorder import FLUSH, Write, recorded
from tests.torture.sectors import SIZE, Platter, read
from tests.torture.victim import WRITES

pytestmark = [
    pytest.mark.skipif(bool(missing()), reason=missing() or "writes can be recorded"),
    pytest.mark.timeout(300),
]


@pytest.mark.parametrize("kind", ["ext4", "xfs"])
def test_what_was_acknowledged_is_there_after_any_prefix_of_the_writes_and_torn_sectors(kind: str) -> None:
    seen = look(KINDS[kind], writes=len(WRITES), share=0.1, torn=10)
    assert seen.faults == []
    assert seen.prefixes >= 5
    assert seen.torn == 10


@pytest.mark.parametrize("name", CARELESS)
def test_a_precaution_left_out_is_caught(name: str) -> None:
    kind, program = CARELESS[name]
    assert look(kind, writes=2, share=0.3, torn=10, program=program).faults != []


def test_a_recorded_disk_holds_what_was_written_down(tmp_path: Path) -> None:
    disk = made(KINDS["ext4"], tmp_path)
    platter = Platter(read(disk.image))
    with recorded(disk.image) as log, mounted(disk):
        (disk.mount / "file").write_bytes(random.Random(0).randbytes(10_000))
    for entry in log:
        platter.take(entry)
    assert {number: sector for number, sector in platter.written.items() if any(sector)} == read(disk.image)
    assert log[-1] is FLUSH


def test_a_cut_tears_what_was_not_flushed_and_nothing_else() -> None:
    old, new, newer = b"a" * SIZE, b"b" * SIZE, b"c" * SIZE
    platter = Platter({})
    for entry in (Write(0, old * 3), FLUSH, Write(SIZE, new * 2), Write(SIZE, newer)):
        platter.take(entry)
    chance = random.Random(0)
    torn = {tuple(platter.torn(chance)[number] for number in range(3)) for _ in range(200)}
    assert torn == {(old, second, third) for second in (old, new, newer) for third in (old, new)}
