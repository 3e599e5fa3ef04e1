"""Many small states are joined in rounds. That never changes the result: files, reports and refused inputs."""

import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from crdtctl import Replica
from crdtctl.codec.layout import TRAILER_SIZE
from crdtctl.errors import CrdtctlError
from crdtctl.store.inputs import SMALL, Input
from crdtctl.store.merge import MergeReport, limits, rounds
from tests.support.clones import clone
from tests.support.places import quick_directory
from tests.support.stored_states import counted_state, with_new_checksum

_TIME = re.compile(r'"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.+Z]*"')
#: A replica that was made in the year 2020.
_OF_2020 = f"old-{1_600_000_000_000:012x}{1:020x}"


class World:
    """A hub, and files that it may merge; the `plain` ones come from replicas that had one writer each."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.hub = place / "hub"
        self.plain: list[str] = []
        self.odd: list[str] = []
        hub = Replica.init(self.hub, name="hub")
        ann, bob, client = (Replica.init(place / name, name=name) for name in ("ann", "bob", "cat"))
        hub.increment("builds", 3)
        ann.increment("builds", 1)
        hub.merge(ann.export_bytes())
        self._put(hub.export_bytes())
        clone(self.hub, place / "secret")
        for replica in (ann, bob, client):
            for number in range(3):
                clock = replica.clock()
                replica.increment("builds", 5 + number)
                replica.increment(f"of {number}", 2)
                self._put(replica.export_bytes())
                self._put(replica.export_bytes(since=clock))
            bob.merge(ann.export_bytes())
        for number in range(2):
            client.increment("requests", 7 + number, tag="handoff")
            bob.increment("seen", 1, tag="gcounter")
            self._put(client.export_bytes())
            self._put(bob.export_bytes())
        self._put(counted_state("large", {f"counter {number}": 1 for number in range(SMALL // 40)}))
        self._put(b"no state")
        self._put(with_new_checksum(counted_state("bad", {"a": 1, "z": 2}).replace(b'"a"', b'"zz"')))
        self._make_odd(hub, ann, bob)

    def _make_odd(self, hub: Replica, ann: Replica, bob: Replica) -> None:
        self.plain = sorted(str(path) for path in self.place.glob("*.json"))
        clone(Path(bob.path), self.place / "twin")
        twin = Replica(self.place / "twin")
        for replica in (twin, bob):
            for _ in range(2):
                replica.increment("builds", 11)
                self._put(replica.export_bytes())
        self._put(_after("secret commit", Replica(self.place / "secret")))
        jobs = [Replica.init(self.place / f"job{number}", name="job") for number in range(3)]
        for number, job in enumerate(jobs):
            if number < 2:
                job.begin_attempt("nightly", number + 1)
            job.increment("tests", 100 + number)
            job.seal()
            self._put(job.export_bytes())
        other = Replica.init(self.place / "other", name="other")
        other.absorb(jobs[2].export_bytes())
        self._put(other.export_bytes())
        other.absorb(jobs[0].export_bytes(), fence="2026-01-01", check=False)
        self._put(other.export_bytes())
        self._put(counted_state(_OF_2020, {"builds": 1}))
        clone(self.hub, self.place / "fenced")
        fenced = Replica(self.place / "fenced")
        fenced.absorb(jobs[1].export_bytes(), fence="2026-01-01", check=False)
        fenced.export_bytes()  # or its branch of a fork would get a random name
        for name, initial in (("dan", 3), ("eve", 4)):
            maker = Replica.init(self.place / name, name=name)
            maker.create("seats", "bcounter", initial=initial)
            maker.increment("build", 1)
            maker.rename("build", "builds")
            self._put(maker.export_bytes())
        self.odd = sorted({str(path) for path in self.place.glob("*.json")} - set(self.plain))

    def _put(self, data: bytes) -> None:
        (self.place / f"{len(list(self.place.glob('*.json'))):02}.json").write_bytes(data)

    def merged(self, paths: list[str], hub: str, **options: Any) -> tuple[dict[str, Any], list[str]]:
        """Return the report, and what the files of a hub hold, after it merged some files."""
        with quick_directory() as place:
            clone(self.place / hub, Path(place, "here"))
            here = Replica(f"{place}/here")
            report = here.merge_inputs([Input(path, path=path, given=True) for path in paths], **options)
            known = Path(here.path, "known.json").read_bytes()[:-TRAILER_SIZE].decode()
            with here.snapshot() as now:
                own = [line.decode() for _, line in now.own.lines()]
            events = [{key: value for key, value in entry.items() if key != "at"} for entry in here.log()]
            texts = [_TIME.sub("TIME", known), *own, str(events)]
            facts = {key: _shown(getattr(report, key)) for key in MergeReport.__annotations__ if key != "heads"}
            hidden = here.id
        return (
            {key: str(value).replace(hidden, "HUB") for key, value in facts.items()},
            [text.replace(hidden, "HUB") for text in texts],
        )


def _after(name: str, replica: Replica) -> bytes:
    replica.increment(name, 1)
    return replica.export_bytes()


def _shown(value: object) -> object:
    if isinstance(value, dict):
        return [(key, one.message if isinstance(one, CrdtctlError) else one) for key, one in value.items()]
    return value


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with TemporaryDirectory() as place:
        yield World(Path(place))


@given(st.data(), st.integers(1, 3), st.integers(1, 2), st.booleans())
def test_any_rounds_give_what_one_round_gives(
    world: World, data: st.DataObject, small: int, size: int, all_or_nothing: bool
) -> None:
    pool = world.plain if data.draw(st.booleans()) else world.plain + world.odd * 2
    paths = data.draw(st.lists(st.sampled_from([*pool, f"{world.place}/nowhere"]), min_size=2, max_size=12))
    options: dict[str, Any] = {
        "hub": data.draw(st.sampled_from(["hub", "hub", "fenced"])),
        "details": True,
        "all_or_nothing": all_or_nothing,
    }
    together = world.merged(paths, heads=True, **options)
    begun: list[rounds.Rounds] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "GROUP_SMALL", small)
        patch.setattr(limits, "GROUP_SIZE", size)
        make = rounds.Rounds.__init__

        def noted(self: rounds.Rounds, *args: Any, **named: Any) -> None:
            begun.append(self)
            make(self, *args, **named)

        patch.setattr(rounds.Rounds, "__init__", noted)
        in_rounds = world.merged(paths, **options)
    event(f"rounds: {bool(begun)}, forks: {together[0]['forks'] != '[]'}")
    assert in_rounds == together
