"""The mathematics: frozen values, no input or output, no wall clock, no randomness, no third-party code.

`TYPES` is the registry. A new type is one module and one line in `_CLASSES`. The laws, the codec's round trip, the
golden files, the crash and contention tests and ``--type`` find it there. The oracle of the tests reads amounts that
add up; a type whose value is anything else adds its reading there.
"""

from __future__ import annotations

from crdtctl.crdt.names import ATTEMPTS_LINE, MEMBERSHIP_LINE, RENAMES_LINE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final

    from crdtctl.crdt.base import CounterType, RowType
    from crdtctl.crdt.local_merge import LocallyMergedType

#: Type → its class, and whether it has a local merge. The module has the name of the type. It is imported when the type
#: is first asked for, since most commands need one type only.
_CLASSES = {
    "bcounter": ("BCounter", False),
    "gcounter": ("GCounter", False),
    "gset": ("GSet", False),
    "hist": ("Hist", False),
    "hll": ("HLL", False),
    "handoff": ("Handoff", True),
    "pncounter": ("PNCounter", False),
}

if TYPE_CHECKING:
    TYPES: Final[dict[str, CounterType]] = {}
    #: Reserved line name → its row type: retired replicas, attempts of jobs, and renames.
    NO_COUNTERS: Final[dict[str, RowType]] = {}
    #: Row types of all lines: the counter types, and those of the reserved names.
    KINDS: Final[dict[str, RowType]] = {}
    LOCALLY_MERGED: Final[dict[str, LocallyMergedType]] = {}
else:

    class _Kinds(dict):
        """Key → a row type, made at its first use by the function of its key."""

        def __init__(self, makers):
            super().__init__()
            self._makers = makers

        def __missing__(self, key):
            found = self[key] = self._makers[key]()
            return found

        def __contains__(self, key):
            return key in self._makers

        def __iter__(self):
            return iter(self._makers)

        def __len__(self):
            return len(self._makers)

        def keys(self):
            return self._makers.keys()

        def values(self):
            return [self[key] for key in self._makers]

        def items(self):
            return [(key, self[key]) for key in self._makers]

        def get(self, key, default=None):
            return self[key] if key in self._makers else default

    def _named(module: str, name: str) -> Any:
        return getattr(__import__(f"crdtctl.crdt.{module}", fromlist=[name]), name)

    def _later(kinds: dict, key: str) -> Callable[[], object]:
        return lambda: kinds[key]

    def _new(tag: str, name: str) -> Callable[[], object]:
        return lambda: _named(tag, name)()

    TYPES = _Kinds({tag: _new(tag, name) for tag, (name, _) in _CLASSES.items()})
    NO_COUNTERS = _Kinds(
        {
            MEMBERSHIP_LINE: lambda: _named("membership", "MEMBERSHIP"),
            ATTEMPTS_LINE: lambda: _named("attempts", "ATTEMPTS"),
            RENAMES_LINE: lambda: _named("renames", "RENAMES"),
        }
    )
    KINDS = _Kinds(
        {
            **{tag: _later(TYPES, tag) for tag in _CLASSES},
            "membership": _later(NO_COUNTERS, MEMBERSHIP_LINE),
            "attempts": _later(NO_COUNTERS, ATTEMPTS_LINE),
            "renames": _later(NO_COUNTERS, RENAMES_LINE),
        }
    )
    LOCALLY_MERGED = _Kinds({tag: _later(TYPES, tag) for tag, (_, is_joined) in _CLASSES.items() if is_joined})
