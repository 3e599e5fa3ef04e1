"""Times: replicas that count, meet and fail, against an oracle that is a list of (time, labels, amount)."""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch
from zoneinfo import ZoneInfo

import pytest

from crdtctl import Replica
from crdtctl.errors import RefusedError
from tests.conftest import Shell

DAY = 86_400
QUARTER = 900
SYSTEMS = ("linux", "mac")


class Count(NamedTuple):
    """A count, as the oracle knows it: the time of the clock, or the one that was typed."""

    when: int
    os: str
    amount: int


@contextmanager
def clock(when: float) -> Iterator[None]:
    """Let the clock of this machine show a time."""
    with patch("time.time", lambda: when):
        yield


def seconds(text: str, zone: tzinfo = UTC) -> int:
    """Return a date or a time in a zone as seconds since 1970."""
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp())


def replicas(place: Path, count: int = 3) -> list[Replica]:
    return [Replica.init(place / f"r{number}", name=f"r{number}") for number in range(count)]


def count(replica: Replica, one: Count, *, typed: bool = False) -> None:
    """Count at a time: that of the clock, or a `typed` one."""
    with clock(seconds("2026-06-01") if typed else one.when):
        replica.increment(
            "builds", one.amount, labels={"os": one.os}, tag="gcounter", at=one.when if typed else None, also=True
        )


def meet(several: Iterable[Replica], files: Iterable[bytes] = ()) -> None:
    """Let each replica merge what all others and some old files have."""
    known = [*files, *(one.export_bytes() for one in several)]
    for one in several:
        one.merge_bytes(*known)


def history(place: Path, moments: Iterable[int], *, every: str, keep: int, seed: int) -> tuple[list[Count], Replica]:
    """Return what was counted, and a replica that has heard of it, also from old files, and repeatedly."""
    chance = random.Random(seed)
    known = replicas(place)
    known[0].create("builds", "gcounter", every=every, keep=keep)
    meet(known)
    counts, files = [], []
    for moment in moments:
        one = Count(moment, chance.choice(SYSTEMS), chance.randint(1, 9))
        count(chance.choice(known), one, typed=chance.random() < 0.5)
        counts.append(one)
        if chance.random() < 0.2:
            files.append(chance.choice(known).export_bytes())
            chance.choice(known).merge_bytes(chance.choice(files))
    meet(known, files[::-1])
    meet(known)
    exported = [json.loads(one.export_bytes())["counters"] for one in known]
    assert exported[0] == exported[1] == exported[2]
    return counts, known[0]


NAMES: dict[str, Callable[[datetime], str]] = {
    "day": lambda here: here.date().isoformat(),
    "week": lambda here: "{}-W{:02}".format(*here.isocalendar()),
    "month": lambda here: here.date().isoformat()[:7],
    "hour": lambda here: here.replace(minute=0, second=0).isoformat(timespec="minutes").replace("+00:00", "Z"),
}


def expected(counts: Iterable[Count], per: str, zone: tzinfo) -> dict[str, int]:
    """Return name of a period → what was counted while the clocks of a zone showed it."""
    found: Counter[str] = Counter()
    for one in counts:
        found[NAMES[per](datetime.fromtimestamp(one.when, zone))] += one.amount
    return dict(found)


def shown(shell: Shell, replica: Replica, *words: str) -> list[dict[str, object]]:
    """Return the rows of each counter that the program shows. It may report folded periods that the rows cut."""
    ended = shell("--replica", replica.path, "show", *words, "--format", "json")
    assert ended.status == 0, ended.stderr
    tree = json.loads(ended.stdout)
    return [row for counter in tree["counters"] for row in counter["periods"]]


