"""The directory for the temporary files of a sync."""

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
def temporary_directory(directory: str, *, is_dry: bool) -> Iterator[str]:
    """Make a temporary directory in the replica's `directory`, and delete those that killed syncs left behind.

    A dry run makes it in the system's directory for temporary files, and in `directory` only if the system has none.
    """
    try:
        if not is_dry:
            make_directories(directory, shared=True)
            for name in os.listdir(directory):
                if name.startswith(_SCRATCH):  # a killed sync left it behind
                    shutil.rmtree(f"{directory}/{name}", ignore_errors=True)
                elif name.endswith(NEW):
                    os.unlink(f"{directory}/{name}")
        parent = temporary.directory(directory) if is_dry else directory
        made = tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=parent, ignore_cleanup_errors=True)
    except OSError as error:
        raise from_os(error, "make a temporary directory") from None
    with made as path:
        yield path
