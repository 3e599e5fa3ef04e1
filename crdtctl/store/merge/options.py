"""Options of a merge."""

from __future__ import annotations

import sys

from crdtctl.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    #: Called now and then with the number of bytes of the result that are written.
    Progress = Callable[[int], object]


class MergeOptions(Record):
    """Options of a merge.

    With `all_or_nothing`, one refused input refuses all. With `beyond_cutoff`, replicas older than a cutoff are taken.
    `hears`: whether the inputs may be all that other replicas have of earlier ids of this replica. The report holds
    the values of the first `details` changed counters (True: of all), and the `heads` of the inputs only if asked. With
    several `processes`, large inputs are joined by as many.
    """

    all_or_nothing: bool = False
    beyond_cutoff: bool = False
    hears: bool = True
    details: int = 0
    heads: bool = False
    processes: int = 1
    progress: Progress | None = None

    @property
    def max_details(self) -> int:
        """Maximum number of changed counters whose values the report holds."""
        return sys.maxsize if self.details is True else self.details
