"""The laws: what must hold of a replica at any time, and of all of them when they have heard the same."""

import os
import tempfile
from collections.abc import Iterable, Sequence
from decimal import Decimal
from math import ceil

from crdtctl import Replica
from crdtctl.cli import main
from crdtctl.fleet import observe
from crdtctl.store.totals import Total
from crdtctl.sync.report import Remote
from tests.laws import oracle
from tests.laws.actions import METER
from tests.laws.world import DAY, Event, Peer, World

READINGS = (
    ("gcounter", "--by", "os"),
    ("pncounter", "--by", "py,os", "--format", "json"),
    ("p*", "--where", "os=linux", "--format", "json"),
    ("*", "--by", "os", "--sort", "value", "--format", "json"),
    ("gset", "--members"),
    ("hist", "--quantile", "0.5,0.99"),
    (
        METER,
        "--type",
        "pncounter",
        "--per",
        "day",
        "--since",
        "2026-03-10",
        "--until",
        "2026-03-25",
        "--format",
        "json",
    ),
    ("gcounter", "--per", "month", "--by", "os", "--type", "gcounter", "--format", "csv"),
)


def expected(tag: str, known: Sequence[Event]) -> int:
    """Return the value of one series of a type, or of several ones of a set."""
    if tag in ("gset", "hll"):  # so few elements are estimated exactly
        return len(oracle.elements(known))
    return len(oracle.numbers(known)) if tag == "hist" else oracle.amount(known)


def by_series(seen: Iterable[Event]) -> dict[tuple[str, str], list[Event]]:
    """Return the counter and its type → what was done to it, of all that leave a trace."""
    found: dict[tuple[str, str], list[Event]] = {}
    for one in seen:
        found.setdefault((one.spelling, one.tag), []).append(one)
    return {key: known for key, known in found.items() if not all(map(oracle.is_nothing, known))}


def check(world: World, peer: Peer) -> None:
    """Check that a replica reads what it has seen: series by series, group by group, and period by period."""
    seen = oracle.under_targets(world.seen_by(peer))
    events = by_series(seen)
    values = {key: expected(key[1], known) for key, known in events.items()}
    with peer.replica.snapshot() as now:
        found = {(one.name, one.tag): one for one in now.counters()}
        gone = events.keys() - found.keys()
        assert all(oracle.may_be_forgotten(events[key]) and not values[key] for key in gone)
        assert all(not found[key].value for key in found.keys() - events.keys())
        is_forked = bool(now.forks())
        for key, value in values.items():
            if key in gone:
                continue
            if key[1] == "gset":
                assert set(found[key].members) == oracle.elements(events[key])
            check_value(found[key].name.partition("{")[0], key[1], found[key].value, value, is_forked=is_forked)
        for by in ([], ["os"]):
            for total in now.select("*", by=by):
                of_name = [one for one in seen if (one.name, one.tag) == (total.name, total.tag)]
                known = [
                    one for one in of_name if all(dict(one.labels).get(k, "") == v for k, v in total.labels.items())
                ]
                check_total(total, known, values, is_forked=is_forked)
                if total.tag in ("gcounter", "pncounter") and total.has_periods:
                    check_periods(total, known, of_name, is_forked=is_forked)


def check_value(name: str, tag: str, found: int, wanted: int, *, is_forked: bool) -> None:
    """Check a value. Of the branches of a fork, the largest totals count, so that no shared count counts twice."""
    if tag == "handoff":
        return  # what is on its way to another replica counts when it has arrived: see `check_handed_over`
    if is_forked and tag not in ("gset", "hll") and name != METER:
        assert found <= wanted or tag == "pncounter"
    else:
        assert found == wanted, f"{name} of type {tag}"


def check_total(total: Total, known: Sequence[Event], values: dict[tuple[str, str], int], *, is_forked: bool) -> None:
    """Check the value of several series together, and the distribution of numbers."""
    if total.tag in ("gset", "hll"):
        wanted = len(oracle.elements(known))
    else:
        wanted = sum(values[key] for key in {(one.spelling, one.tag) for one in known} & values.keys())
    check_value(total.name, total.tag, total.value, wanted, is_forked=is_forked)
    if total.tag == "hist" and not is_forked:
        numbers = oracle.numbers(known)
        assert Decimal(total.distribution.total) == sum(numbers)
        for q in (0.5, 0.99):
            exact, found = float(numbers[ceil(q * len(numbers)) - 1]), total.quantile(q)
            assert found is not None
            assert abs(found - exact) <= 0.0101 * abs(exact)


