"""A stick that is carried from machine to machine: a file system of its own, mounted and unmounted."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.examples.recipes import EXAMPLES, Machine

RECIPE = EXAMPLES / "usb-stick.sh"


@contextmanager
def plugged_in(image: Path, place: Path) -> Iterator[None]:
    """Mount the image of a stick at a place."""
    mounted = subprocess.run(["mount", "-o", "loop", image, place], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip(f"nothing can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", place], check=True)


def test_machines_without_a_network_agree_over_a_stick(machine: Callable[[str], Machine], tmp_path: Path) -> None:
    if os.geteuid():
        pytest.skip("only root mounts")
    image = tmp_path / "stick.img"
    with image.open("wb") as file:
        file.truncate(2**22)
    subprocess.run(["mkfs.ext4", "-q", image], check=True)
    machines = [machine("mill"), machine("office")]
    for number, each in enumerate(machines, 1):
        each.ok(f"crdtctl init; crdtctl increment bags {number * 10}")
        (each.home / "stick").mkdir()
        empty = each.run([RECIPE, each.home / "stick"])
        assert (empty.status, empty.stderr) == (69, f"nothing is mounted at {each.home}/stick\n")
    for each in [*machines, machines[0]]:
        with plugged_in(image, each.home / "stick"):
            done = each.run([RECIPE, each.home / "stick"])  # the first time, it says which folder it made
            assert (done.status, done.stdout) == (0, "You may pull it out now.\n")
    assert [each.ok("crdtctl show bags") for each in machines] == ["30\n", "30\n"]
    assert list((machines[0].home / "stick").iterdir()) == []
