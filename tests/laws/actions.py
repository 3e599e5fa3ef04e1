"""What may happen in a world. To add something: a function with `happens`, and what `oracle` says of its operation."""

from contextlib import nullcontext

import pytest

from crdtctl.crdt.base import Operation
from crdtctl.crdt.periods import RANKS
from crdtctl.crdt.series import spelled
from crdtctl.errors import CrdtctlError, ExistsError, MissingError, RefusedError
from crdtctl.store.batch import Verbs
from tests.laws import oracle
from tests.laws.world import BEGIN, DAY, MOST, RENAME, Event, Peer, World, happens
from tests.support.renames import made, targets
from tests.support.tape import Tape

LABELS: tuple[dict[str, str], ...] = (
    {},
    {"os": "linux"},
    {"py": "3.12", "os": "linux"},
    {"os": 'a "b\\', "py": "3.12"},
    {"py": "3.13"},
    {"py": "*", "os": "{x=y,}"},
)
AMOUNTS = (*range(1, 10), 2**53 - 1, 2**53, 10**30)
WORDS = ("é", "a", "ab", "b", "c d", '"')
NUMBERS = ("0.35", "-2", "1e3", "0", "7", "7.01")
SOURCES = ("eth0", "eth1")
#: Counters of these names are never given periods, so that their dated readings are of days.
METER = "meter"
#: The last words of names that may be renamed. These counters have neither periods nor meters.
NAMES = ("one", "two", "three")
#: The last word of names that may be forgotten. These counters have neither periods nor meters.
PASSING = "passing"
FORGETTABLE = ("gcounter", "pncounter", "gset", "hll", "hist")
#: every, keep in seconds.
PERIODS = (("day", None), ("hour", None), ("15m", None), ("day", 5 * DAY), ("15m", DAY))


def do(verbs: Verbs, name: str, tag: str, labels: dict[str, str], one: Operation) -> None:
    """Carry out an operation, with the labels in another order than the spelling has."""
    backwards = dict(reversed(labels.items()))
    if one.verb == "add" and tag == "hist":
        for number in one.elements:
            verbs.add_numbers(name, number, labels=backwards, also=True)
    elif one.verb == "add":
        verbs.add(name, *one.elements, labels=backwards, tag=tag, also=True)
    else:
        count_it = verbs.increment if one.verb == "increment" else verbs.decrement
        count_it(name, one.amount, labels=backwards, tag=tag, also=True, at=one.at, once=one.once)


def any_count(world: World, tape: Tape) -> tuple[str, str, dict[str, str], Operation]:
    """Return a count of any type but bcounter, without a key."""
    tag = tape.choose(("gcounter", "pncounter", "gset", "hll", "hist", "gcounter", "pncounter"))
    if world.kind == "handovers" and tape.below(2):
        tag = "handoff"
    labels = tape.choose(LABELS)
    if tag in ("gset", "hll"):
        return tag, tag, labels, Operation("add", elements=(tape.choose(WORDS), tape.choose(WORDS)))
    if tag == "hist":
        return tag, tag, labels, Operation("add", elements=(tape.choose(NUMBERS), tape.choose(NUMBERS)))
    verb = "decrement" if tag != "gcounter" and tape.below(3) == 0 else "increment"
    amount = tape.choose(AMOUNTS)
    return (
        tag if tape.below(4) else f"{tag} 2",
        tag,
        labels,
        Operation("increment" if verb == "increment" else "decrement", amount),
    )


@happens(24)
def count(world: World, peer: Peer, tape: Tape) -> None:
    """Count several things in one commit."""
    wanted = [any_count(world, tape) for _ in range(1 + tape.below(3))]
    with peer.replica.batch() as batch:
        for one in wanted:
            do(batch, *one)
    for one in wanted:
        world.record(peer, *one)


@happens(8)
def count_at(world: World, peer: Peer, tape: Tape) -> None:
    """Count at a time of its own, which a counter without periods refuses."""
    tag = tape.choose(("gcounter", "pncounter"))
    name, labels = tag if tape.below(3) else f"{tag} 2", tape.choose(LABELS)
    moment = BEGIN + (tape.below(720) * 3 * 3600 if tape.below(4) else (tape.below(600) - 400) * DAY)
    wanted = Operation("increment", tape.choose(AMOUNTS), at=moment)
    keeps = oracle.keeps_periods(world.seen_by(peer, name))
    with nullcontext() if keeps else pytest.raises(RefusedError):
        do(peer.replica, name, tag, labels, wanted)
    if keeps:
        world.record(peer, name, tag, labels, wanted)


