"""Commit many small requests as one commit: equal ones are counted first, and carried out together."""

from __future__ import annotations

from collections import Counter
from copy import copy

from crdtctl.errors import CrdtctlError, ExistsError, MissingError, RefusedError, UsageError
from crdtctl.store.requests import repeated

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import TypeAlias, TypeVar

    from crdtctl.store.commit import OnRefused, Request

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

    `requests` maps a key to its request, or to None if it asks for nothing. The requests are increments, decrements
    and additions to sets, so those with equal keys can be carried out together. Only if a request is refused, all
    are carried out one by one. With `on_refused`, refused requests are left out, and it is called with their places.
    Without it, those before the first refused one are committed, and `Refusal` is raised.
    """
    asked = Counter(group)
    try:
        commit([repeated(one, asked[key]) for key in asked if (one := requests[key]) is not None], len(group), None)
    except _REFUSALS:
        _commit_one_by_one(commit, [requests[key] for key in group], on_refused)


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

    try:
        commit(requests, len(group), refused)
    except Refusal as refusal:
        if refusal.place:
            commit([one for one in requests if places[id(one)] < refusal.place], refusal.place, None)
        raise
