"""Names on the command line → counters: whole names, patterns with * and ?, and defaults."""

from __future__ import annotations

from crdtctl.errors import MissingError, UsageError, printable
from crdtctl.store.reading import Reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from crdtctl.store.snapshot import Snapshot


class Default:
    """The value of a counter that does not exist."""

    tag: None = None

    def __init__(self, name: str, value: int) -> None:
        self.name = name
        self.value = value
        self.facts: Mapping[str, float] = {}


def counted(found: Iterable[Reading | Default]) -> Iterator[Reading]:
    """Yield the readings of existing counters."""
    return (one for one in found if isinstance(one, Reading))


def is_pattern(now: Snapshot, name: str) -> bool:
    """Return whether a word is a pattern: it contains * or ?, and no counter has exactly this name."""
    return ("*" in name or "?" in name) and not now.tags(name)


def selected(now: Snapshot, names: Sequence[str], tag: str | None, default: int | None) -> Iterator[Reading | Default]:
    """Yield the counters of the names, in order, with `default` for a missing one; raise `MissingError`."""
    for name in names:
        if is_pattern(now, name):
            from fnmatch import fnmatchcase

            found = [one for one in now.counters() if tag in (None, one.tag) and fnmatchcase(one.name, name)]
            if not found and default is None:
                raise MissingError(f"no counter matches '{printable(name)}'", "'crdtctl show' lists all counters")
            yield from found
        elif default is None or (tag in now.tags(name) if tag else now.tags(name)):
            yield from _meant(now, name, tag)
        else:
            yield Default(name, default)


def _meant(now: Snapshot, name: str, tag: str | None) -> list[Reading]:
    """Return the reading of a name in the type that this replica uses, or all readings if it uses none."""
    found = now.readings(name, tag)
    if len(found) > 1:
        try:
            meant = now.meant(name)
        except UsageError:  # this replica uses none of the types
            return found
        return [one for one in found if one.tag == meant] or found
    return found
