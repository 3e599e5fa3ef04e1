"""Predictions of a dry run, which changes nothing: the knowledge after its merges, and the size of an upload."""

from __future__ import annotations

from crdtctl.contexts import ExitStack
from crdtctl.crdt import forks
from crdtctl.crdt.counter import delta_of
from crdtctl.records import replace
from crdtctl.store import receipts
from crdtctl.store.inputs import open_input

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crdtctl.store.inputs import Input
    from crdtctl.store.knowledge import Knowledge
    from crdtctl.store.merge import MergeReport


def knowledge_after(knowledge: Knowledge, merged: MergeReport) -> Knowledge:
    """Return the knowledge that a replica would have after the merges of a dry run."""
    heads = [(knowledge.clock, knowledge.histories), *((head.clock, head.histories) for head in merged.heads)]
    joined = forks.join(heads)
    parts = [knowledge.received, *(head.received for head in merged.heads)]
    received = receipts.covered(receipts.received(zip(parts, joined.names, strict=True)), joined.clock)
    return replace(knowledge, clock=joined.clock, histories=joined.histories, received=received)


def newer_entries(item: Input, knowledge: Knowledge) -> int:
    """Return the number of entries in a merged state that are newer than the known ones."""
    with ExitStack() as stack:
        source = open_input(item, stack)
        source.ours = True  # the merge has checked all lines of this file, which no other program writes
        decoded = (source.decode(line)[1] for _, line in source.lines())
        return sum(len(rows) for counter in decoded for rows in delta_of(counter, knowledge.clock).values())
