"""Owner, group and mode of files put into a folder. A file is readable for the users that share the folder."""

import os
import stat

from crdtctl.contexts import suppress
from crdtctl.store.owner import give_back


def share(fd: int, folder: str) -> None:
    """Make a new file readable for all users with write access to its folder, regardless of the umask."""
    with suppress(OSError):
        give_back(fd, folder)
        above = os.stat(folder)
        if above.st_mode & stat.S_IWGRP and os.fstat(fd).st_gid != above.st_gid:
            with suppress(OSError):
                os.fchown(fd, -1, above.st_gid)  # a member of the group may do this
        mine = os.fstat(fd)
        mode = stat.S_IMODE(mine.st_mode)
        if above.st_mode & stat.S_IWGRP and mine.st_gid == above.st_gid:
            mode |= stat.S_IRGRP
        if above.st_mode & stat.S_IWOTH:
            mode |= stat.S_IRGRP | stat.S_IROTH
        if mode != stat.S_IMODE(mine.st_mode):
            os.fchmod(fd, mode)
