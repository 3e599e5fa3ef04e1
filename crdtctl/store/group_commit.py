"""Commit many small requests as one commit: equal ones are counted first, and carried out together."""

from __future__ import annotations

from collections import Counter
from copy import copy

from crdtctl.crdt.base import Operation
from crdtctl.errors import CrdtctlError, ExistsError, MissingError, RefusedError, UsageError
from crdtctl.store.commit import Request
from crdtctl.store.requests import repeated

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import TypeAlias, TypeVar

    from crdtctl.store.commit import OnRefused

    K = TypeVar("K")
    #: Carries out the requests of the given number of keys, the first of a group, as one commit, all or none.
    #: With `OnRefused`, the refused requests are left out, and it is called with each of them.
    Commit: TypeAlias = Callable[[list[Request], int, OnRefused | None], object]

#: Failures that may be of a single request. Others are of the replica, and end the group.
_REFUSALS = (UsageError, RefusedError, MissingError, ExistsError)


class Refusal(Exception):
    """A request of a group was refused: its place in the group, from 0, and the reason. All before it are committed."""

    def __init__(self, place: int, reason: CrdtctlError) -> None:
        super().__init__(reason.message)
        self.place = place
        self.reason = reason


def commit_group(
    commit: Commit,
    group: Sequence[K],
    requests: Mapping[K, Request | None],
    on_refused: Callable[[int, CrdtctlError], object] | None = None,
) -> None:
    """Commit the requests of the keys in `group`, in their order, as one commit.

    `requests` maps a key to its request, or to None if it asks for nothing. Of increments, decrements and additions to
    sets, those with equal keys can be carried out together; readings stay in order. Only if a request is refused, all
    are carried out one by one. With `on_refused`, refused requests are left out, and it is called with their places.
    Without it, those before the first refused one are committed, and `Refusal` is raised.
    """
    counted = Counter(group).items() if _can_be_added_up(requests) else [(key, 1) for key in group]
    asked = [(one, times) for key, times in counted if (one := requests[key]) is not None]
    try:
        commit(_together(asked), len(group), None)
    except _REFUSALS:
        _commit_one_by_one(commit, [requests[key] for key in group], on_refused)


def _can_be_added_up(requests: Mapping[K, Request | None]) -> bool:
    """Return whether the order of requests does not matter: a reading is compared with the ones before it."""
    return not any(one is not None and one.operation.verb == "observe" for one in requests.values())


def _together(asked: Sequence[tuple[Request, int]]) -> list[Request]:
    """Return requests that count as much as these, each multiplied by its number; one for all elements of a set."""
    found: list[Request] = []
    sets: dict[tuple[str, str | None, bool, bool], tuple[int, list[str]]] = {}
    for request, times in asked:
        if request.operation.verb == "add" and not request.operation.sketch:
            key = request.name, request.tag, request.also, request.existing
            if key not in sets:
                sets[key] = len(found), []
                found.append(request)
            sets[key][1].extend(request.operation.elements * times)  # each of equal numbers counts
        else:
            found.append(repeated(request, times))
    for (name, tag, also, existing), (place, elements) in sets.items():
        found[place] = Request(name, Operation("add", elements=tuple(elements)), tag, also, existing)
    return found


def _commit_one_by_one(
    commit: Commit, group: Sequence[Request | None], on_refused: Callable[[int, CrdtctlError], object] | None
) -> None:
    places: dict[int, int] = {}
    requests: list[Request] = []
    for place, request in enumerate(group):
        if request is not None:
            requests.append(copy(request))  # so that each of several equal ones has its place
            places[id(requests[-1])] = place

    def refused(request: Request, reason: CrdtctlError) -> None:
        if not isinstance(reason, _REFUSALS):
            raise reason
        if on_refused is None:
            raise Refusal(places[id(request)], reason)
        on_refused(places[id(request)], reason)

    first: Refusal | None = None  # readings of one counter are carried out together: an earlier refusal may follow
    while first is None or first.place:
        try:
            commit(requests, first.place if first else len(group), refused)
            break
        except Refusal as refusal:
            first = refusal
            requests = [one for one in requests if places[id(one)] < refusal.place]
    if first is not None:
        raise first
