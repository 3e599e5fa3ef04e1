"""Other replicas of the same user, and the surroundings of a new one: facts that a user may overlook."""

from __future__ import annotations

from itertools import islice

from crdtctl.errors import CrdtctlError, printable
from crdtctl.records import Record
from crdtctl.store import locate, places
from crdtctl.store.locate import NAME, Unclear
from crdtctl.store.reader import Reader
from crdtctl.system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MANY = 1000
_LOOKED_AT = 5
#: Name at the top of a work tree → command that deletes a replica in it.
_WORK_TREES = {
    ".git": "'git clean -x'",
    ".hg": "'hg purge --all'",
    ".svn": "'svn cleanup --remove-ignored'",
}


class Neighbour(Record):
    """Another replica of this user: its directory, the names of its counters, up to 1000, and of its remotes."""

    path: str
    counters: tuple[str, ...]
    remotes: tuple[str, ...]

    def __str__(self) -> str:
        number = len(self.counters)
        said = f"{number} counter{'' if number == 1 else 's'}" if number <= _MANY else f"more than {_MANY} counters"
        if self.remotes:
            said += f" and the remote{'' if len(self.remotes) == 1 else 's'} {', '.join(self.remotes)}"
        return f"another replica of yours is in {printable(self.path)}, with {said}"


def of_user() -> Iterator[str]:
    """Yield the directories of the replicas that commands find anywhere: in the data directory, and at home."""
    for place in (locate.in_user_data, locate.in_home):
        try:
            path = place()
        except Unclear:
            continue
        if os.path.exists(f"{path}/own.json"):
            yield path


def neighbours(path: str) -> Iterator[Neighbour]:
    """Yield this user's replicas other than the one at `path`. Those that commands find from everywhere come first."""
    seen = {os.path.realpath(path)}
    for other in (*of_user(), *(found for found, _ in places.everywhere())):
        real = os.path.realpath(other)
        if real in seen:
            continue
        seen.add(real)
        found = _neighbour(other)
        if found:
            yield found


def foremost(path: str) -> Neighbour | None:
    """Return the other replica that this user most probably uses: one with remotes, or else with counters."""
    found = islice(neighbours(path), _LOOKED_AT)
    return max(found, key=lambda one: (bool(one.remotes), bool(one.counters)), default=None)


def likelier(replica: Reader, names: Mapping[str, bool]) -> Neighbour | None:
    """Return another replica that the user may have intended to count in. `names`: counter → whether it is new.

    It is one with counters of these names, or with remotes if this replica has none. If a name is new, it is any other.
    """
    found = list(islice(neighbours(replica.path), _LOOKED_AT))
    is_lonely = not replica.remotes()
    for other in found:
        if not names.keys().isdisjoint(other.counters) or (is_lonely and other.remotes):
            return other
    return found[0] if found and any(names.values()) else None


def _neighbour(path: str) -> Neighbour | None:
    """Return a replica as a neighbour, if it exists and belongs to this user."""
    try:
        if os.stat(f"{path}/own.json").st_uid != os.geteuid():
            return None
        replica = Reader(path)
        names = dict.fromkeys(reading.name for reading in islice(replica.counters(), _MANY + 1))
        return Neighbour(path, tuple(names), tuple(replica.remotes()))
    except (OSError, CrdtctlError):
        return None


def in_work_tree(path: str) -> Iterator[str]:
    """Yield a warning for each work tree whose commands may delete a replica at `path`.

    A replica inside of ``.git`` or the like is safe from them.
    """
    for above in _upward(os.path.dirname(path)):
        for name, command in _WORK_TREES.items():
            inside = f"{above.rstrip('/')}/{name}"
            if os.path.lexists(inside) and not path.startswith(f"{inside}/"):
                yield (
                    f"{printable(above)} is a work tree: {command} deletes this replica and all its counts; sync or "
                    "export it, or make it in another directory and name that with CRDTCTL_REPLICA"
                )


def around(path: str) -> Iterator[str]:
    """Yield notes on other replicas above and below a new one at `path`, if commands find it by its place."""
    parent = os.path.dirname(path)
    if os.path.basename(path) != NAME:
        return
    for above in _upward(os.path.dirname(parent)) if parent != "/" else ():
        if os.path.exists(f"{above.rstrip('/')}/{NAME}/own.json"):
            former = printable(f"{above}/{NAME}")
            yield f"below {printable(parent)}, commands use this replica from now on, no longer {former}"
            break
    else:
        for other in of_user():
            if other != path and (found := _neighbour(other)) and found.counters:
                yield f"{found}; commands below {printable(parent)} use the new one from now on"
                break
    inside = f"{parent.rstrip('/')}/"
    for other, _ in places.everywhere():
        is_below = other != path and other.startswith(inside) and os.path.basename(other) == NAME
        if is_below and os.path.exists(f"{other}/own.json"):
            yield f"below {printable(os.path.dirname(other))}, commands still use {printable(other)}"


def _upward(path: str) -> Iterator[str]:
    """Yield a directory and those above it."""
    yield path
    while path != "/":
        path = os.path.dirname(path)
        yield path
