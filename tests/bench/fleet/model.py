"""The model: the knowledge of a replica is a whole number. Its bit N is set if it has the counts of replica N."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from crdtctl.codec.header import Head, encode_head
from crdtctl.codec.layout import assemble
from crdtctl.codec.lines import encode_line

#: The amount that each replica counted once, of each counter. So objects of equally many replicas have equal sizes.
AMOUNT = 7


@dataclass(slots=True)
class Figures:
    """The cost until all replicas had all counts: rounds, files uploaded and downloaded, and their bytes."""

    rounds: int = 0
    puts: int = 0
    put_bytes: int = 0
    gets: int = 0
    got_bytes: int = 0

    def put(self, size: int) -> None:
        """Note an object that was put."""
        self.puts += 1
        self.put_bytes += size

    def got(self, size: int, objects: int = 1) -> None:
        """Note objects of one size that were read."""
        self.gets += objects
        self.got_bytes += objects * size


def name(replica: int) -> str:
    """Return the name of a replica of a fleet."""
    return f"fleet-{replica:05}"


def counter(number: int) -> str:
    """Return the name of a counter."""
    return f"counter-{number:05}"


def sizes(counters: int) -> Callable[[int], int]:
    """Return a function: number of replicas in an object, each with an entry in every counter → bytes of the object."""

    def encoded(authors: int) -> int:
        ids = [f"{name(replica)}-{replica:032x}" for replica in range(authors)]
        head = Head("state", ids[0], dict.fromkeys(ids, 1), histories=dict.fromkeys(ids, "1 1.abcd"))
        rows = dict.fromkeys(ids, (1, AMOUNT, 0))
        lines = [encode_line(counter(number), {"pncounter": rows}) for number in range(counters)]
        return len(assemble(encode_head(head), lines))

    first, each = encoded(1), encoded(2) - encoded(1)
    return lambda authors: first + each * (authors - 1)


def matching(replicas: int, chance: random.Random) -> list[tuple[int, int]]:
    """Return the pairs of a round: each replica is in one of them."""
    order = list(range(replicas))
    chance.shuffle(order)
    return list(zip(order[::2], order[1::2], strict=True))


def order(replicas: int, chance: random.Random) -> list[int]:
    """Return the order of the syncs in a round."""
    return chance.sample(range(replicas), replicas)


def pairs(replicas: int, counters: int, chance: random.Random) -> Figures:
    """Sync in random pairs, with a stick that is empty at first: one of the two syncs, then the other, then the first.

    The first uploads all its counts. The second uploads its own counts and those that the first lacks. The first then
    uploads a smaller object, if it had relayed the counts of the second.
    """
    size = sizes(counters)
    known = [1 << replica for replica in range(replicas)]
    everybody = (1 << replicas) - 1
    figures = Figures()
    while any(one != everybody for one in known):
        figures.rounds += 1
        for first, second in matching(replicas, chance):
            here, there = known[first], known[second]
            figures.put(size(here.bit_count()))
            figures.got(size(here.bit_count()))
            answer = size((there & ~here | 1 << second).bit_count())
            figures.put(answer)
            figures.got(answer)
            if here >> second & 1:
                figures.put(size(here.bit_count() - 1))
            known[first] = known[second] = here | there
    return figures


def hub(replicas: int, counters: int, chance: random.Random) -> Figures:
    """Sync with one remote, each replica once a round: it uploads its own counts and downloads the new objects."""
    size = sizes(counters)(1)
    known = [1 << replica for replica in range(replicas)]
    everybody = (1 << replicas) - 1
    there = 0
    figures = Figures()
    while any(one != everybody for one in known):
        figures.rounds += 1
        for replica in order(replicas, chance):
            figures.got(size, (there & ~known[replica]).bit_count())
            if not there >> replica & 1:
                figures.put(size)
                there |= 1 << replica
            known[replica] |= there
    return figures


def bridges(replicas: int, regions: int, counters: int, chance: random.Random) -> Figures:
    """Sync with the remote of each region, and the first replica of each region also with one in the centre.

    The first replica relays the counts of one remote to the other. The others relay nothing.
    """
    size = sizes(counters)
    width = replicas // regions
    centre = regions
    known = [1 << replica for replica in range(replicas)]
    everybody = (1 << replicas) - 1
    objects: list[dict[int, int]] = [{} for _ in range(regions + 1)]
    read: list[dict[tuple[int, int], int]] = [{} for _ in range(replicas)]
    figures = Figures()

    def come(replica: int) -> None:
        region = replica // width
        ours = ((1 << width) - 1) << region * width
        carries = {region: ~ours, centre: ours} if replica == region * width else {region: 0}
        for place in carries:
            for owner, held in objects[place].items():
                if owner != replica and read[replica].get((place, owner)) != held:
                    read[replica][place, owner] = held
                    known[replica] |= held
                    figures.got(size(held.bit_count()))
        for place, carried in carries.items():
            holds = known[replica] & carried | 1 << replica
            if objects[place].get(replica) != holds:
                objects[place][replica] = holds
                figures.put(size(holds.bit_count()))

    while any(one != everybody for one in known):
        figures.rounds += 1
        for replica in order(replicas, chance):
            come(replica)
    return figures
