"""File systems in a file, whose power can be cut."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

#: File system → how it is made, how it is mounted, how large it must be (in MiB).
KINDS = {
    "ext4": (["mkfs.ext4", "-q"], "loop", 64),
    "ext4 noauto_da_alloc": (["mkfs.ext4", "-q"], "loop,noauto_da_alloc", 64),
    "xfs": (["mkfs.xfs", "-q"], "loop", 320),
}


def missing() -> str:
    """Return why no power can be cut here, or nothing."""
    if os.geteuid() != 0:
        return "only root can mount a file system"
    for program in ("mkfs.ext4", "mkfs.xfs", "xfs_io", "mount", "umount"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    return ""


needs_disks = pytest.mark.skipif(bool(missing()), reason=missing() or "disks can be mounted")


@dataclass(frozen=True)
class Disk:
    """A mounted file system."""

    image: Path
    mount: Path
    options: str

    def attach(self) -> None:
        """Mount it."""
        subprocess.run(["mount", "-o", self.options, self.image, self.mount], check=True)

    def detach(self) -> None:
        """Unmount it."""
        subprocess.run(["umount", self.mount], check=True)

    def cut_power(self) -> None:
        """Forget everything that is not on the disk, as a power cut does, and start again."""
        subprocess.run(["xfs_io", "-x", "-c", "shutdown", self.mount], check=True, capture_output=True)
        self.detach()
        self.attach()


@contextmanager
def disk(kind: str, directory: Path) -> Iterator[Disk]:
    """Make and mount a file system; unmount it in the end. Skip the test where loop devices are not to be had."""
    make, options, size = KINDS[kind]
    made = Disk(directory / "image", directory / "disk", options)
    with made.image.open("wb") as file:
        file.truncate(size * 2**20)
    made.mount.mkdir()
    subprocess.run([*make, made.image], check=True)
    try:
        made.attach()
    except subprocess.CalledProcessError:
        pytest.skip("no file system can be mounted here")
    try:
        yield made
    finally:
        made.detach()