@happens(4)
def import_days(world: World, peer: Peer, tape: Tape) -> None:
    """Count many days in one commit, so that the older ones are folded."""
    tag, labels = tape.choose(("gcounter", "pncounter")), tape.choose(LABELS[:2])
    if oracle.keeps_periods(world.seen_by(peer, tag)):
        first, every = tape.below(60), 1 + tape.below(3)
        wanted = [
            Operation("increment", tape.choose(AMOUNTS), at=BEGIN + (first + day) * DAY)
            for day in range(0, 12 * every, every)
        ]
        with peer.replica.batch() as batch:
            for one in wanted:
                do(batch, tag, tag, labels, one)
        for one in wanted:
            world.record(peer, tag, tag, labels, one)


@happens(6)
def keep_periods(world: World, peer: Peer, tape: Tape) -> None:
    """Let a counter keep periods from now on; they only become finer."""
    tag, (every, keep) = tape.choose(("gcounter", "pncounter")), tape.choose(PERIODS)
    name = tag if tape.below(3) else f"{tag} 2"
    try:
        peer.replica.create(name, tag, every=every, keep=keep, also=True)
    except (RefusedError, ExistsError):
        return
    world.record(peer, name, tag, {}, Operation("create", every=RANKS[every], keep=keep))


@happens(8)
def count_once(world: World, peer: Peer, tape: Tape) -> None:
    """Count with a key, which counts once, and is refused with another amount."""
    tag, labels, key = tape.choose(("gcounter", "pncounter")), tape.choose(LABELS[:2]), tape.choose(("job-1", "job-2"))
    wanted = Operation("increment", 1 + tape.below(2), once=key)
    used = [
        one for one in world.seen_by(peer, tag) if one.labels == tuple(labels.items()) and one.operation.once == key
    ]
    amounts = [one.operation.amount for one in used if one.author == peer.author] or [
        one.operation.amount for one in used
    ]
    if world.kind == "clones" and len({one.operation.amount for one in used}) > 1:
        return  # which of them is its own, it need not know
    with pytest.raises(RefusedError) if amounts and wanted.amount != max(amounts) else nullcontext():
        do(peer.replica, tag, tag, labels, wanted)
    if not used:
        world.record(peer, tag, tag, labels, wanted)


@happens(10)
def observe(world: World, peer: Peer, tape: Tape) -> None:
    """Read a meter, which others read as well; some readings are of a day."""
    tag, labels, source = tape.choose(("gcounter", "pncounter")), tape.choose(LABELS[:3]), tape.choose(SOURCES)
    reading, day = tape.choose((0, 1, 2, 3, 5, 8, 2**53)), tape.below(4)
    restarts = world.kind == "resets" and tape.below(2)
    at = BEGIN + day * DAY + tape.below(24) * 3600 if day else None
    peer.replica.observe(
        METER,
        reading,
        source=source,
        on_drop="restart" if restarts else "ignore",
        at=at,
        tag=tag,
        also=True,
        labels=labels,
    )
    called = source if at is None else f"{source} of day {day}"
    wanted = Operation("observe", 0, readings=((called, reading),), on_drop="restart" if restarts else "ignore")
    world.record(peer, METER, tag, labels, wanted)


@happens(4)
def stock(world: World, peer: Peer, tape: Tape) -> None:
    """Make, use or give away rights to a stock, which never falls below 0; a refusal changes nothing."""
    if world.kind in ("clones", "absorptions"):
        return
    known = world.seen_by(peer, "bcounter")
    amount, verb = 1 + tape.below(5), tape.choose(("increment", "decrement", "transfer"))
    if not known:
        if any(one.name == "bcounter" for one in world.events):
            return  # it is made once
        peer.replica.create("bcounter", "bcounter")
        world.record(peer, "bcounter", "bcounter", {}, Operation("create", 0))
        return
    if oracle.may_be_forgotten(known) and peer.author not in {one.author for one in known}:
        return  # it may have to be created again
    rights = oracle.rights(known, peer.author)
    refused = nullcontext() if verb == "increment" or amount <= rights else pytest.raises(CrdtctlError)
    other = tape.choose(world.peers)
    if verb == "transfer":
        if other.replica.id not in peer.replica.clock() or other is peer or other.author.count("/"):
            return
        with refused:
            peer.replica.transfer("bcounter", other.replica.id, amount)
        wanted = Operation("transfer", amount, replica=other.author)
    else:
        with refused:
            (peer.replica.increment if verb == "increment" else peer.replica.decrement)("bcounter", amount)
        wanted = Operation("increment" if verb == "increment" else "decrement", amount)
    if verb == "increment" or amount <= rights:
        world.record(peer, "bcounter", "bcounter", {}, wanted)


