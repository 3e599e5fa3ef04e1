"""A disk that is detached is so everywhere: what is mounted afterwards is what its image holds."""

import shutil
import subprocess
from pathlib import Path
from threading import Thread

from tests.torture.disks import KINDS, is_in_use, made, mounted, needs_disks

pytestmark = needs_disks


def test_a_disk_is_detached_once_no_other_process_has_it_mounted(tmp_path: Path) -> None:
    disk = made(KINDS["ext4"], tmp_path)
    with mounted(disk):
        shutil.copy2(disk.image, tmp_path / "kept")
        (disk.mount / "file").touch()
        # A copy of the mounts, as other tests make for their processes; it ends with its standard input.
        holder = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", "echo; read end"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        with holder:
            assert holder.stdin is not None
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"\n"
            detaching = Thread(target=disk.detach)
            detaching.start()
            while str(disk.mount) in Path("/proc/self/mounts").read_text():
                detaching.join(0.01)
            assert detaching.is_alive()
            assert is_in_use(disk.image)
            holder.stdin.close()
            detaching.join()
        assert not is_in_use(disk.image)
        shutil.copy2(tmp_path / "kept", disk.image)
        disk.attach()
        assert not (disk.mount / "file").exists()
