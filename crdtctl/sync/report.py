"""The input of a sync, remotes and options, and its reports."""

from __future__ import annotations

from crdtctl.errors import CrdtctlError, UsageError
from crdtctl.records import Record, as_dict, field
from crdtctl.store.merge_report import MergeReport
from crdtctl.sync.object_name import RENEWAL_SECONDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


#: Maximum number of objects that are read from one remote at the same time.
MAX_JOBS = 64


class Remote(Record):
    """A remote: its name in messages, its URL, the limits of a sync there, and the sources of its keys (`key_sources`).

    With `only` ``"pull"`` nothing is written there, with ``"push"`` nothing is merged from there. With `keep_old`
    nothing is deleted there.
    """

    name: str
    url: str
    only: str = ""
    keep_old: bool = False
    keys: tuple[str, ...] = ()


class Options(Record):
    """The options of a sync. `timeout` is in seconds for each remote, `retry_lock` in seconds to wait for another sync.

    `details` is the maximum number of changed counters in the report. `progress` is called with an activity, the bytes
    done and the bytes in total; both are 0 until a remote has answered. With `accept_missing`, missing objects count as
    deleted on purpose, and their content is uploaded again. `heartbeat` is the number of seconds after which the time
    in the name of an object is renewed, 0 for never. `jobs` is the maximum number of objects that are read from one
    remote at the same time; None leaves the number to the kind of remote.
    """

    timeout: float = 300.0
    retry_lock: float | None = None
    clean: bool = False
    dry_run: bool = False
    details: int = 0
    progress: Callable[[str, int, int], object] | None = None
    accept_missing: bool = False
    heartbeat: float = RENEWAL_SECONDS
    jobs: int | None = None

    def __post_init__(self) -> None:
        """Raise `UsageError` for a value that is not a number of seconds, even if this sync would not use it."""
        for name in ("timeout", "retry_lock", "heartbeat"):
            value = getattr(self, name)
            if not (value is None and name == "retry_lock") and not isinstance(value, int | float):
                raise UsageError(f"{name} is a number of seconds, not {type(value).__name__}")
        if not (self.jobs is None or (type(self.jobs) is int and 1 <= self.jobs <= MAX_JOBS)):
            raise UsageError(f"jobs is a number from 1 to {MAX_JOBS}, not {self.jobs!r:.80}")


class Transferred(Record):
    """An object that was read or put: its owner, its size in bytes, and the new entries in it.

    `entries` is the number of new entries, None if they were not counted; `authors` are their replica ids.
    """

    owner: str
    object: str
    size: int
    entries: int | None = None
    authors: tuple[str, ...] = ()


class MissingObject(Record):
    """An object that disappeared from a remote without a successor; `is_own` if this replica had put it."""

    owner: str
    object: str
    is_own: bool = False


class RemoteReport(Record, frozen=False):
    """The events at one remote: the objects read, put and deleted, and the error, if any. A dry run predicts them.

    `replicas` are the owners of the objects there. `missing` are objects that are missing for the first time.
    `undeletable` is the reason for refused deletions, if this sync is the first to see it. `made` is the folder that
    was made for the first object. `seen` is the time of the last sync of each permanent replica with an object there,
    in seconds since the epoch; None if it is unknown. `unread` are failures about files at a private remote that were
    not put with its key. `older` maps replicas to the commits of their newest objects now and before, if only older
    ones are there now; only in the first sync that sees it.
    """

    name: str
    url: str
    replicas: set[str] = field(default_factory=set)
    read: list[Transferred] = field(default_factory=list)
    put: Transferred | None = None
    deleted: list[str] = field(default_factory=list)
    error: CrdtctlError | None = None
    missing: list[MissingObject] = field(default_factory=list)
    undeletable: str = ""
    made: str = ""
    seen: dict[str, float | None] = field(default_factory=dict)
    unread: list[CrdtctlError] = field(default_factory=list)
    older: dict[str, tuple[int, int]] = field(default_factory=dict)


class SyncReport(Record, frozen=False):
    """The events of a sync. `merge` is the report of all merges; its labels are ``REMOTE/OBJECT``.

    `replicas` are the owners of all objects that were seen, and this replica.
    """

    remotes: list[RemoteReport] = field(default_factory=list)
    merge: MergeReport = field(default_factory=MergeReport)
    replicas: set[str] = field(default_factory=set)

    @property
    def seen(self) -> dict[str, float | None]:
        """The time of the last sync of each other permanent replica, at any of the remotes."""
        found: dict[str, float | None] = {}
        for one in self.remotes:
            for who, when in one.seen.items():
                before = found.get(who)
                found[who] = when if before is None else max(before, when or before)
        return found

    @property
    def changed(self) -> bool:
        """Whether this replica or any remote changed."""
        return self.merge.changed or any(one.put or one.deleted for one in self.remotes)


def add_merge(total: MergeReport, one: MergeReport) -> None:
    """Add the report of a later merge to the `total`. A counter that changed in both counts as one change."""
    from crdtctl.store.changes import Change

    known = {(change.name, change.tag): change for change in total.changes}
    again = 0
    for change in one.changes:
        before = known.get((change.name, change.tag))
        again += before is not None
        first = change.before if before is None else before.before
        known[change.name, change.tag] = Change(change.name, change.tag, first, change.after)
    hands = {(hand.name, hand.peer): hand for hand in (*total.handoffs, *one.handoffs)}
    for part in as_dict(one):
        setattr(total, part, _joined(getattr(total, part), getattr(one, part)))
    total.changes, total.handoffs = list(known.values()), list(hands.values())
    total.counters -= again
    total.replicas = sorted(set(total.replicas))
    total.without_peer = list(one.without_peer)


def _joined(before: Any, after: Any) -> Any:
    """Return the combination of two parts of reports: both lists or dictionaries, or the sum of numbers."""
    if isinstance(before, dict):
        return {**before, **after}
    if isinstance(before, bool):
        return before or after
    return before + after
