"""A hand-off to a permanent replica that is gone for good is taken back; if that one comes back, it is noticed."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from crdtctl import Replica
from crdtctl.errors import RefusedError
from tests.support.unchecked import synchronize

Make = Callable[..., Replica]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def make(name: str, tier: int = 0) -> Replica:
        return Replica.init(tmp_path / name, name=name, tier=tier)

    return make


@pytest.fixture
def shared(tmp_path: Path) -> str:
    (tmp_path / "shared").mkdir()
    return str(tmp_path / "shared")


def send(to: Replica, of: Replica) -> None:
    to.merge_bytes(of.export_bytes(), check=False)


def backup(replica: Replica) -> Callable[[], None]:
    kept = shutil.copytree(replica.path, f"{replica.path}.backup")

    def restore() -> None:
        shutil.rmtree(replica.path)
        shutil.copytree(kept, replica.path)

    return restore


@pytest.fixture
def hub(make: Make) -> Replica:
    hub = make("hub")
    hub.create("hits", "handoff")
    return hub


@pytest.fixture
def client(make: Make, hub: Replica) -> Replica:
    """Return a client that counted 9, all of which is on its way to the hub."""
    client = make("client", 1)
    send(client, hub)
    client.increment("hits", 9)
    send(hub, client)
    send(client, hub)
    return client


def test_what_was_on_its_way_is_handed_over_elsewhere(make: Make, hub: Replica, client: Replica) -> None:
    other = make("other")
    assert client.exchange(other).settled
    assert other.value("hits") == 0
    assert client.take_back("hits", hub.id) == hub.id
    assert client.reasons_to_keep() != []
    client.exchange(other)
    assert (other.value("hits"), client.value("hits")) == (9, 9)
    assert client.reasons_to_keep() == []


def test_one_that_was_put_back_gets_it_under_its_new_id(hub: Replica, client: Replica, shared: str) -> None:
    restore = backup(hub)
    synchronize(client, shared)
    restore()
    hub.increment("hits")
    for _ in range(3):
        synchronize(hub, shared)
        synchronize(client, shared)
    assert hub.value("hits") == 1
    client.take_back("hits", "hub")
    for _ in range(4):
        synchronize(client, shared)
        synchronize(hub, shared)
    assert hub.value("hits") == 10
    synchronize(client, shared)
    assert client.reasons_to_keep() == []


def test_what_was_accepted_as_is_known_here_is_not_taken_back(hub: Replica, client: Replica) -> None:
    send(hub, client)
    send(client, hub)
    with pytest.raises(RefusedError, match="on its way"):
        client.take_back("hits", hub.id)
    send(hub, client)
    assert (hub.value("hits"), client.reasons_to_keep()) == (9, [])


def test_one_that_comes_back_and_had_not_taken_it_goes_on_under_a_new_id(
    make: Make, hub: Replica, client: Replica
) -> None:
    other, before, stale = make("other"), hub.id, client.export_bytes()
    client.take_back("hits", before)
    client.exchange(other)
    send(hub, other)
    assert (hub.id != before, [past.why for past in hub.past()]) == (True, ["retired"])
    hub.merge_bytes(stale, check=False)
    client.exchange(hub)
    other.exchange(hub)
    assert {one.value("hits") for one in (hub, client, other)} == {9}
    assert hub.returned() == []
    client.increment("hits")
    client.exchange(hub)
    assert hub.value("hits") == 10


def test_one_that_comes_back_and_had_taken_it_is_noticed_by_all_until_it_is_settled(
    make: Make, hub: Replica, client: Replica
) -> None:
    other, before = make("other"), hub.id
    send(hub, client)
    accepted = hub.export_bytes()
    client.take_back("hits", before)
    client.exchange(other)
    report = other.merge_bytes(accepted, check=False)
    assert [one.replica for one in report.returned] == [before]
    assert other.merge_bytes(accepted, check=False).returned == []
    assert other.returned() == report.returned
    assert any("may count twice" in one.found for one in other.check() if not one.ok)
    send(client, other)
    assert client.returned() == report.returned
    other.settle(before)
    assert (other.returned(), [one for one in other.check() if not one.ok]) == ([], [])
    send(client, other)
    assert client.returned() == []


def test_a_newcomer_that_hears_of_both_at_once_hears_no_alarm(make: Make, hub: Replica, client: Replica) -> None:
    client.take_back("hits", hub.id)
    newcomer = make("newcomer")
    report = newcomer.merge_bytes(client.export_bytes(), hub.export_bytes(), check=False)
    assert report.returned == []


def test_nothing_is_handed_over_to_one_that_is_gone(hub: Replica, client: Replica) -> None:
    client.take_back("hits", hub.id)
    stale = hub.export_bytes()
    client.merge_bytes(stale, check=False)
    assert [one.pending.tokens for one in client.open_handoffs()] == [{}]


def test_decrements_come_back_too(make: Make, hub: Replica) -> None:
    client, other = make("client", 1), make("other")
    send(client, hub)
    client.increment("hits", 9)
    client.decrement("hits", 2)
    send(hub, client)
    send(client, hub)
    client.take_back("hits", hub.id)
    client.exchange(other)
    assert other.value("hits") == 7