@happens(3, ("resets",))
def forget_stock(world: World, peer: Peer, tape: Tape) -> None:
    """Forget the stock, which is refused where not all rights are, or where it is not known."""
    known = world.seen_by(peer, "bcounter")
    authors = {one.author for one in known} | {one.operation.replica for one in known}
    elsewhere = any(oracle.rights(known, author) for author in authors - {peer.author})
    exists = "bcounter" in {one.name for one in peer.replica.counters()}
    with nullcontext() if exists and not elsewhere else pytest.raises(CrdtctlError):
        peer.replica.forget_counters("bcounter")
        world.record(peer, "bcounter", "bcounter", {}, Operation("forget"))


@happens(4, ("resets",))
def reset(world: World, peer: Peer, tape: Tape) -> None:
    """Cancel all that is known here of a counter."""
    tag = tape.choose(("gcounter", "pncounter"))
    name = tape.choose((tag, f"{tag} 2", METER))
    labels = tape.choose(LABELS)
    here = [one for one in world.seen_by(peer, name) if one.tag == tag and one.labels == tuple(labels.items())]
    if any(not oracle.is_nothing(one) for one in here):
        peer.replica.reset(name, tag=tag, labels=labels)
        world.record(peer, name, tag, labels, Operation("reset"))


@happens(12, ("resets",))
def count_passing(world: World, peer: Peer, tape: Tape) -> None:
    """Count in a counter that may be forgotten, perhaps with a key, which stays used."""
    tag, labels = tape.choose(FORGETTABLE), tape.choose(LABELS[:2])
    name, key = f"{tag} {PASSING}", tape.choose((None, "job-1", "job-2"))
    words = NUMBERS if tag == "hist" else WORDS
    wanted = Operation("add", elements=(tape.choose(words), tape.choose(words)))
    if tag in ("gcounter", "pncounter"):
        wanted = Operation("increment", tape.choose(AMOUNTS) if key is None else len(key), once=key)
    do(peer.replica, name, tag, labels, wanted)
    if wanted.once is None or not any(
        one.operation.once == key and one.labels == tuple(labels.items()) for one in world.seen_by(peer, name)
    ):
        world.record(peer, name, tag, labels, wanted)


@happens(4, ("resets",))
def forget(world: World, peer: Peer, tape: Tape) -> None:
    """Forget a counter, or all counters of a name."""
    tag, labels = tape.choose(FORGETTABLE), tape.choose((None, *LABELS[:2]))
    name = f"{tag} {PASSING}"
    wanted = name if labels is None else spelled(name, labels)
    try:
        done = peer.replica.forget_counters(wanted, exact=labels is not None)
    except MissingError:
        return
    for one in LABELS[:2]:
        if spelled(name, one) in done:
            world.record(peer, name, tag, one, Operation("forget"))


@happens(16, ("resets", "handovers"))
def count_renamed(world: World, peer: Peer, tape: Tape) -> None:
    """Count under one of several names, which may be renamed; a key counts once under all names of a counter."""
    tag, labels = tape.choose(("pncounter", "gset")), tape.choose(LABELS[:2])
    name, key = f"{tag} {tape.choose(NAMES)}", tape.choose((None, "job-1", "job-2"))
    wanted = Operation("add", elements=(tape.choose(WORDS),))
    if tag == "pncounter":
        wanted = Operation("increment", tape.choose(AMOUNTS) if key is None else len(key), once=key)
    do(peer.replica, name, tag, labels, wanted)
    if (
        key is None
        or tag == "gset"
        or not any(one.operation.once == key for one in same_series(world, peer, name, labels))
    ):
        world.record(peer, name, tag, labels, wanted)