def with_counts(rows: Iterable[dict[str, object]]) -> dict[object, object]:
    return {row["period"]: row["value"] for row in rows if row["value"]}


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("Europe/Berlin", "2026-03-29"),
        ("Europe/Berlin", "2026-10-25"),
        ("America/St_Johns", "2026-03-08"),  # 2:30 and 3:30 behind
        ("America/St_Johns", "2026-11-01"),
        ("Pacific/Chatham", "2026-04-05"),  # 12:45 and 13:45 ahead
        ("Pacific/Chatham", "2026-09-27"),
        ("Australia/Lord_Howe", "2026-04-05"),  # its clocks move by half an hour
        ("Australia/Lord_Howe", "2026-10-04"),
        ("America/Santiago", "2026-09-06"),  # a day that begins at 1 o'clock
        ("America/Havana", "2026-11-01"),  # a day with two midnights
        ("Pacific/Apia", "2011-12-30"),  # a day that did not take place
        ("Asia/Kathmandu", "2026-12-31"),
        ("Asia/Kolkata", "2028-02-29"),
        ("UTC", "2028-02-29"),
        ("UTC", "2100-02-28"),  # the year has no leap day
    ],
)
def test_rows_of_a_zone_are_those_that_its_clocks_show(shell: Shell, tmp_path: Path, zone: str, day: str) -> None:
    chance, place = random.Random(day), ZoneInfo(zone)
    middle = seconds(f"{day}T12:00")
    moments = [
        middle + chance.randint(-3 * DAY, 3 * DAY) // QUARTER * QUARTER + chance.choice((0, 899)) for _ in range(40)
    ]
    counts, replica = history(tmp_path, moments, every="15m", keep=40 * DAY, seed=middle)
    span = [str(date.fromisoformat(day) + timedelta(days=days)) for days in (-5, 5)]
    words = ("builds", "--tz", zone, "--since", span[0], "--until", span[1])
    moves_by_hours = zone not in ("Australia/Lord_Howe", "Pacific/Chatham")
    for per in ("day", "week", "month", *(["hour"] if moves_by_hours else [])):
        rows = shown(shell, replica, *words, "--per", per)
        assert with_counts(rows) == expected(counts, per, place), per
        assert len({row["period"] for row in rows}) == len(rows)
        assert [row["start"] for row in rows[1:]] == [row["end"] for row in rows[:-1]]
    by_system = shown(shell, replica, *words, "--per", "day", "--where", "os=mac")
    assert with_counts(by_system) == expected((one for one in counts if one.os == "mac"), "day", place)


def test_folded_days_of_leap_years_are_in_their_months(shell: Shell, tmp_path: Path) -> None:
    begin = seconds("2027-11-30")
    moments = [begin + day * DAY + (day * 7919) % DAY for day in range(0, 130, 2)]
    counts, replica = history(tmp_path, moments, every="day", keep=5 * DAY, seed=2)
    rows = shown(shell, replica, "builds", "--per", "month", "--since", "2027-11-01", "--until", "2028-04-30")
    assert with_counts(rows) == expected(counts, "month", UTC)
    assert len(Path(replica.path, "own.json").read_bytes()) < 1_000
    assert replica.select("builds")[0].value == sum(one.amount for one in counts)


def test_a_clock_that_jumps_a_year_ahead_and_back_changes_periods_and_no_total(shell: Shell, tmp_path: Path) -> None:
    ann, bob = replicas(tmp_path, 2)
    ann.create("builds", "gcounter", every="day", keep=30 * DAY)
    meet([ann, bob])
    begin = seconds("2026-01-10")
    right = [Count(begin + day * DAY, "linux", 1 + day) for day in range(4)]
    wrong = [Count(begin + 365 * DAY + hour * 3600, "linux", 100) for hour in range(3)]
    later = [Count(begin + day * DAY, "linux", 1 + day) for day in range(4, 8)]
    before = ann.export_bytes()
    for one in (*right, *wrong, *later):
        count(ann, one)
        if one in wrong:
            count(bob, one)
    meet([ann, bob], [before])
    counts = [*right, *wrong, *wrong, *later]
    words = ("--per", "day", "--since", "2026-01-10", "--until", "2027-01-31")
    for replica in (ann, bob):
        assert replica.select("builds")[0].value == sum(one.amount for one in counts)
        assert with_counts(shown(shell, replica, "builds", *words)) == expected(counts, "day", UTC)


