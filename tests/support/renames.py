"""What names lead to, by an oracle that knows each rename and the renames that its author knew, and no row."""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple


class Rename(NamedTuple):
    """A rename, its number, and the keys of all renames that its author knew."""

    author: str
    old: str
    new: str
    number: int
    known: frozenset[tuple[str, int]]

    @property
    def key(self) -> tuple[str, int]:
        """What identifies it: a replica renames a name once under a number."""
        return f"{self.author} {self.old}", self.number


Edges = Mapping[str, Rename]


def made(known: Collection[Rename], author: str, old: str, new: str) -> list[Rename]:
    """Return the renames that an author makes who renames one name, given all that it knows."""
    number, keys = 1 + max((one.number for one in known), default=0), frozenset(one.key for one in known)
    fresh = [Rename(author, old, new, number, keys)]
    if new != old and old in path(held(known), new):
        fresh.append(Rename(author, new, new, number, keys))
    return fresh


def latest(renames: Iterable[Rename]) -> list[Rename]:
    """Return the last rename of each name by each author."""
    found = {(one.author, one.old): one for one in sorted(renames, key=lambda one: one.number)}
    return [*found.values()]


def held(renames: Iterable[Rename]) -> dict[str, Rename]:
    """Return the strongest rename of each name."""
    found: dict[str, Rename] = {}
    for one in sorted(latest(renames), key=lambda one: (-one.number, one.author)):
        found.setdefault(one.old, one)
    return found


def path(edges: Edges, name: str) -> list[str]:
    """Return the names that a name leads through, up to the first repeated one."""
    found = [name]
    while found[-1] in edges and edges[found[-1]].new not in found:
        found.append(edges[found[-1]].new)
    return found


def without_circles(edges: Edges) -> tuple[dict[str, Rename], list[tuple[Rename, Rename]]]:
    """Return edges that end, and the pairs of the weakest and the strongest rename of each circle."""
    left = {old: one for old, one in edges.items() if one.new != old}
    cut: list[tuple[Rename, Rename]] = []
    while True:
        circles = [found for name in left if (found := path(left, name))[-1] in left and left[found[-1]].new == name]
        if not circles:
            return left, cut
        circle = sorted((left[one] for one in circles[0]), key=lambda one: (-one.number, one.author, one.old))
        cut.append((circle[-1], circle[0]))
        del left[circle[-1].old]


def targets(renames: Iterable[Rename]) -> dict[str, str]:
    """Return alias → the name that it leads to in the end."""
    edges, _ = without_circles(held(renames))
    return {name: path(edges, name)[-1] for name in edges}


def conflicts(renames: Collection[Rename]) -> set[tuple[str, str, str]]:
    """Return author, old and new name of the renames in conflict."""
    strongest = held(renames)
    _, cut = without_circles(strongest)
    pairs = [(one, strongest[one.old]) for one in latest(renames) if one.new != strongest[one.old].new] + cut
    return {(one.author, one.old, one.new) for one, other in pairs if one.key not in other.known}