def same_series(world: World, peer: Peer, name: str, labels: dict[str, str]) -> list[Event]:
    """Return the events that a replica has seen of all counters that are read together with one."""
    seen = world.seen_by(peer)
    found = targets(oracle.renames(seen))
    names = {one.name for one in seen if found.get(one.name, one.name) == found.get(name, name)}
    return [one for one in seen if one.tag != RENAME and one.name in names and one.labels == tuple(labels.items())]


@happens(12, ("resets", "handovers"))
def rename(world: World, peer: Peer, tape: Tape) -> None:
    """Rename a counter, which may be renamed already, to a name that may exist; no other name refuses."""
    tag = tape.choose(("pncounter", "gset"))
    old, new = (f"{tag} {tape.choose(NAMES)}" for _ in range(2))
    seen = world.seen_by(peer)
    known = oracle.renames(seen)
    exists = old in targets(known) or any(one.name == old for one in oracle.under_targets(seen))
    with nullcontext() if exists else pytest.raises(MissingError):
        if peer.replica.rename(old, new):
            for one in made(known, peer.replica.id, old, new):
                done = Operation("create", one.number, source=one.new, replica=one.author, clock=tuple(one.known))
                world.record(peer, one.old, RENAME, {}, done)


@happens(6, ("resets",))
def reset_renamed(world: World, peer: Peer, tape: Tape) -> None:
    """Cancel all that is known here of a counter, under all its names."""
    name, labels = f"pncounter {tape.choose(NAMES)}", tape.choose(LABELS[:2])
    found = same_series(world, peer, name, labels)
    if any(not oracle.is_nothing(one) for one in found):
        peer.replica.reset(name, labels=labels)
        for called in {one.name for one in found}:
            saw = sum(1 << one.number for one in found if one.name == called)
            world.record(peer, called, "pncounter", labels, Operation("reset"), saw)


@happens(6)
def clock_jumps(world: World, peer: Peer, tape: Tape) -> None:
    """Let the clock go on by days, or jump up to a year ahead or back."""
    world.now = world.now + DAY * tape.below(9) if tape.below(3) else BEGIN + (tape.below(730) - 365) * DAY


@happens(14)
def meet(world: World, peer: Peer, tape: Tape) -> None:
    """Let one replica learn from another one."""
    world.receive(peer, [world.send(tape.choose(world.peers))])


@happens(6)
def send_delta(world: World, peer: Peer, tape: Tape) -> None:
    """Send what is newer than what another replica knows."""
    if world.kind in ("resets", "handovers"):  # in others, clocks name branches, and replicas that are absorbed
        world.send(peer, tape.choose(world.peers).replica.clock())


@happens(10)
def stale_files(world: World, peer: Peer, tape: Tape) -> None:
    """Let files come late, again, in another order, and with some that are cut or damaged."""
    if not world.files:
        return
    files = [tape.choose(world.files) for _ in range(1 + tape.below(4))]
    data, at = tape.choose(world.files).data, tape.below(1000)
    cut = data[: 1 + (len(data) - 3) * at // 1000]  # the end of the last line may be missing
    flipped = data[: len(cut)] + bytes([data[len(cut)] ^ 1]) + data[len(cut) + 1 :]
    world.receive(peer, files, ((), (cut,), (flipped,), (cut, flipped))[tape.below(4)])


@happens(2)
def copied(world: World, peer: Peer, tape: Tape) -> None:
    """Copy a replica; in a world of clones nothing gives that away."""
    if len(world.peers) < MOST and peer.replica.commits and world.kind not in ("absorptions", "handovers"):
        world.copy_of(peer, secretly=world.kind == "clones")


@happens(3, ("absorptions",))
def job_ends(world: World, peer: Peer, tape: Tape) -> None:
    """Let a job count and seal its replica, and the first replica absorb it, perhaps twice; no other one does."""
    peer, job = world.peers[0], world.new_peer()
    if tape.below(2):
        world.receive(job, [world.send(peer)])
    for _ in range(1 + tape.below(2)):
        one = any_count(world, tape)
        do(job.replica, *one)
        world.record(job, *one)
    world.peers.remove(job)
    job.replica.seal()
    file = world.send(job)
    for _ in range(1 + tape.below(2)):
        peer.replica.absorb(file.data)
    peer.seen |= file.seen
