"""Forget counters: choose them by selectors, and make the requests of the commit."""

from __future__ import annotations

from crdtctl.crdt import TYPES
from crdtctl.errors import RefusedError, UsageError, printable
from crdtctl.store import requests
from crdtctl.store.commit import refused
from crdtctl.store.reading import Reading
from crdtctl.store.selection import chosen, conditions, find, meant, missing
from crdtctl.store.type_choice import kinds
from crdtctl.store.validation import check_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from crdtctl.store.commit import Request
    from crdtctl.store.selection import Where
    from crdtctl.store.snapshot import Snapshot


def to_forget(
    now: Snapshot, names: Sequence[str], *, where: Where = (), exact: bool = False, tag: str | None = None
) -> list[Reading]:
    """Return the counters that names and patterns select, with all series, each once.

    Raise `MissingError` for a name that selects none, and `RefusedError` for a type that cannot be forgotten, and for a
    `bcounter` whose rights are not all here.
    """
    check_type(tag)
    if not names:
        raise UsageError("name the counters to forget")
    demanded, found = conditions(where), dict[tuple[str, str], Reading]()
    for name in names:
        wanted = chosen(now, name, demanded, exact=exact)
        selected = meant(now, wanted, find(now, wanted, tag))
        if not selected:
            raise missing(now, wanted, tag)
        found.update(((one.name, one.tag), one) for one in selected)
    lasting = [one for one in found.values() if not TYPES[one.tag].can_be_forgotten]
    if lasting:
        more = f", and {len(lasting) - 1} more cannot" if len(lasting) > 1 else ""
        raise RefusedError(
            f"'{printable(lasting[0].name)}' is {kinds([lasting[0].tag])}, which cannot be forgotten{more}",
            "name other counters, or choose their type with --type",
        )
    for one in found.values():
        if blocker := TYPES[one.tag].forget_blocker(now.id, one.state):
            raise refused("forget", one.name, blocker)
    return list(found.values())


def forgetting(found: Sequence[Reading], *, keys_too: bool = False) -> list[Request]:
    """Return the requests that forget counters."""
    return [requests.forget(one.name, tag=one.tag, keys_too=keys_too) for one in found]
