"""The report of a merge."""

from __future__ import annotations

from crdtctl.records import Record, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crdtctl.codec.header import Head
    from crdtctl.crdt.forks import Fork
    from crdtctl.errors import CrdtctlError
    from crdtctl.store.changes import Change
    from crdtctl.store.gone import Returned
    from crdtctl.store.handoffs import HandoffStep
    from crdtctl.store.jobs import LateAttempt
    from crdtctl.store.rights import MadeTwice
    from crdtctl.store.type_choice import SecondType


class MergeReport(Record, frozen=False):
    """The result of a merge: labels of the inputs that were taken or refused, and changes.

    * `taken`, `refused`: labels of inputs, and why each was refused. `writers`: the replicas that wrote the taken ones.
    * `heads`: the headers of the taken ones, if they were asked for. They take much memory.
    * `counters`: number of changed counters. `changes`: their values before and after, for as many as were asked for.
    * `replicas`: replicas whose later commits arrived. `metadata_changed`: whether other parts of the header changed.
    * `forks`: forks that were not known before, with the labels of the inputs that brought them.
    * `foreign_writes`: labels of inputs that contain commits of this replica's id which it did not make.
    * `absorbed_twice`: end of a sealed replica's id → the several replicas that absorbed it, if that was not known.
    * `returned`: replicas that were declared gone for good and have made later commits, if that was not known.
    * `own_changes`: number of own counters changed by local merges. `handoffs`: their steps.
    * `without_peer`: counters that no known replica can take over. `idle`: clients that have handed over everything.
    * `second_types`: the first few counters that arrived under a second type.
    * `made_twice`: bounded counters that turn out to be created by several replicas.
    * `renames`: renames that do not hold, and names that were renamed to one but differ in type, if that is new.
    * `late`: attempts of jobs that arrived too late to count.
    """

    taken: list[str] = field(default_factory=list)
    refused: dict[str, CrdtctlError] = field(default_factory=dict)
    counters: int = 0
    replicas: list[str] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    forks: list[tuple[Fork, list[str]]] = field(default_factory=list)
    foreign_writes: list[str] = field(default_factory=list)
    absorbed_twice: dict[str, tuple[str, ...]] = field(default_factory=dict)
    returned: list[Returned] = field(default_factory=list)
    writers: list[str] = field(default_factory=list)
    heads: list[Head] = field(default_factory=list)
    metadata_changed: bool = False
    own_changes: int = 0
    handoffs: list[HandoffStep] = field(default_factory=list)
    without_peer: list[str] = field(default_factory=list)
    idle: list[str] = field(default_factory=list)
    second_types: list[SecondType] = field(default_factory=list)
    made_twice: list[MadeTwice] = field(default_factory=list)
    renames: list[str] = field(default_factory=list)
    late: list[LateAttempt] = field(default_factory=list)

    @property
    def notes(self) -> list[str]:
        """Notes on a successful merge, a line each."""
        if not (self.without_peer or self.second_types or self.late or self.renames):
            return []
        from crdtctl.store.handoffs import no_peer_warning

        alone = [no_peer_warning(self.without_peer)] if self.without_peer else []
        return [*alone, *map(str, [*self.second_types, *self.late]), *self.renames]

    @property
    def may_be_wrong(self) -> bool:
        """Whether totals may be wrong: the merge found several writers or creators where there should be one."""
        return bool(self.forks or self.foreign_writes or self.absorbed_twice or self.returned or self.made_twice)

    @property
    def changed(self) -> bool:
        """Whether this replica learned anything."""
        return bool(self.counters or self.replicas or self.metadata_changed or self.own_changes)
