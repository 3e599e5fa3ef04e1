"""Rights to bounded counters, through the library: what is sent pays for itself, and nothing else is taken."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from crdtctl import Replica
from crdtctl.errors import DataError, ExistsError, MissingError, RefusedError, UsageError
from crdtctl.store.durable import VERIFY_BELOW
from tests.support.handwritten import document

New = Callable[[str], Replica]


def test_rights_move_as_the_calls_say(new_replica: New) -> None:
    hub, laptop = new_replica("hub"), new_replica("laptop")
    hub.create("seats", "bcounter", bound=-5, initial=5)
    laptop.merge_bytes(hub.export_bytes(), check=False)
    assert [(one.name, one.here, one.holders) for one in laptop.holdings()] == [("seats", 0, {hub.id: 10})]
    laptop.request("seats", "hub", 4)
    with hub.batch() as batch:
        batch.increment("seats", 2)
        batch.decrement("seats", 1)
    hub.merge_bytes(laptop.export_bytes(), check=False)
    assert hub.rights("seats").requests == {laptop.id: 4}
    assert hub.grant("seats", "laptop")
    assert not hub.grant("seats")
    hub.transfer("seats", laptop.id, 1)
    with hub.batch() as batch:
        batch.transfer("seats", laptop.id, 1)
        batch.request("seats", laptop.id, 3)
        batch.create("more", "bcounter", bound=1, initial=2)
    assert (hub.rights("seats").here, hub.value("seats")) == (5, 6)
    assert [(one.name, one.here) for one in hub.holdings()] == [("more", 1), ("seats", 5)]
    laptop.merge_bytes(hub.export_bytes(), check=False)
    assert laptop.rights("seats").here == 6
    assert laptop.rights("seats").requests == {hub.id: 3}
    assert laptop.rights("more").holders == {hub.id: 1}


def test_what_is_wrong_is_told_by_its_class(new_replica: New) -> None:
    hub, laptop = new_replica("hub"), new_replica("laptop")
    with pytest.raises(MissingError, match="no bcounter 'seats' here"):
        hub.increment("seats", tag="bcounter")
    hub.increment("seats")
    with pytest.raises(MissingError, match="not a bcounter"):
        hub.rights("seats")
    with pytest.raises(ExistsError, match="'seats' is a pncounter here"):
        hub.create("seats", "bcounter")
    hub.create("seats", "bcounter", also=True)
    with pytest.raises(ExistsError):
        hub.create("seats", "bcounter", bound=3)
    with pytest.raises(UsageError, match="exists as bcounter"):
        hub.increment("seats")
    with pytest.raises(MissingError, match="no replica 'laptop' is known here"):
        hub.transfer("seats", "laptop", 1)
    laptop.merge_bytes(hub.export_bytes(), check=False)
    with pytest.raises(ExistsError):
        laptop.create("seats", "bcounter")
    for bound, initial in ((True, None), (None, True), (10**100, None), (2, 1), (None, -1)):
        with pytest.raises(UsageError):
            laptop.create("more", "bcounter", bound=bound, initial=initial)
    for tag in ("gcounter", "pncounter", "gset"):
        with pytest.raises(UsageError, match="only a bcounter"):
            laptop.create("more", tag, bound=0)
        with pytest.raises(UsageError, match="only a bcounter"):
            laptop.create("more", tag, initial=1)


def test_a_delta_without_what_paid_for_it_is_refused(new_replica: New) -> None:
    """Merged all the same, it would let a counter read less than its bound."""
    hub, laptop, phone = new_replica("hub"), new_replica("laptop"), new_replica("phone")
    hub.create("seats", "bcounter", initial=10)
    laptop.merge_bytes(hub.export_bytes(), check=False)
    phone.merge_bytes(hub.export_bytes(), check=False)
    laptop.increment("sales")
    hub.merge_bytes(laptop.export_bytes(), check=False)
    hub.transfer("seats", "laptop", 10)
    laptop.merge_bytes(hub.export_bytes(), check=False)
    laptop.decrement("seats", 10)
    report = phone.merge_bytes(laptop.export_bytes(since=hub.clock()), check=False)
    assert [type(fault) for fault in report.refused.values()] == [MissingError]
    assert (phone.value("seats"), phone.rights("seats").holders) == (10, {hub.id: 10})
    phone.merge_bytes(laptop.export_bytes(since=phone.clock()), check=False)
    assert (phone.value("seats"), phone.rights("seats").holders) == (0, {})


@pytest.mark.parametrize("seed", range(3))
def test_every_state_that_leaves_pays_for_what_it_says(new_replica: New, seed: int) -> None:
    chance = random.Random(seed)
    replicas = [new_replica(name) for name in ("hub", "laptop", "phone")]
    replicas[0].create("seats", "bcounter", initial=20)
    for one in replicas[1:]:
        one.merge_bytes(replicas[0].export_bytes(), check=False)
        one.increment("sales")
        replicas[0].merge_bytes(one.export_bytes(), check=False)
    sent: list[bytes] = []
    for _ in range(60):
        here, there = chance.sample(replicas, 2)
        amount = chance.randint(1, 6)
        try:
            match chance.randrange(7):
                case 0 | 1:
                    here.decrement("seats", amount)
                case 2:
                    here.transfer("seats", there.id, amount)
                case 3:
                    here.increment("seats", amount)
                case 4:
                    sent.append(here.export_bytes(since=chance.choice(replicas).clock()))
                case 5:
                    sent.append(here.export_bytes())
                case _:
                    here.merge_bytes(*chance.sample(sent, min(2, len(sent))), check=False)
        except (RefusedError, MissingError):
            continue
        held = here.rights("seats").holders
        assert min(held.values(), default=0) >= 0
        assert sum(held.values()) == here.value("seats")


@pytest.mark.harms_replicas
def test_rights_that_stand_in_a_damaged_file_are_not_used(new_replica: New, tmp_path: Path) -> None:
    hub = Replica.init(tmp_path / "hub", name="hub")
    elements = ",".join(f'"{number:04096d}":1' for number in range(VERIFY_BELOW // 4096 + 10))
    given = f'"seats":{{"bcounter":{{"other":[1,9,0,["0"],{{"{hub.id}":5}}]}}}}'
    hub.merge_bytes(document("other", 1, given, f'"visitors":{{"gset":{{"other":[1,{{{elements}}}]}}}}'), check=False)
    hub.decrement("seats", 2)
    known = tmp_path / "hub" / "known.json"
    known.write_bytes(known.read_bytes().replace(b'":5}', b'":7}'))
    with pytest.raises(DataError, match="damaged"):
        hub.decrement("seats", 1)
