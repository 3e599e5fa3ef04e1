"""Which remotes to sync with and how, and what came of it."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

from crdtctl.errors import CrdtctlError, UsageError
from crdtctl.store.commit import Change
from crdtctl.store.merge import MergeReport
from crdtctl.sync.object_name import INTERVAL


@dataclass(frozen=True, slots=True)
class Remote:
    """A place to meet others: what to call it, and its URL."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Options:
    """How to sync: seconds for what is done at one remote, and seconds to wait for another sync.

    The report tells of so many changed counters the `details`. `progress` is called with what is being done, and how
    many bytes of how many are done; of nothing, while no remote has answered. With `accept_missing`, objects that are
    missing at a remote were deleted on purpose: what they held is put there again. `heartbeat` is after how many
    seconds the time of the last sync in the name of an object is renewed; 0 for never.
    """

    timeout: float = 300.0
    retry_lock: float | None = None
    clean: bool = False
    dry_run: bool = False
    details: int = 0
    progress: Callable[[str, int, int], object] | None = None
    accept_missing: bool = False
    heartbeat: float = INTERVAL

    def __post_init__(self) -> None:
        """Raise `UsageError` for what is no number of seconds: a sync may need it late, or not at all."""
        for name in ("timeout", "retry_lock", "heartbeat"):
            value = getattr(self, name)
            if not (value is None and name == "retry_lock") and not isinstance(value, int | float):
                raise UsageError(f"{name} is a number of seconds, not {type(value).__name__}")


@dataclass(frozen=True, slots=True)
class Transferred:
    """An object that came or went: whose, its bytes, how many new contributions it holds, and of which authors."""

    owner: str
    object: str
    size: int
    entries: int | None = None
    authors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MissingObject:
    """An object that was at a remote and is not any more, although its owner put no other; `is_own` if it was ours."""

    owner: str
    object: str
    is_own: bool = False


@dataclass(slots=True)
class RemoteReport:
    """What happened at one remote: what was read and put, what was deleted, and why it failed, if it did.

    `replicas` are the owners of the objects there. With a dry run, all this is what would be done. `missing` are
    objects that are missed there for the first time; `undeletable` is why old objects cannot be deleted there, when
    that was found out now; `made` is the folder that was made for the first object. `seen` is when each permanent
    replica that has an object there last synced, in seconds since the epoch; None if that is not known.
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


@dataclass(slots=True)
class SyncReport:
    """What a sync did. `merge` says what came of what was read; its labels are ``REMOTE/OBJECT``.

    `replicas` are the owners of all objects that were seen, and this one.
    """

    remotes: list[RemoteReport] = field(default_factory=list)
    merge: MergeReport = field(default_factory=MergeReport)
    replicas: set[str] = field(default_factory=set)

    @property
    def seen(self) -> dict[str, float | None]:
        """When each other permanent replica that was seen last synced, at any of the remotes."""
        found: dict[str, float | None] = {}
        for one in self.remotes:
            for who, when in one.seen.items():
                before = found.get(who)
                found[who] = when if before is None else max(before, when or before)
        return found

    @property
    def changed(self) -> bool:
        """Whether anything was learned here, or put or deleted anywhere."""
        return self.merge.changed or any(one.put or one.deleted for one in self.remotes)


def add_merge(total: MergeReport, one: MergeReport) -> None:
    """Add the report of a later merge to that of those before it. A counter that changed twice is one change."""
    known = {(change.name, change.tag): change for change in total.changes}
    again = 0
    for change in one.changes:
        before = known.get((change.name, change.tag))
        again += before is not None
        first = change.before if before is None else before.before
        known[change.name, change.tag] = Change(change.name, change.tag, first, change.after)
    hands = {(hand.name, hand.peer): hand for hand in (*total.handoffs, *one.handoffs)}
    for part in fields(MergeReport):
        setattr(total, part.name, _joined(getattr(total, part.name), getattr(one, part.name)))
    total.changes, total.handoffs = list(known.values()), list(hands.values())
    total.counters -= again
    total.replicas = sorted(set(total.replicas))
    total.without_peer = list(one.without_peer)


def _joined(before: Any, after: Any) -> Any:
    """Return two parts of reports together: lists and dictionaries of both, the sum of numbers."""
    if isinstance(before, dict):
        return {**before, **after}
    if isinstance(before, bool):
        return before or after
    return before + after
