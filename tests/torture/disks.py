"""File systems in a file, whose power can be cut."""

import functools
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Kind:
    """How a file system is made, how it is mounted, and how large it is (in MiB)."""

    make: tuple[str, ...]
    options: str
    size: int


#: The journal of ext4 is written out by itself after 300 seconds, and not after 5 as usual: a busy machine would hide
#: what a program has not written out itself.
KINDS = {
    "ext4": Kind(("mkfs.ext4", "-q"), "loop,commit=300", 64),
    "ext4 noauto_da_alloc": Kind(("mkfs.ext4", "-q"), "loop,commit=300,noauto_da_alloc", 64),
    "xfs": Kind(("mkfs.xfs", "-q"), "loop", 320),
}


def is_in_use(image: Path) -> bool:
    """Return whether a loop device still has the file."""
    for held in Path("/sys/block").glob("loop*/loop/backing_file"):
        with suppress(FileNotFoundError):  # freed in between
            if held.read_text().strip() == str(image.resolve()):
                return True
    return False


def unmount(where: Path) -> None:
    """Unmount a directory. Its loop device may be freed a moment after the file system."""
    end = time.monotonic() + 10
    while subprocess.run(["umount", where], check=False, capture_output=True).returncode != 0:
        if time.monotonic() > end:
            subprocess.run(["umount", where], check=True)
        time.sleep(0.05)


@dataclass(frozen=True)
class Disk:
    """A file system in a file, and where it is mounted."""

    image: Path
    mount: Path
    options: str

    def attach(self) -> None:
        """Mount it."""
        subprocess.run(["mount", "-o", self.options, self.image, self.mount], check=True, capture_output=True)

    def detach(self) -> None:
        """Unmount it, and wait until it ends in every other mount namespace too.

        A process that another test started with ``unshare --mount`` meanwhile has a copy of the mount. As long as it
        runs, the file system goes on, and mounting the image again shows that instead of what is in the image.
        """
        unmount(self.mount)
        end = time.monotonic() + 60
        while is_in_use(self.image):
            assert time.monotonic() < end, f"{self.image} stays mounted somewhere"
            time.sleep(0.01)

    def settle(self) -> None:
        """Write everything to the disk, requested or not."""
        subprocess.run(["sync", "-f", self.mount], check=True)

    def cut_power(self) -> None:
        """Forget everything that is not on the disk, as a power cut does, and start again."""
        subprocess.run(["xfs_io", "-x", "-c", "shutdown", self.mount], check=True, capture_output=True)
        self.detach()
        self.attach()


def made(kind: Kind, directory: Path) -> Disk:
    """Make a file system in a directory, and do not mount it yet."""
    disk = Disk(directory / "image", directory / "disk", kind.options)
    with disk.image.open("wb") as file:
        file.truncate(kind.size * 2**20)
    disk.mount.mkdir(exist_ok=True)
    subprocess.run([*kind.make, disk.image], check=True, capture_output=True)
    return disk


@contextmanager
def mounted(disk: Disk) -> Iterator[Disk]:
    """Mount a file system, and unmount it in the end."""
    disk.attach()
    try:
        yield disk
    finally:
        disk.detach()


@functools.cache
def missing() -> str:
    """Return the reason why this machine cannot cut power, or an empty text."""
    if os.geteuid() != 0:
        return "only root can mount a file system"
    for program in ("mkfs.ext4", "mkfs.xfs", "xfs_io", "mount", "umount"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    with tempfile.TemporaryDirectory() as directory:
        try:
            with mounted(made(Kind(("mkfs.ext4", "-q"), "loop", 1), Path(directory))):
                return ""
        except subprocess.CalledProcessError as error:
            return f"no file system can be mounted here: {error.stderr.decode(errors='replace').strip()}"


needs_disks = pytest.mark.skipif(bool(missing()), reason=missing() or "disks can be mounted")
