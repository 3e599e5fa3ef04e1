"""Places where nothing can be written: a full disk, no inodes, read-only, immutable, a limit of the file size."""

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import Shell, assert_sound
from tests.support.expect import contents
from tests.support.sh import in_sh
from tests.torture.disks import KINDS, made, missing, mounted
from tests.torture.report import Row, skipped
from tests.torture.scenes import HELD, WRITES, Scene, scene
from tests.torture.scratch import scratch

COMMANDS = (*WRITES, "--replica another init --name another", "export -o out.json")
READS = ("show builds", "show", "export", "clock", "status", "check")


@dataclass(frozen=True)
class Place:
    """A kind of place: the file system, the commands that spoil it and free it, and the status of every write there."""

    status: int
    ground: Callable[[Path], AbstractContextManager[Path]]
    spoil: Callable[[Scene], None]
    free: Callable[[Scene], None]
    script: str = "crdtctl"


def measure(part: float) -> list[Row]:
    """Try to write in every place."""
    rows = []
    for name, place in PLACES.items():
        wanted = f"status {place.status}, nothing applied, reads still work"
        if missing():
            rows.append(skipped(name, wanted, missing()))
            continue
        with scratch() as shell:
            try:
                tried, wrong = attempt(shell, place, max(1, round(1 / part)))
            except pytest.skip.Exception as skip:
                rows.append(skipped(name, wanted, str(skip)))
            else:
                rows.append(Row(name, wanted, f"{tried} commands, {len(wrong)} faults", not wrong, wrong[:10]))
    return rows


def attempt(shell: Shell, place: Place, step: int = 1) -> tuple[int, list[str]]:
    """Try each `step`-th command where no write can succeed; return the number of commands, and the faults."""
    wrong = []
    commands = COMMANDS[::step]
    with place.ground(Path(tempfile.mkdtemp(dir=shell.directory))) as ground:
        made = scene(ground / "scene")
        inside = Shell(made.directory, shell.environment)
        place.spoil(made)
        try:
            before = contents(made.directory)
            for command in commands:
                ended = in_sh(inside, f"{place.script} {command}")
                if ended.status != place.status or ended.stdout or not ended.stderr.startswith("crdtctl: "):
                    wrong.append(f"{command}: {ended}")
                if contents(made.directory) != before:
                    wrong.append(f"{command}: it has left something")
                    before = contents(made.directory)
            for command in READS:
                ended = in_sh(inside, f"crdtctl {command}")
                if (ended.status, ended.stderr) != (0, "") or not ended.stdout:
                    wrong.append(f"{command}: {ended}")
                if command == "show builds" and ended.stdout != f"{HELD['builds']}\n":
                    wrong.append(f"{command}: {ended}")
        finally:
            place.free(made)
        inside.ok("increment", "builds")
        wrong += [] if made.has({"builds": 1}) else ["the next increment did not count once"]
        assert_sound(made.replica)
    return len(commands) + len(READS), wrong


# File systems -----------------------------------------------------------------------------------------


@contextmanager
def _ordinary(directory: Path) -> Iterator[Path]:
    yield directory


def _in_memory(options: str) -> Callable[[Path], AbstractContextManager[Path]]:
    @contextmanager
    def ground(directory: Path) -> Iterator[Path]:
        mounting = ["mount", "-t", "tmpfs", "-o", options, "crdtctl-torture", str(directory)]
        if subprocess.run(mounting, capture_output=True, check=False).returncode != 0:
            pytest.skip("mounting a small file system is not allowed here")
        try:
            yield directory
        finally:
            subprocess.run(["umount", str(directory)], check=True)

    return ground


@contextmanager
def _on_a_disk(directory: Path) -> Iterator[Path]:
    with mounted(made(KINDS["ext4"], directory)) as disk:
        yield disk.mount


# What spoils them -------------------------------------------------------------------------------------


def _nothing(_made: Scene) -> None:
    """Leave it as it is: the commands themselves are held back."""


def _fill(made: Scene) -> None:
    with open(made.directory.parent / "filler", "wb", buffering=0) as filler:
        try:
            while True:
                filler.write(bytes(512))
        except OSError:
            pass


def _empty(made: Scene) -> None:
    (made.directory.parent / "filler").unlink()


def _use_up_inodes(made: Scene) -> None:
    files = made.directory.parent / "files"
    files.mkdir()
    try:
        for number in range(10_000):
            (files / str(number)).touch()
    except OSError:
        pass


def _free_inodes(made: Scene) -> None:
    for file in (made.directory.parent / "files").iterdir():
        file.unlink()


def _remount(how: str) -> Callable[[Scene], None]:
    def remount(made: Scene) -> None:
        subprocess.run(["mount", "-o", f"remount,{how}", str(made.directory.parent)], check=True)

    return remount


def _change_attributes(change: str, *, directories: bool) -> Callable[[Scene], None]:
    def change_attributes(made: Scene) -> None:
        replica = made.directory / ".crdtctl"
        files = [replica / "own.json", replica / "known.json"]
        paths = [made.directory, replica] if directories else files
        done = subprocess.run(["chattr", change, *map(os.fspath, paths)], capture_output=True, check=False)
        if done.returncode != 0:
            pytest.skip("chattr does not work here")

    return change_attributes


PLACES = {
    "a full disk": Place(74, _in_memory("size=256k"), _fill, _empty),
    "a disk without inodes": Place(74, _in_memory("size=4m,nr_inodes=64"), _use_up_inodes, _free_inodes),
    "a read-only disk": Place(74, _in_memory("size=256k"), _remount("ro"), _remount("rw")),
    "an immutable directory": Place(
        77,
        _on_a_disk,
        _change_attributes("+i", directories=True),
        _change_attributes("-i", directories=True),
    ),
    "a limit of the file size": Place(74, _ordinary, _nothing, _nothing, "ulimit -f 0; crdtctl"),
}
