"""Readings of one counter that follow each other in a commit are carried out together, in the order of the requests.

A counter may have many sources, and each change of its entry copies it. So these readings are one operation.
"""

from __future__ import annotations

from crdtctl.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from crdtctl.crdt.readings import OnDrop
    from crdtctl.store.commit import Request


def grouped(requests: Iterable[Request]) -> Iterator[list[Request]]:
    """Yield requests one by one, and those to observe one counter together."""
    found: dict[tuple[str, str | None, bool, bool], list[Request]] = {}
    on_drop: OnDrop | None = None
    for request in requests:
        operation = request.operation
        if found and (operation.verb != "observe" or operation.on_drop != on_drop):
            yield from found.values()
            found = {}
        if operation.verb == "observe":
            on_drop = operation.on_drop
            found.setdefault((request.name, request.tag, request.also, request.existing), []).append(request)
        else:
            yield [request]
    yield from found.values()


def together(group: Sequence[Request]) -> Request:
    """Return one request for all of a group."""
    if len(group) == 1:
        return group[0]
    readings = tuple([reading for one in group for reading in one.operation.readings])
    moments = tuple([moment for one in group for moment in one.operation.moments or (None,)])
    dated = moments if any(one.operation.moments for one in group) else ()
    return replace(group[0], operation=replace(group[0].operation, readings=readings, moments=dated))
