"""The same with replicas, folders and `sync`; hand-overs in a region, and jobs that are absorbed."""

import os
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from crdtctl import Replica
from crdtctl.store.inputs import Input
from crdtctl.sync.engine import sync
from crdtctl.sync.report import Options, Remote
from tests.bench.fleet.model import AMOUNT, Figures, counter, matching, name, order
from tests.bench.process import Wrong


def meet(replica: Replica, figures: Figures, *places: Path, clean: bool = False) -> None:
    """Sync a replica with folders, and record the cost."""
    for report in sync(replica, [Remote(place.name, str(place)) for place in places], Options(clean=clean)).remotes:
        if report.error is not None:
            raise Wrong(str(report.error))
        for moved in report.read:
            figures.got(moved.size)
        if report.put is not None:
            figures.put(report.put.size)


def fleet(home: Path, replicas: int, counters: int) -> list[Replica]:
    """Make replicas that each counted all counters once."""
    made = [Replica.init(home / name(replica), name=name(replica)) for replica in range(replicas)]
    for replica in made:
        with replica.batch() as batch:
            for number in range(counters):
                batch.increment(counter(number), AMOUNT)
    return made


def are_equal(replicas: Iterable[Replica], total: int) -> bool:
    """Return whether all read this total of the first counter."""
    return all(one.tags(counter(0)) and one.value(counter(0)) == total for one in replicas)


def pairs(home: Path, replicas: int, counters: int, chance: random.Random) -> Figures:
    """Let all meet in random pairs, as the model does."""
    made = fleet(home, replicas, counters)
    figures = Figures()
    while not are_equal(made, AMOUNT * replicas):
        figures.rounds += 1
        for first, second in matching(replicas, chance):
            stick = home / f"stick-{figures.rounds}-{first}"
            for replica in (first, second, first):
                meet(made[replica], figures, stick)
    return figures


def hub(home: Path, replicas: int, counters: int, chance: random.Random) -> Figures:
    """Let all meet at one folder, as the model does."""
    made = fleet(home, replicas, counters)
    figures = Figures()
    while not are_equal(made, AMOUNT * replicas):
        figures.rounds += 1
        for replica in order(replicas, chance):
            meet(made[replica], figures, home / "hub")
    return figures


def bridges(home: Path, replicas: int, regions: int, counters: int, chance: random.Random) -> Figures:
    """Let all meet at the folder of their region, and the first of each at one in the centre, as the model does."""
    made = fleet(home, replicas, counters)
    width = replicas // regions
    figures = Figures()
    while not are_equal(made, AMOUNT * replicas):
        figures.rounds += 1
        for replica in order(replicas, chance):
            region = home / f"region-{replica // width}"
            meet(made[replica], figures, region, *([] if replica % width else [home / "centre"]))
    return figures


# Hand-overs ---------------------------------------------------------------------------------------------


@dataclass(slots=True)
class HandedOver:
    """The cost of handing over all counts of the clients of a region.

    `arrived` is the round after which the permanent replica reads the whole total. `figures` count until all clients
    may be deleted. `state` is the size of the permanent replica's files then, and `largest` their largest size.
    """

    figures: Figures = field(default_factory=Figures)
    arrived: int = 0
    state: int = 0
    largest: int = 0


def region(home: Path, clients: int, chance: random.Random) -> HandedOver:
    """Let clients count once each, and sync with a permanent replica at one folder until all clients may be deleted."""
    permanent = Replica.init(home / "permanent", name="permanent")
    permanent.create(counter(0), "handoff")
    made = [Replica.init(home / name(client), name=name(client), tier=1) for client in range(clients)]
    for client in made:
        client.increment(counter(0), AMOUNT, tag="handoff")
    everybody = [permanent, *made]
    found = HandedOver()
    while any(client.reasons_to_keep() for client in made):
        found.figures.rounds += 1
        for number in order(len(everybody), chance):
            meet(everybody[number], found.figures, home / "region")
        if not found.arrived and permanent.value(counter(0)) == AMOUNT * clients:
            found.arrived = found.figures.rounds
        found.state = _held(permanent)
        found.largest = max(found.largest, found.state)
    return found


def centre(home: Path, regions: int, chance: random.Random) -> HandedOver:
    """Let one permanent replica for each region sync at one folder, until each reads the total of all."""
    made = [Replica.init(home / name(region), name=name(region)) for region in range(regions)]
    for replica in made:
        replica.increment(counter(0), AMOUNT, tag="handoff")
    found = HandedOver()
    while not are_equal(made, AMOUNT * regions):
        found.figures.rounds += 1
        for number in order(regions, chance):
            meet(made[number], found.figures, home / "centre")
    found.arrived = found.figures.rounds
    found.state = found.largest = max(map(_held, made))
    return found


def _held(replica: Replica) -> int:
    """Return how many bytes a replica's files hold."""
    files = ("own.json", "known.json")
    return sum(os.path.getsize(f"{replica.path}/{file}") for file in files if os.path.exists(f"{replica.path}/{file}"))


# Jobs ---------------------------------------------------------------------------------------------------


def jobs(home: Path, number: int, counters: int) -> HandedOver:
    """Let jobs upload their sealed counts to a folder, and a hub absorb them there and clear the folder."""
    hub = Replica.init(home / "hub", name="hub")
    found = HandedOver()
    place = home / "jobs"
    for job in fleet(home, number, counters):
        job.seal()
        meet(job, found.figures, place)
    files = [Input(file.name, path=str(file)) for file in sorted(place.iterdir())]
    report = hub.absorb(files)
    if report.merge.refused or hub.value(counter(0)) != AMOUNT * number:
        raise Wrong("a job was not absorbed")
    for file in place.iterdir():
        found.figures.got(file.stat().st_size)
    meet(hub, found.figures, place, clean=True)
    meet(hub, found.figures, place, clean=True)
    if len(list(place.iterdir())) != 1:
        raise Wrong("the folder of the jobs was not cleared")
    found.figures.rounds = found.arrived = 1
    found.state = found.largest = _held(hub)
    return found


#: The cost of each further job follows from this number of real jobs, and twice this number.
_FEW_JOBS = 20


def jobs_of(home: Path, number: int, counters: int) -> HandedOver:
    """Return the cost of a number of jobs, from the cost of a few and of twice as many. Each job adds a constant."""
    few = jobs(home / "few", _FEW_JOBS, counters)
    more = jobs(home / "more", 2 * _FEW_JOBS, counters)

    def beyond(one: int, other: int) -> int:
        return one + (other - one) * (number - _FEW_JOBS) // _FEW_JOBS

    figures = Figures(
        rounds=1,
        puts=beyond(few.figures.puts, more.figures.puts),
        put_bytes=beyond(few.figures.put_bytes, more.figures.put_bytes),
        gets=beyond(few.figures.gets, more.figures.gets),
        got_bytes=beyond(few.figures.got_bytes, more.figures.got_bytes),
    )
    return HandedOver(figures, 1, beyond(few.state, more.state), beyond(few.largest, more.largest))
