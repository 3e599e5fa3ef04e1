"""The library's calls without their exceptions: a test reads the report, in which refusals and failures stand."""

import os

from crdtctl import Options, Replica, SyncReport
from crdtctl import synchronize as checked


def synchronize(replica: Replica, *remotes: str | os.PathLike[str], options: Options | None = None) -> SyncReport:
    return checked(replica, *remotes, options=options, check=False)
