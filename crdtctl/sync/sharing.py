"""Owner, group and mode of what is put into a folder: as the folder is meant for others, so is what is put there."""

import os
import stat
from contextlib import suppress


def give(path: str | int, folder: str) -> None:
    """Give what root makes in a folder to the folder's owner and group, as far as that is allowed."""
    if os.geteuid() == 0:
        with suppress(OSError):
            above = os.stat(folder)
            if above.st_uid != 0:
                os.chown(path, above.st_uid, above.st_gid)


def share(fd: int, folder: str) -> None:
    """Let a new file be read by those who may write in its folder, whatever the umask: it is meant for them."""
    give(fd, folder)
    with suppress(OSError):
        above = os.stat(folder)
        if above.st_mode & stat.S_IWGRP and os.fstat(fd).st_gid != above.st_gid:
            with suppress(OSError):
                os.fchown(fd, -1, above.st_gid)  # which a member of the group may do
        mine = os.fstat(fd)
        mode = stat.S_IMODE(mine.st_mode)
        if above.st_mode & stat.S_IWGRP and mine.st_gid == above.st_gid:
            mode |= stat.S_IRGRP
        if above.st_mode & stat.S_IWOTH:
            mode |= stat.S_IRGRP | stat.S_IROTH
        if mode != stat.S_IMODE(mine.st_mode):
            os.fchmod(fd, mode)
