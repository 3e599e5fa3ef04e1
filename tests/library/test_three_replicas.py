"""Three replicas count, exchange stale and fresh files in any order, and always read what they have learned of."""

import json
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, rule

from crdtctl import Replica
from crdtctl.crdt.series import split
from crdtctl.errors import ExistsError, RefusedError
from crdtctl.store.batch import Batch
from tests.library.operations import CounterOperation, History, Knowledge, covers, join
from tests.support.large import every_replica_is_large
from tests.support.places import quick_directory

SERIES = ['tests{os="linux"}', 'tests{os="linux",py="3.12"}', r'tests{os="a \"b\" \\"}']
NAMES = st.sampled_from(["builds", "pages", 'say "hi"', "ünï", "a b", *SERIES])
AMOUNTS = st.one_of(st.integers(1, 9), st.sampled_from([2**53 - 1, 2**53, 10**30]))
KEYS = st.none() | st.sampled_from(["job-1", "job-2"])
WHO = st.integers(0, 2)

ups = st.builds(
    lambda name, tag, up, once: CounterOperation((name, tag), up=up, once=once),
    NAMES,
    st.sampled_from(["pncounter", "gcounter"]),
    AMOUNTS,
    KEYS,
)
downs = st.builds(
    lambda name, down, once: CounterOperation((name, "pncounter"), down=down, once=once), NAMES, AMOUNTS, KEYS
)
adds = st.builds(
    lambda name, elements: CounterOperation((name, "gset"), elements=frozenset(elements)),
    NAMES,
    st.sets(st.sampled_from("abcdefü"), min_size=1, max_size=3),
)


@dataclass(frozen=True)
class Sent:
    """A file on its way: what whoever made it knew, and, of a delta, what the receiver must know."""

    path: Path
    knows: Knowledge
    since: Knowledge | None = None


def do(target: Replica | Batch, one: CounterOperation) -> None:
    """Carry out an operation."""
    name, tag = one.key
    name, labels = split(name)
    if labels and one.down:  # one of the other ways to name a series
        name, labels = one.key[0].replace(",", " , ").replace("{", " {").replace("=", " = "), {}
    if one.elements:
        target.add(name, *sorted(one.elements), tag=tag, also=True, labels=labels)
    elif one.down:
        target.decrement(name, one.down, once=one.once, tag=tag, also=True, labels=labels)
    else:
        target.increment(name, one.up, once=one.once, tag=tag, also=True, labels=labels)


