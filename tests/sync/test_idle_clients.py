"""Objects of clients that have handed off all that they counted are deleted without a report."""

from collections.abc import Callable
from pathlib import Path

import pytest

from crdtctl import Options, Replica, SyncReport, synchronize

Make = Callable[..., Replica]


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    (tmp_path / "shared").mkdir()
    return tmp_path / "shared"


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def make(name: str, tier: int = 0) -> Replica:
        return Replica.init(tmp_path / name, name=name, tier=tier)

    return make


@pytest.fixture
def hub(make: Make, shared: Path) -> Replica:
    hub = make("hub")
    hub.create("hits", "handoff")
    synchronize(hub, str(shared))
    return hub


def owners(shared: Path) -> list[str]:
    return sorted(path.name.split("-")[0] for path in shared.iterdir())


def clean(replica: Replica, shared: Path) -> SyncReport:
    return synchronize(replica, str(shared), options=Options(clean=True))


def handed_over(make: Make, hub: Replica, shared: Path, name: str = "job", syncs: int = 3) -> Replica:
    """Return a client that counted 9, and has synced until it may be thrown away, no longer."""
    client = make(name, 1)
    client.increment("hits", 9, tag="handoff")
    for _ in range(syncs):
        synchronize(client, str(shared))
        synchronize(hub, str(shared))
    assert client.reasons_to_keep() == []
    return client


def test_the_object_of_one_that_was_thrown_away_is_cleaned_away(make: Make, hub: Replica, shared: Path) -> None:
    handed_over(make, hub, shared)
    assert owners(shared) == ["hub", "job"]
    clean(hub, shared)
    assert owners(shared) == ["hub"]
    newcomer = make("newcomer")
    assert synchronize(newcomer, str(shared)).remotes[0].missing == []
    assert (hub.value("hits"), newcomer.value("hits")) == (9, 9)


def test_nobody_misses_it(make: Make, hub: Replica, shared: Path) -> None:
    other = make("other")
    client = handed_over(make, hub, shared)
    synchronize(other, str(shared))
    clean(hub, shared)
    for replica in (other, client, hub):
        (remote,) = synchronize(replica, str(shared)).remotes
        assert (remote.missing, remote.error) == ([], None)
    assert owners(shared) == ["hub", "other"]


def test_a_client_takes_its_own_away_in_a_later_sync(make: Make, hub: Replica, shared: Path) -> None:
    client = handed_over(make, hub, shared)
    (remote,) = synchronize(client, str(shared)).remotes
    assert (len(remote.deleted), owners(shared)) == (1, ["hub"])
    assert not synchronize(client, str(shared)).changed
    assert client.reasons_to_keep() == []


def test_one_that_counts_again_comes_back(make: Make, hub: Replica, shared: Path) -> None:
    client = handed_over(make, hub, shared)
    synchronize(client, str(shared))
    client.increment("hits", 5)
    for _ in range(4):
        synchronize(client, str(shared))
        clean(hub, shared)
    assert hub.value("hits") == 14
    assert owners(shared) == ["hub"]


def test_what_was_not_handed_over_stays(make: Make, hub: Replica, shared: Path) -> None:
    client = make("job", 1)
    client.increment("hits", 9, tag="handoff")
    for _ in range(2):
        synchronize(client, str(shared))
        for _ in range(2):
            clean(hub, shared)
    assert owners(shared) == ["hub", "job"]
    assert client.reasons_to_keep() != []


def test_what_counted_anything_else_stays(make: Make, hub: Replica, shared: Path) -> None:
    client = make("job", 1)
    client.increment("hits", 9, tag="handoff")
    client.increment("builds")
    for _ in range(5):
        synchronize(client, str(shared))
        clean(hub, shared)
    assert owners(shared) == ["hub", "job"]


def test_others_are_carried_on(make: Make, hub: Replica, shared: Path) -> None:
    laptop = make("laptop")
    laptop.increment("builds", 3)
    client = handed_over(make, hub, shared)
    client.merge_bytes(laptop.export_bytes())
    synchronize(client, str(shared))  # which carries the laptop's
    for _ in range(2):
        clean(hub, shared)
    newcomer = make("newcomer")
    synchronize(newcomer, str(shared))
    assert newcomer.value("builds") == 3


def test_a_second_permanent_replica_has_the_time_to_close_its_slot(make: Make, hub: Replica, shared: Path) -> None:
    other = make("other")
    client = make("job", 1)
    client.increment("hits", 9, tag="handoff")
    for _ in range(5):
        for replica in (client, hub, other):
            clean(replica, shared)
    assert owners(shared) == ["hub", "other"]
    assert [one.pending.slots for one in (*hub.open_handoffs(), *other.open_handoffs())] == [(), ()]
    assert hub.value("hits") == other.value("hits") == 9


def test_many_that_come_and_go_leave_nothing(make: Make, hub: Replica, shared: Path) -> None:
    for number in range(8):
        handed_over(make, hub, shared, f"job{number}")
        clean(hub, shared)
    clean(hub, shared)
    assert (owners(shared), hub.value("hits")) == (["hub"], 72)
