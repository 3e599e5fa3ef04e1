"""The counters of a replica under the names that they have after all renames. It is made only if there are renames."""

from __future__ import annotations

from crdtctl.codec.reader import ALL, NO_NAMES, Part
from crdtctl.crdt import TYPES
from crdtctl.crdt.counter import join_counters
from crdtctl.crdt.names import RENAMES_LINE
from crdtctl.crdt.renames import RENAMES, aliases
from crdtctl.crdt.series import parts
from crdtctl.crdt.several_names import together
from crdtctl.errors import printable
from crdtctl.store.type_choice import kinds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from crdtctl.codec.reader import Source
    from crdtctl.crdt.base import Entries
    from crdtctl.crdt.counter import Counter
    from crdtctl.crdt.renames import Aliases


def renames_in(source: Source | None) -> Entries:
    """Return the entries of renames in one file; none without the file."""
    return source.counter(RENAMES_LINE).get(RENAMES.tag, {}) if source else {}


def aliases_of(sources: Sequence[Source]) -> Aliases:
    """Return the renames in some files."""
    return aliases(RENAMES.join_several(map(renames_in, sources)))


class RenamedCounters:
    """The counters in a replica's files, read under the names that their names lead to.

    Counters of types that cannot be renamed stay under their own names.
    """

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources
        self.aliases = aliases_of(sources)
        self._moved_lines: dict[bytes, list[tuple[str, Counter]]] | None = None

    def counter(self, spelling: str) -> Counter:
        """Return the counter that is read under a spelling. Under an alias, it has no type that can be renamed."""
        mine = self.at(spelling)
        fixed = {tag: rows for tag, rows in mine.items() if not TYPES[tag].can_be_renamed}
        if self.aliases.spelling(spelling) != spelling:
            return fixed
        several = [(one, mine if one == spelling else self.at(one)) for one in self.aliases.group(spelling)]
        return {**together(several, spelling), **fixed}

    def beside(self, spelling: str, pending: Mapping[str, Counter]) -> Counter:
        """Return the counters that are read together with another one, without that. `pending` replaces own lines."""
        own, *others = self._sources
        several = []
        for one in self.aliases.group(spelling):
            if one != spelling:
                found = pending[one] if one in pending else own.counter(one)
                for source in others:
                    found = join_counters(found, source.counter(one))
                several.append((one, found))
        return together(several, spelling)

    def group(self, spelling: str) -> list[str]:
        """Return the spellings with entries that are read together with this one; at least itself."""
        found = [one for one in self.aliases.group(spelling) if any(source.has(one) for source in self._sources)]
        return found or [spelling]

    def spellings(self, spelling: str) -> list[str]:
        """Return the spellings that the counters of a spelling are read under: its target, and itself."""
        return list(dict.fromkeys([self.aliases.spelling(spelling), spelling]))

    def faults(self) -> list[str]:
        """Return the questions for a person: conflicts, and names of different types that lead to one name."""
        found = [f"{one}; 'crdtctl rename' resolves that" for one in self.aliases.conflicts]
        for target in sorted(set(self.aliases.targets.values())):
            types: dict[str, set[str]] = {}
            for name in self.aliases.group(target):
                tags = {tag for _, counter in self.of_name(name) for tag in counter}
                if tags := {tag for tag in tags if TYPES[tag].can_be_renamed}:
                    types[name] = tags
            if len(set().union(*types.values())) > 1:
                shown = " and ".join(f"'{printable(name)}' is {kinds(sorted(types[name]))}" for name in sorted(types))
                found.append(
                    f"{shown}, but all lead to '{printable(target)}'; --type chooses, 'crdtctl rename' parts them"
                )
        return found

    def counters(self, part: Part = ALL) -> Iterator[tuple[str, Counter]]:
        """Yield the counters of a part by name, as they are read."""
        moved = self._moved
        virtual = sorted(key for key in moved if key >= part.first and not (part.beyond and key >= part.beyond))
        runs = [(source, source.lines(part)) for source in self._sources]
        for key, counter in _joined(runs):
            while virtual and virtual[0] < key:
                yield self._read(virtual.pop(0), {})
            if virtual and virtual[0] == key:
                del virtual[0]
            found = self._read(key, counter)
            if found[1]:
                yield found
        for key in virtual:
            yield self._read(key, {})

    def _read(self, key: bytes, counter: Counter) -> tuple[str, Counter]:
        spelling = key.decode()
        fixed = {tag: rows for tag, rows in counter.items() if not TYPES[tag].can_be_renamed}
        if parts(spelling)[0] in self.aliases.targets:
            return spelling, fixed
        several = [(spelling, counter), *self._moved.get(key, ())]
        return spelling, {**together(several, spelling), **fixed} if len(several) > 1 else counter

    @property
    def _moved(self) -> dict[bytes, list[tuple[str, Counter]]]:
        """Spelling → the counters of aliases that are read under it."""
        if self._moved_lines is None:
            self._moved_lines = {}
            for alias in self.aliases.targets:
                for spelling, counter in self.of_name(alias):
                    if any(TYPES[tag].can_be_renamed for tag in counter):
                        target = self.aliases.spelling(spelling).encode()
                        self._moved_lines.setdefault(target, []).append((spelling, counter))
        return self._moved_lines

    def of_name(self, name: str) -> Iterator[tuple[str, Counter]]:
        """Yield the counters of a name in the files, with and without labels."""
        yield name, self.at(name)
        labelled = Part(f"{name}{{".encode(), f"{name}|".encode())  # "|" is the character after "{"
        for key, counter in _joined([(source, source.lines(labelled)) for source in self._sources]):
            if parts(key.decode())[0] == name:
                yield key.decode(), counter

    def at(self, spelling: str) -> Counter:
        """Return the counter that stands under a spelling in the files."""
        found: Counter = {}
        for source in self._sources:
            found = join_counters(found, source.counter(spelling))
        return found


def _joined(runs: Sequence[tuple[Source, Iterator[tuple[bytes, bytes]]]]) -> Iterator[tuple[bytes, Counter]]:
    """Yield each name of several sorted runs of lines, with its joined counter. Reserved lines are left out."""
    heads = {index: found for index, (_, run) in enumerate(runs) if (found := next(run, None)) is not None}
    while heads:
        name = min(key for key, _ in heads.values())
        counter: Counter = {}
        for index in [index for index, (key, _) in heads.items() if key == name]:
            source, run = runs[index]
            counter = join_counters(counter, source.read(heads.pop(index)[1]))
            if (following := next(run, None)) is not None:
                heads[index] = following
        if name not in NO_NAMES:
            yield name, counter
