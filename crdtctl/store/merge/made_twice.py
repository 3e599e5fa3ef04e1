"""Finds bounded counters that several replicas created, while files are joined."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from crdtctl.codec.merge_join import MergedBlock
    from crdtctl.codec.reader import Source
    from crdtctl.store.rights import MadeTwice

_MARK = b'"bcounter":{'


class Makers:
    """Finds bounded counters with several creators during a merge."""

    def __init__(self, own: Source, settled: Collection[str]) -> None:
        self._own = own
        self._settled = settled

    def look(self, block: MergedBlock) -> Iterator[MadeTwice]:
        """Yield the changed counters of a block that have creators which were not known."""
        if _MARK in block.text:
            for before, after in zip(block.before, block.after, strict=True):
                if _MARK in after:
                    yield from self._look(before, after)

    def _look(self, before: bytes | None, after: bytes) -> Iterator[MadeTwice]:
        from crdtctl.codec.lines import decode_own_line
        from crdtctl.store.rights import TAG, bcounter, made_twice  # only here: most merges bring no bounded counter

        kind = bcounter()
        name, counter = decode_own_line(after)
        mine = self._own.counter(name).get(TAG, {})
        past = decode_own_line(before)[1].get(TAG, {}) if before is not None else {}
        found = made_twice(name, kind.join_all(mine, counter.get(TAG, {})), self._settled)
        known = kind.makers(kind.join_all(mine, past))
        if found and not found.makers.keys() <= known.keys():
            yield found
