"""The mathematics: frozen values, no input or output, no clock, no randomness, no third party.

`TYPES` is the registry. A new type is one module and one line in it: the laws, the codec's round trip,
the golden files, the crash and contention tests and ``--type`` find it there.
"""

from typing import Final

from crdtctl.crdt.base import CounterType
from crdtctl.crdt.gcounter import GCounter
from crdtctl.crdt.gset import GSet
from crdtctl.crdt.handoff import Handoff
from crdtctl.crdt.pncounter import PNCounter

TYPES: Final[dict[str, CounterType]] = {
    kind.tag: kind
    for kind in (
        GCounter(),
        GSet(),
        Handoff(),
        PNCounter(),
    )
}
#: The types of which a replica takes part in merging.
TAKING_PART: Final = frozenset(tag for tag, kind in TYPES.items() if kind.takes_part)
