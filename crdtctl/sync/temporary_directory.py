"""A directory for the temporary files of a sync."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from crdtctl.errors import from_os
from crdtctl.store import temporary
from crdtctl.store.durable import NEW
from crdtctl.store.owner import make_directories

_SCRATCH = "crdtctl-sync-"


@contextmanager
def scratch(place: str, *, is_dry: bool) -> Iterator[str]:
    """Make a directory for temporary files: in the replica's own `place`, which is swept; elsewhere if a run `is_dry`.

    Where the system has no directory for temporary files, a dry run uses `place`, too.
    """
    try:
        if not is_dry:
            make_directories(place, shared=True)
            for name in os.listdir(place):
                if name.startswith(_SCRATCH):  # of a sync that was killed
                    shutil.rmtree(f"{place}/{name}", ignore_errors=True)
                elif name.endswith(NEW):
                    os.unlink(f"{place}/{name}")
        parent = temporary.directory(place) if is_dry else place
        directory = tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=parent, ignore_cleanup_errors=True)
    except OSError as error:
        raise from_os(error, "make a temporary directory") from None
    with directory as path:
        yield path
