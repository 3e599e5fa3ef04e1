"""The entries that readers leave out of the files: absorbed replicas, and attempts of jobs that do not count.

Most replicas have neither, and then nothing is imported for them.
"""

from __future__ import annotations

from crdtctl.crdt.names import ATTEMPTS_LINE, MEMBERSHIP_LINE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crdtctl.codec.reader import Source


def hide_absorbed(own: Source, known: Source) -> None:
    """Leave absorbed replicas out of `known`, see `crdtctl.store.retirement.hide_absorbed`."""
    if own.has(MEMBERSHIP_LINE) or known.has(MEMBERSHIP_LINE):
        from crdtctl.store import retirement

        retirement.hide_absorbed(own, known)


def hide_left_out(mine: Source, known: Source | None, *, own: bool = True) -> None:
    """Leave attempts that do not count out of the files, see `crdtctl.store.jobs.hide_left_out`."""
    if mine.has(ATTEMPTS_LINE) or (known is not None and known.has(ATTEMPTS_LINE)):
        from crdtctl.store import jobs

        jobs.hide_left_out(mine, known, own=own)