class ThreeReplicas(RuleBasedStateMachine):
    """`known` is, for each replica, what it has learned of; `history` is what was done."""

    files: Bundle[Sent] = Bundle("files")

    def __init__(self) -> None:
        super().__init__()
        self.place = quick_directory()
        self.history = History()
        self.replicas: list[Replica] = []
        self.known: list[dict[str, int]] = [{}, {}, {}]
        self.sent = 0

    @initialize()
    def begin(self) -> None:
        self.replicas = [Replica.init(f"{self.place.name}/{who}", name=f"r{who}") for who in range(3)]
        self.ids = [replica.id for replica in self.replicas]

    def note(self, who: int, *wanted: CounterOperation) -> None:
        """Note what a replica committed, and compare."""
        author = self.ids[who]
        if self.history.commit(author, self.known[who], wanted):
            self.known[who][author] = self.known[who].get(author, 0) + 1
        self.compare(who)

    def compare(self, who: int) -> None:
        replica = self.replicas[who]
        assert {(one.name, one.tag): one.value for one in replica.counters()} == self.history.values(self.known[who])
        assert replica.clock() == self.known[who]

    @rule(who=WHO, one=st.one_of(ups, downs, adds))
    def count(self, who: int, one: CounterOperation) -> None:
        self.count_several(who, [one])

    @rule(who=WHO, wanted=st.lists(st.one_of(ups, downs, adds), max_size=6))
    def count_several(self, who: int, wanted: list[CounterOperation]) -> None:
        is_refused = self.history.refuses(self.ids[who], self.known[who], wanted)
        with pytest.raises(RefusedError) if is_refused else nullcontext(), self.replicas[who].batch() as batch:
            for one in wanted:
                do(batch, one)
        self.note(who, *([] if is_refused else wanted))

    @rule(who=WHO, name=NAMES, tag=st.sampled_from(["pncounter", "gcounter", "gset"]))
    def create(self, who: int, name: str, tag: str) -> None:
        if (name, tag) in self.history.values(self.known[who]):
            with pytest.raises(ExistsError):
                self.replicas[who].create(name, tag)
            self.compare(who)
        else:
            self.replicas[who].create(name, tag, also=True)
            self.note(who, CounterOperation((name, tag)))

    def send(self, who: int, *, since: Knowledge | None = None, form: str = "json") -> Sent:
        """Export what a replica knows, or what is newer than a clock."""
        self.sent += 1
        path = Path(self.place.name, f"{self.sent}.{form}")
        self.replicas[who].export_to(path, since=since, form=form)
        return Sent(path, dict(self.known[who]), since)

    @rule(target=files, who=WHO, form=st.sampled_from(["json", "json", "toml"]))
    def export(self, who: int, form: str) -> Sent:
        return self.send(who, form=form)

    @rule(target=files, who=WHO, receiver=WHO)
    def export_what_another_lacks(self, who: int, receiver: int) -> Sent:
        return self.send(who, since=self.replicas[receiver].clock())

    @rule(who=WHO, receiver=WHO, is_delta=st.booleans())
    def exchange(self, who: int, receiver: int, is_delta: bool) -> None:
        since = self.replicas[receiver].clock() if is_delta else None
        self.merge(receiver, [self.send(who, since=since)])

    @rule(who=WHO, sent=st.lists(files, min_size=1, max_size=5))
    def merge(self, who: int, sent: list[Sent]) -> None:
        before = self.known[who]
        taken, refused = self.acceptable(who, sent)
        report = self.replicas[who].merge(*(one.path for one in sent), check=False)
        self.known[who] = join(before, *(one.knows for one in taken))
        assert sorted(report.taken) == sorted(str(one.path) for one in taken)
        assert set(report.refused) == {str(one.path) for one in refused}
        assert report.changed == (self.known[who] != before)
        assert set(report.replicas) == {a for a, seq in self.known[who].items() if seq > before.get(a, 0)}
        self.compare(who)

    def acceptable(self, who: int, sent: list[Sent]) -> tuple[list[Sent], list[Sent]]:
        """Return the files that a replica can take all together, and those that leave a gap."""
        taken = [one for one in sent if one.since is None]
        deltas = [one for one in sent if one.since is not None]
        while True:
            known = join(self.known[who], *(one.knows for one in taken))
            fits = [one for one in deltas if covers(known, one.since or {})]
            if not fits:
                return taken, deltas
            taken += fits
            deltas = [one for one in deltas if one not in fits]

    def teardown(self) -> None:
        try:
            if self.replicas:
                self.meet()
        finally:
            self.place.cleanup()

    def meet(self) -> None:
        """Let all exchange their states: then all of them read the same, to the byte."""
        states = [replica.export_bytes() for replica in self.replicas]
        everything = join(*self.known)
        for who, replica in enumerate(self.replicas):
            replica.merge_bytes(*states[who:], *states[:who], check=False)
            self.known[who] = everything
            self.compare(who)
        lines = {b"\n".join(replica.export_bytes().splitlines()[1:-1]) for replica in self.replicas}
        assert len(lines) == 1
        clocks = {json.dumps(json.loads(replica.export_bytes())["clock"]) for replica in self.replicas}
        assert len(clocks) == 1


TestThreeReplicas = ThreeReplicas.TestCase
TestThreeReplicas.settings = settings(stateful_step_count=25)


class ThreeLargeReplicas(ThreeReplicas):
    """The latest changes of each replica are in ``own.recent.json``, and move to ``own.json`` after a few commits."""

    def __init__(self) -> None:
        super().__init__()
        self.limits = ExitStack()
        self.limits.enter_context(every_replica_is_large(limit=300))

    def teardown(self) -> None:
        try:
            super().teardown()
        finally:
            self.limits.close()


TestThreeLargeReplicas = ThreeLargeReplicas.TestCase
TestThreeLargeReplicas.settings = settings(stateful_step_count=25)
