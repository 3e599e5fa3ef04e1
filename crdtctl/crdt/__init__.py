"""The mathematics: frozen values, no input or output, no wall clock, no randomness, no third-party code.

`TYPES` is the registry. A new type is one module and one line in it. The laws, the codec's round trip, the golden
files, the crash and contention tests and ``--type`` find it there. The oracle of the tests reads amounts that add up;
a type whose value is anything else adds its reading there.
"""

from __future__ import annotations

from crdtctl.crdt import attempts, membership
from crdtctl.crdt.attempts import ATTEMPTS
from crdtctl.crdt.bcounter import BCounter
from crdtctl.crdt.gcounter import GCounter
from crdtctl.crdt.gset import GSet
from crdtctl.crdt.handoff import Handoff
from crdtctl.crdt.hll import HLL
from crdtctl.crdt.local_merge import LocallyMergedType
from crdtctl.crdt.membership import MEMBERSHIP
from crdtctl.crdt.pncounter import PNCounter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from crdtctl.crdt.base import CounterType, RowType

TYPES: Final[dict[str, CounterType]] = {
    kind.tag: kind
    for kind in (
        BCounter(),
        GCounter(),
        GSet(),
        HLL(),
        Handoff(),
        PNCounter(),
    )
}

#: Reserved line name → its row type: retired replicas, and attempts of jobs.
NO_COUNTERS: Final[dict[str, RowType]] = {membership.NAME: MEMBERSHIP, attempts.NAME: ATTEMPTS}
#: Row types of all lines: the counter types, and those of the reserved names.
KINDS: Final[dict[str, RowType]] = {**TYPES, **{kind.tag: kind for kind in NO_COUNTERS.values()}}
#: The types with a local merge.
LOCALLY_MERGED: Final = {tag: kind for tag, kind in TYPES.items() if isinstance(kind, LocallyMergedType)}
