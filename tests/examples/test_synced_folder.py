"""Two laptops and a folder that another program keeps in step, now and then, with copies of what is in conflict."""

import shutil
from collections.abc import Callable
from pathlib import Path

from tests.examples.recipes import EXAMPLES, Machine

RECIPE = EXAMPLES / "synced-folder.sh"


def keep_in_step(one: Path, other: Path) -> None:
    """Do what such a program does: copy what is missing either way; of what differs, make a copy under another name."""
    for source, target in ((one, other), (other, one)):
        for path in sorted(source.iterdir()):
            there = target / path.name
            if there.exists() and there.read_bytes() != path.read_bytes():
                there = target / f"{path.stem}.sync-conflict-20260101-120000-ABCDEFG{path.suffix}"
            shutil.copyfile(path, there)


def test_two_laptops_agree_and_each_cleans_up_copies_of_its_own(machine: Callable[[str], Machine]) -> None:
    laptops = [machine("one"), machine("two")]
    folders = [laptop.home / "Sync" / "counts" for laptop in laptops]
    ids = [laptop.ok("crdtctl init").strip() for laptop in laptops]
    for number, (laptop, folder) in enumerate(zip(laptops, folders, strict=True), 1):
        laptop.ok(f"crdtctl increment builds {number}")
        assert laptop.ok([RECIPE, folder]) == ""
    for counted in (1, 1, 0, 0):
        keep_in_step(*folders)
        for laptop, folder in zip(laptops, folders, strict=True):
            for path in list(folder.iterdir()):
                shutil.copyfile(path, folder / f"{path.stem} (conflicted copy){path.suffix}")
            assert laptop.ok([RECIPE, folder]) == ""
            if counted:
                laptop.ok("crdtctl increment builds")
    assert [laptop.ok("crdtctl show builds") for laptop in laptops] == ["7\n", "7\n"]
    for own, folder in zip(ids, folders, strict=True):
        assert sum(f'"replica":"{own}"' in path.read_text() for path in folder.iterdir()) == 1
