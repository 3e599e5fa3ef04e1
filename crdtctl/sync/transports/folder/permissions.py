"""Owner, group and mode of what is put into a folder: as the folder is meant for others, so is what is put there."""

import os
import stat
from contextlib import suppress

from crdtctl.store.owner import give_back


def share(fd: int, folder: str) -> None:
    """Let a new file be read by those who may write in its folder, whatever the umask: it is meant for them."""
    with suppress(OSError):
        give_back(fd, folder)
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
