"""The mathematics: frozen values, no input or output, no wall clock, no randomness, no third-party code.

`TYPES` is the registry. A new type is one module and one line in `_CLASSES`. The laws, the codec's round trip, the
golden files, the crash and contention tests and ``--type`` find it there. The oracle of the tests reads amounts that
add up; a type whose value is anything else adds its reading there.
"""

from __future__ import annotations

from crdtctl.crdt import attempts, membership
from crdtctl.crdt.attempts import ATTEMPTS
from crdtctl.crdt.membership import MEMBERSHIP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from crdtctl.crdt.base import CounterType, RowType
    from crdtctl.crdt.local_merge import LocallyMergedType

#: Type → its class, and whether it has a local merge. The module has the name of the type. It is imported when the type
#: is first asked for, since most commands need one type only.
_CLASSES = {
    "bcounter": ("BCounter", False),
    "gcounter": ("GCounter", False),
    "gset": ("GSet", False),
    "hll": ("HLL", False),
    "handoff": ("Handoff", True),
    "pncounter": ("PNCounter", False),
}

#: Reserved line name → its row type: retired replicas, and attempts of jobs.
NO_COUNTERS: Final[dict[str, RowType]] = {membership.NAME: MEMBERSHIP, attempts.NAME: ATTEMPTS}

if TYPE_CHECKING:
    TYPES: Final[dict[str, CounterType]] = {}
    #: Row types of all lines: the counter types, and those of the reserved names.
    KINDS: Final[dict[str, RowType]] = {}
    LOCALLY_MERGED: Final[dict[str, LocallyMergedType]] = {}
else:

    class _Kinds(dict):
        """Type → the object of its class, made at its first use."""

        def __init__(self, tags, made=()):
            super().__init__(made)
            self._tags = dict.fromkeys([*tags, *made])

        def __missing__(self, tag):
            if tag not in self._tags:
                raise KeyError(tag)
            if self is not TYPES:
                found = TYPES[tag]
            else:
                name, _ = _CLASSES[tag]
                found = getattr(__import__(f"crdtctl.crdt.{tag}", fromlist=[name]), name)()
            self[tag] = found
            return found

        def __contains__(self, tag):
            return tag in self._tags

        def __iter__(self):
            return iter(self._tags)

        def __len__(self):
            return len(self._tags)

        def keys(self):
            return self._tags.keys()

        def values(self):
            return [self[tag] for tag in self._tags]

        def items(self):
            return [(tag, self[tag]) for tag in self._tags]

        def get(self, tag, default=None):
            return self[tag] if tag in self._tags else default

    TYPES = _Kinds(_CLASSES)
    KINDS = _Kinds(_CLASSES, {kind.tag: kind for kind in NO_COUNTERS.values()})
    LOCALLY_MERGED = _Kinds([tag for tag, (_, has_local_merge) in _CLASSES.items() if has_local_merge])