def test_counts_of_a_clock_years_ahead_are_reported_apart(shell: Shell, tmp_path: Path) -> None:
    (ann,) = replicas(tmp_path, 1)
    ann.create("builds", "gcounter", every="day")
    for when, amount in (("2026-01-10", 3), ("2150-01-01", 50), ("2026-01-11", 4)):
        count(ann, Count(seconds(when), "linux", amount))
    lines = shell.ok("--replica", ann.path, "show", "builds", "--per", "month").splitlines()
    assert lines[-1] == "in the future\t50"
    assert sum(int(line.split("\t")[1]) for line in lines) == 57


def test_a_keep_that_shrinks_is_refused_and_the_longest_applies(shell: Shell, tmp_path: Path) -> None:
    ann, bob = replicas(tmp_path, 2)
    ann.create("builds", "gcounter", every="day", keep=400 * DAY)
    bob.create("builds", "gcounter", every="day", keep=5 * DAY)
    begin = seconds("2026-01-01")
    counts = [Count(begin + day * DAY, "linux", 1 + day) for day in range(60)]
    stale = []
    for one in counts[:40]:
        count(ann, one)
        count(bob, one)
        stale.append(bob.export_bytes())
    days = ("builds", "--per", "day", "--since", "2026-01-01", "--until", "2026-03-31")
    assert len(with_counts(shown(shell, bob, *days))) < 40
    meet([ann, bob])
    with pytest.raises(RefusedError, match="longer already"):
        ann.create("builds", "gcounter", every="day", keep=5 * DAY, also=True)
    with pytest.raises(RefusedError, match="longer already"):
        bob.create("builds", "gcounter", every="day", keep=5 * DAY, also=True)
    for one in counts[40:]:
        count(ann, one)
        count(bob, one)
    meet([ann, bob], stale)
    twice = [*counts, *counts]
    for replica in (ann, bob):
        assert replica.select("builds")[0].value == sum(one.amount for one in twice)
        months = shown(shell, replica, "builds", "--per", "month", "--since", "2026-01-01", "--until", "2026-03-31")
        assert with_counts(months) == expected(twice, "month", UTC)
        found = with_counts(shown(shell, replica, *days))
        assert found.items() >= expected([*counts[40:], *counts[40:]], "day", UTC).items()
        assert len(found) == 60  # those of ann's days that bob had folded are still there


def test_a_replica_that_was_away_for_two_years_returns_with_an_old_file(shell: Shell, tmp_path: Path) -> None:
    ann, bob, hub = replicas(tmp_path)
    ann.create("builds", "gcounter", every="day", keep=20 * DAY)
    meet([ann, bob, hub])
    begin = seconds("2024-02-20")
    counts = [Count(begin + day * DAY, SYSTEMS[day % 2], 1 + day) for day in range(15)]
    for one in counts:
        count(ann, one)
        count(bob, one)
    counts += counts
    meet([ann, bob, hub])
    old = [ann.export_bytes(), bob.export_bytes()]
    away = Count(begin + 16 * DAY, "mac", 1_000)
    count(bob, away)  # no other replica hears of this for two years
    for day in range(20, 750, 10):
        one = Count(begin + day * DAY, "linux", 1 + day)
        count(ann, one)
        counts.append(one)
    meet([ann, hub])
    size = len(hub.export_bytes())
    hub.merge_bytes(*old)
    assert len(hub.export_bytes()) == size, "an old file brings no folded period back"
    meet([ann, bob, hub], old)
    after = Count(begin + 752 * DAY, "mac", 7)
    count(bob, after)
    counts += [away, after]
    meet([ann, bob, hub], old)
    span = ("builds", "--per", "month", "--since", "2024-02-01", "--until", "2026-03-31")
    for replica in (ann, bob, hub):
        assert replica.select("builds")[0].value == sum(one.amount for one in counts)
        assert with_counts(shown(shell, replica, *span)) == expected(counts, "month", UTC)
        of_mac = shown(shell, replica, *span, "--where", "os=mac")
        assert with_counts(of_mac) == expected((one for one in counts if one.os == "mac"), "month", UTC)
