"""The counters of a replica at one moment: look-ups, which read only the lines of one name, and all counters."""

from __future__ import annotations

from crdtctl.codec.lines import decode_own_line
from crdtctl.codec.reader import NO_NAMES
from crdtctl.crdt.counter import join_counters, without_forgotten
from crdtctl.crdt.names import RENAMES_LINE, counter_fault, entered_counter, stored_counter_fault
from crdtctl.errors import MissingError
from crdtctl.records import overload
from crdtctl.store.hidden import hide_absorbed, hide_left_out

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Final, Self, TypeVar

    from crdtctl.codec.reader import Source
    from crdtctl.crdt.base import Entries
    from crdtctl.crdt.counter import Counter
    from crdtctl.store.files import Directory
    from crdtctl.store.jobs import AttemptReading
    from crdtctl.store.reading import Reading
    from crdtctl.store.renamed import RenamedCounters
    from crdtctl.store.rights import Holding, MadeTwice
    from crdtctl.store.selection import Where
    from crdtctl.store.totals import Total

    _T = TypeVar("_T")

#: Minimum size in bytes of files whose counters are read many at a time.
MANY_BYTES = 2**17
_MISSING: Final = object()


class CounterSnapshot:
    """The counters of one replica at one moment. The methods have the names and the results of those of `Replica`."""

    def __init__(self, directory: Directory, own: Source, known: Source | None) -> None:
        """Read `own` and `known`, which were opened at one moment.

        Counters that this replica absorbed are hidden in `known`: ``own.json`` is written first, and may contain them.
        """
        self.own = own
        self.known = known
        self._directory = directory
        self._is_verified = False
        self._found: tuple[Source, Source | None] | None = None
        self._renamed: list[RenamedCounters] | None = None
        if known is not None:
            hide_absorbed(own, known)

    def reading(self, name: str, tag: str | None = None, *, labels: Mapping[str, str] | None = None) -> Reading:
        """Read one counter in the type that this replica uses, or in type `tag`.

        Raise `MissingError` for an unknown counter, and `UsageError` if it has several types and this replica uses
        none of them.
        """
        found = self.readings(name, tag, labels=labels)
        if len(found) > 1:
            meant = self.meant(found[0].name)
            found = [one for one in found if one.tag == meant] or found
        return found[0]

    def readings(self, name: str, tag: str | None = None, *, labels: Mapping[str, str] | None = None) -> list[Reading]:
        """Read a counter in each of its types, or in type `tag`. Raise `MissingError` for an unknown counter."""
        from crdtctl.store.reading import Reading
        from crdtctl.store.validation import check_strings, check_type, entered_name, wrong_name

        check_strings(tag=tag)
        name = entered_name(name, labels)
        if stored_counter_fault(name) is not None:
            raise wrong_name(name)
        check_type(tag)
        found = [Reading(*one) for one in self.named(name) if tag in (None, one[1])]
        if not found:
            what = "counter" if tag is None else tag
            if tag is not None and (present := self.tags(name)):
                from crdtctl.store.type_choice import wrong_type

                raise wrong_type(name, tag, present)
            raise MissingError.of_counter(name, f"no {what} '{name}' here", "'crdtctl show' lists what there is")
        return found

    @overload
    def value(self, name: str, tag: str | None = None, *, labels: Mapping[str, str] | None = None) -> int: ...
    @overload
    def value(
        self, name: str, tag: str | None = None, *, labels: Mapping[str, str] | None = None, default: _T
    ) -> int | _T: ...
    def value(
        self,
        name: str,
        tag: str | None = None,
        *,
        labels: Mapping[str, str] | None = None,
        default: object = _MISSING,
    ) -> object:
        """Return the value of a counter, or the `default` for an unknown counter.

        `labels` and those in the name are all labels of the counter: others of that name are not added. Without a
        default, raise `MissingError`. Raise `UsageError` for a wrong name or label.
        """
        from crdtctl.store.validation import check_strings, entered_name

        name = entered_name(name, labels)
        if default is not _MISSING:
            check_strings(tag=tag)
            if counter_fault(name) is None and not any(tag in (None, one) for one in self.tags(name)):
                return default
        return self.reading(name, tag).value

    def tags(self, name: str) -> list[str]:
        """Return the types of a counter; empty for an unknown counter."""
        return sorted({tag for _, tag, _ in self.named(entered_counter(name))})

    def meant(self, name: str, series: Sequence[str] = ()) -> str:
        """Return the type that the name of a counter means: the one that this replica uses, or the only one.

        With `series`, the name means these. The type is empty for an unknown counter. Raise `UsageError` if there are
        several and the settings choose none.
        """
        from crdtctl.store import type_choice as types  # only here, as others below: not every reader needs it

        name = entered_counter(name)
        names = [*(series or [name])]
        if self.renamed:
            names = [one for called in names for one in self.renamed.group(called)]
        own, *known = [_together(source, names) for source in self.sources]
        found = types.candidates(own, known[0] if known else {})
        if len(found) > 1:
            present = {tag for one in names for tag in self.counter(one)}
            found = [tag for tag in found if tag in present]
        if len(found) > 1:
            return types.choose(name, found, self._preferred())
        return found[0] if found else ""

    def type_of_series(self, name: str) -> str:
        """Return the type of the other counters of a name with labels, which a new one gets; empty without one."""
        from crdtctl.crdt.series import name_of
        from crdtctl.store.siblings import the_type

        called = name_of(entered_counter(name))
        return the_type(self.sources, self.renamed.aliases.group(called) if self.renamed else [called])

    def select(
        self,
        *names: str,
        where: Where = (),
        by: Iterable[str] | None = None,
        each: bool = False,
        exact: bool = False,
        tag: str | None = None,
    ) -> list[Total]:
        """Return totals of the counters that selectors mean, see `Reader.select`."""
        from crdtctl.store.selection import select

        return select(self, names, where=where, by=by, each=each, exact=exact, tag=tag)

    def counters(self) -> Iterator[Reading]:
        """Yield all counters by name and type, in constant memory."""
        from crdtctl.codec.merge_join import merge_join, merged_blocks

        self.verified()
        if self.renamed:
            for name, counter in self.renamed.counters():
                yield from _readings(name, counter)
            return
        own, known = self._values
        if own.size + (known.size if known else 0) >= MANY_BYTES:
            from crdtctl.codec.own_lines import decode_own_lines  # only here: few counters do without
            from crdtctl.crdt import NO_COUNTERS

            for block in merged_blocks(known, [own], many=True):
                for name, counter in decode_own_lines(block.text):
                    if name not in NO_COUNTERS:
                        yield from _readings(name, counter)
            return
        for joined in merge_join(known, [own]):
            if joined.after is not None and joined.name not in NO_NAMES:
                yield from _readings(*decode_own_line(joined.after))

    def as_stored(self, readings: Iterable[Reading]) -> Iterator[Reading]:
        """Yield readings as they are in the files: each name by itself, if several are read as one."""
        from crdtctl.store.reading import Reading

        renamed = self.renamed
        for one in readings:
            if renamed is None:
                yield one
                continue
            for name in renamed.group(one.name):
                entries = renamed.at(name).get(one.tag)
                if entries is not None:
                    yield Reading(name, one.tag, entries)

    def attempts(self, name: str | None = None) -> Iterator[AttemptReading]:
        """Yield the counts of all attempts of jobs, also of those that do not count, by the name of the counter."""
        from crdtctl.store.jobs import attempt_readings

        self.verified()
        called = None if name is None else self.spellings(entered_counter(name))[0]
        yield from attempt_readings(self.own, self.known, called)

    def rights(self, name: str) -> Holding:
        """Return the holders of the rights to a bcounter, and the requests. Raise `MissingError` if it is unknown."""
        from crdtctl.store.rights import TAG, Holding

        found = self.reading(name, TAG)
        return Holding(found.name, self.own.head.replica, found.state)

    def holdings(self) -> list[Holding]:
        """Return the holders of the rights, and the requests, of all bcounters."""
        from crdtctl.store.rights import holdings

        return list(holdings(self.own, self.known))

    def made_twice(self) -> list[MadeTwice]:
        """Return the bcounters that several replicas created with an initial value, unless resolved."""
        from crdtctl.store.rights import made_twice

        settled = self.known.head.settled if self.known else ()
        found = (made_twice(one.name, one.state, settled) for one in self.holdings())
        return [one for one in found if one]

    def verified(self) -> Self:
        """Verify the checksums of both files, once."""
        if not self._is_verified:
            for source in filter(None, (self.own, self.known)):
                source.verify()
            self._is_verified = True
        return self

    def counter(self, name: str) -> Counter:
        """Return the joined entries of one counter; empty for an unknown or forgotten one, and for an alias."""
        if self.renamed:
            return without_forgotten(self.renamed.counter(name))
        own, known = self._values
        return without_forgotten(join_counters(own.counter(name), known.counter(name) if known else {}))

    def named(self, name: str) -> Iterator[tuple[str, str, Entries]]:
        """Yield the name, the type and the entries of each counter that a name means, after renames."""
        from crdtctl.crdt import TYPES

        for called in self.spellings(name):
            counter = self.counter(called)
            for tag in sorted(counter):
                if called == name or TYPES[tag].can_be_renamed:
                    yield called, tag, counter[tag]

    def spellings(self, name: str) -> list[str]:
        """Return the spellings that a counter may be read under: the one that it was renamed to, and its own."""
        return self.renamed.spellings(name) if self.renamed else [name]

    @property
    def renamed(self) -> RenamedCounters | None:
        """The counters under the names that they were renamed to; None if none was renamed."""
        if self._renamed is None:
            self._renamed = []
            if any(source.has(RENAMES_LINE) for source in self.sources):
                from crdtctl.store.renamed import RenamedCounters

                self._renamed.append(RenamedCounters(self.sources))
        return self._renamed[0] if self._renamed else None

    def rename_faults(self) -> list[str]:
        """Return the open questions about renames, see `crdtctl.store.renamed.RenamedCounters.faults`."""
        return self.renamed.faults() if self.renamed else []

    @property
    def sources(self) -> list[Source]:
        """The files for values: ``own.json``, and ``known.json`` if there is one."""
        return [source for source in self._values if source is not None]

    @property
    def _values(self) -> tuple[Source, Source | None]:
        """Both files for values, without the attempts of jobs that do not count."""
        if self._found is None:
            self._found = own, known = self.own.twin(), self.known.twin() if self.known else None
            hide_left_out(own, known)
        return self._found

    def _preferred(self) -> Mapping[str, str]:
        from crdtctl.store import config

        return config.read(self._directory.fd, self._directory.file("config.toml")).types


def _readings(name: str, counter: Counter) -> Iterator[Reading]:
    """Yield a counter in each of its types that is not forgotten."""
    from crdtctl.store.reading import Reading

    counter = without_forgotten(counter)
    for tag in sorted(counter):
        yield Reading(name, tag, counter[tag])


def _together(source: Source, names: Sequence[str]) -> Counter:
    """Return the entries of several counters in one file, by type, under keys of their own."""
    together: Counter = {}
    for name in names:
        for tag, entries in source.counter(name).items():
            together.setdefault(tag, {}).update({f"{author} {name}": row for author, row in entries.items()})
    return together