def check_periods(total: Total, known: Sequence[Event], of_name: Sequence[Event], *, is_forked: bool) -> None:
    """Check that periods and what has none are the total, and that each count is where its time says."""
    line = total.timeline
    assert sum(line.periods.values()) + line.unknown == total.value
    verbs = {one.operation.verb for one in known}
    if is_forked or "observe" in verbs or ("reset" in verbs and total.tag != "gcounter"):
        return
    wanted = oracle.dated(known, [one for one in of_name if one.operation.every is not None])
    days: dict[int, int] = {}
    months: dict[int, int] = {}
    for (start, end), amount in line.periods.items():
        first, last = start * 900 // DAY, (end * 900 - 1) // DAY
        month = oracle.month_of(first)
        assert month == oracle.month_of(last), "a period is in two months"
        months[month] = months.get(month, 0) + amount
        days[first] = days.get(first, 0) + amount
    if wanted.has_all_days:
        assert oracle.without_zeros(days) == wanted.days
    elif "reset" in verbs:
        return  # which of the days in a month it cancels is known of single days only
    elif wanted.has_all_months:
        assert oracle.without_zeros(months) == wanted.months
    elif total.tag == "gcounter":
        assert all(amount <= wanted.months.get(month, 0) for month, amount in months.items())


def settle(world: World) -> None:
    """Let all meet all until nothing changes; then all read the same, to the byte, whichever way they join."""
    before: list[list[bytes]] = []
    for _ in range(12):
        states = [world.send(other) for other in world.peers]
        now = [lines_of(one.data) for one in states]
        if now == before or (world.kind != "handovers" and all(one == now[0] for one in now)):
            break
        before = now
        for peer in world.peers:
            world.receive(peer, states)
    else:
        raise AssertionError("replicas that meet again and again still change")
    for peer in world.peers[:2]:
        check(world, peer)
    check_handed_over(world)
    check_fleet(world)
    if world.kind != "handovers":  # there each replica has an entry of its own about the others
        check_same(world)


def check_fleet(world: World) -> None:
    """Check that a fleet of all files is a replica that merged them, also if groups of them are joined first.

    That takes as long as many steps, so it is done in one world of four.
    """
    if len(world.events) % 4:
        return
    remote, groups = world.place / "fleet", world.place / "groups"
    remote.mkdir()
    groups.mkdir()
    for number, file in enumerate(world.files):
        (remote / f"{number}.crdt.json").write_bytes(file.data)
    fresh = Replica.init(world.place / "all", name="all")
    refused = fresh.merge(*remote.iterdir(), check=False).refused
    with observe(Remote("fleet", str(remote))) as seen:
        assert values(seen.replica) == values(fresh)
        assert seen.replicas == sorted(fresh.clock().keys() - {fresh.id})
        assert len(seen.report.merge.refused) == len(refused)
    for half in range(2):
        part = Replica.init(world.place / f"half{half}", name=f"half{half}")
        part.merge(*(one.data for one in world.files[half::2] if one.since is None), check=False)
        part.export_to(groups / f"{half}.crdt.json")
    with observe(Remote("groups", str(groups))) as seen:
        joined = values(seen.replica)
    whole = Replica.init(world.place / "whole", name="whole")
    whole.merge(*(one.data for one in world.files if one.since is None), check=False)
    assert joined == values(whole)


def values(replica: Replica) -> dict[tuple[str, str], tuple[int, dict[str, int]]]:
    """Return what a replica reads, without entries of its own."""
    return {(one.name, one.tag): (one.value, dict(one.once)) for one in replica.counters()}


def check_handed_over(world: World) -> None:
    """Check that handoff counters have reached everybody."""
    for peer in world.peers:
        counted = by_series(one for one in world.seen_by(peer) if one.tag == "handoff")
        found = {(one.name, one.tag): one.value for one in peer.replica.counters() if one.tag == "handoff"}
        assert found == {key: oracle.amount(known) for key, known in counted.items()}


def check_same(world: World) -> None:
    """Check that all show the same bytes, and that files of text that is decoded make the same as joined bytes."""
    for arguments in READINGS:
        text, *others = [shown(peer.replica, arguments) for peer in world.peers]
        for other in others:
            assert other == text, arguments
    for number, form in enumerate(("json", "toml")):
        fresh = Replica.init(world.place / f"other{number}", name="other")
        for peer in world.peers:
            peer.replica.export_to(world.place / f"state.{form}", form=form, overwrite=True)
            fresh.merge(world.place / f"state.{form}", check=False)
        assert lines(fresh) == lines(world.peers[0].replica)


def lines(replica: Replica) -> list[bytes]:
    """Return what a replica knows of all counters."""
    return lines_of(replica.export_bytes())


def lines_of(data: bytes) -> list[bytes]:
    """Return the lines of counters in a state."""
    return data.splitlines()[1:-1]


def shown(replica: Replica, arguments: Sequence[str]) -> str:
    """Return what ``show`` prints, and how it ends, without the id of the replica."""
    with tempfile.TemporaryFile() as out:
        before = [os.dup(1), os.dup(2)]
        try:
            os.dup2(out.fileno(), 1)
            os.dup2(out.fileno(), 2)
            status = main.main(["--replica", replica.path, "show", *arguments])
        finally:
            for number, kept in enumerate(before, 1):
                os.dup2(kept, number)
                os.close(kept)
        out.seek(0)
        text = out.read().decode()
    return f"{status} {text.replace(replica.id, 'ID')}"
