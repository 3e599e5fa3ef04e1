"""Counters that keep when: ``create --every``, ``increment --at`` and ``show --per``."""

import json
import shutil
import time
import zoneinfo
from importlib.resources import files
from pathlib import Path

import pytest

from crdtctl import Replica
from tests.conftest import Shell
from tests.support.expect import assert_refused
from tests.support.terminal import on_terminal


@pytest.fixture
def builds(shell: Shell, replica: Replica) -> Replica:
    """Return a replica with a counter of some days of March."""
    shell.ok("create", "builds", "--type", "gcounter", "--every", "day")
    for day, amount in (("2026-03-01", 7), ("2026-03-02", 3), ("2026-03-04", 5)):
        shell.ok("increment", "builds", str(amount), "--at", day)
    return replica


MARCH = ("--since", "2026-03-01", "--until", "2026-03-05")


def test_each_period_has_a_row_and_an_empty_one_is_0(shell: Shell, builds: Replica) -> None:
    assert shell.ok("show", "builds", "--per", "day", *MARCH) == (
        "2026-03-01\t7\n2026-03-02\t3\n2026-03-03\t0\n2026-03-04\t5\n2026-03-05\t0\n"
    )
    assert shell.ok("show", "builds") == "15\n"


def test_weeks_begin_on_monday_and_months_on_their_first_day(shell: Shell, builds: Replica) -> None:
    assert shell.ok("show", "builds", "--per", "week", *MARCH) == "2026-W09\t7\n2026-W10\t8\n"
    assert shell.ok("show", "builds", "--per", "month", *MARCH) == "2026-03\t15\n"


def test_a_count_of_now_is_in_the_last_row(shell: Shell, builds: Replica) -> None:
    shell.ok("increment", "builds", "4")
    last = shell.ok("show", "builds", "--per", "day", "--last", "3d").splitlines()[-1]
    assert last.endswith("\t4")
    assert shell.ok("show", "builds", "--last", "1d") == "4\n"


def test_what_has_no_period_has_a_row_of_its_own_where_the_range_is_open(shell: Shell, replica: Replica) -> None:
    shell.ok("increment", "builds", "5", "--type", "gcounter")
    shell.ok("increment", "builds", "2", "--once", "job-1")
    shell.ok("create", "builds", "--type", "gcounter", "--every", "hour")
    shell.ok("increment", "builds", "4")
    unknown, *rows = shell.ok("show", "builds", "--per", "day").splitlines()
    assert unknown == "before or unknown\t7"
    assert [row.rpartition("\t")[2] for row in rows] == ["4"]
    assert shell.ok("show", "builds", "--since", "1h") == "4\n"


def test_what_is_older_than_periods_are_kept_is_before_the_rows(shell: Shell, replica: Replica) -> None:
    shell.ok("create", "builds", "--type", "gcounter", "--every", "day", "--keep", "2d")
    shell.ok("increment", "builds", "3", "--at", "2026-03-01")
    shell.ok("increment", "builds", "4")
    before, row = shell.ok("show", "builds", "--per", "day").splitlines()
    assert (before, row[-2:]) == ("before or unknown\t3", "\t4")
    assert shell.ok("show", "builds", "--per", "month").startswith("2026-03\t3\n")


def test_rows_of_folded_periods_go_back_as_far_as_these_are_kept(shell: Shell, replica: Replica) -> None:
    shell.ok("create", "builds", "--type", "gcounter", "--every", "15m", "--keep", "2d")
    shell.ok("increment", "builds", "3", "--at", str(int(time.time()) - 20 * 86_400))
    first, *_ = shell.ok("show", "builds", "--per", "day").splitlines()
    assert (first[:2], first[-2:]) == ("20", "\t3")
    assert shell.ok("show", "builds", "--per", "hour").startswith("before or unknown\t3\n")


def test_data_formats_have_the_edges_of_each_row(shell: Shell, builds: Replica) -> None:
    tree = json.loads(shell.ok("show", "builds", "--per", "day", *MARCH[:2], "--until", "2026-03-01", "-f", "json"))
    (counter,) = tree["counters"]
    assert counter == {
        "name": "builds",
        "type": "gcounter",
        "per": "day",
        "periods": [{"period": "2026-03-01", "start": "2026-03-01T00:00Z", "end": "2026-03-02T00:00Z", "value": 7}],
    }
    assert shell.ok("show", "builds", "--per", "month", *MARCH, "-f", "csv") == "period,value\n2026-03,15\n"


def test_several_counters_have_their_names_in_each_row(shell: Shell, builds: Replica) -> None:
    shell.ok("increment", "plain")
    shell.ok("create", "bytes", "--type", "pncounter", "--every", "15m")
    shell.ok("decrement", "bytes", "9", "--at", "2026-03-01T12:00Z")
    rows = "builds\tgcounter\t2026-03\t15\nbytes\tpncounter\t2026-03\t-9\n"
    assert shell.ok("show", "builds", "bytes", "--per", "month", *MARCH) == rows
    assert sorted(shell.ok("show", "--per", "month", *MARCH).splitlines()) == sorted(rows.splitlines())


def test_rates_are_amounts_per_second(shell: Shell, builds: Replica) -> None:
    assert shell.ok("show", "builds", "--per", "month", *MARCH, "--rate").startswith("2026-03\t")
    rate = float(shell.ok("show", "builds", "--since", "2026-03-01", "--until", "2026-03-05", "--rate"))
    assert rate == pytest.approx(15 / (5 * 86_400), rel=1e-5)


@pytest.mark.parametrize(
    ("zone", "per", "rows"),
    [
        ("Europe/Berlin", "day", {"2026-03-28": 1, "2026-03-29": 2, "2026-03-30": 4}),  # 23 hours
        ("Europe/Berlin", "month", {"2026-03": 7}),
        ("Asia/Kathmandu", "day", {"2026-03-29": 3, "2026-03-30": 4}),  # 5:45 ahead
        ("Pacific/Chatham", "day", {"2026-03-29": 3, "2026-03-30": 4}),  # 13:45 ahead
        ("America/New_York", "day", {"2026-03-28": 3, "2026-03-29": 4}),
        ("UTC", "day", {"2026-03-28": 3, "2026-03-29": 4}),
    ],
)
def test_days_are_those_of_a_time_zone(
    shell: Shell, replica: Replica, zone: str, per: str, rows: dict[str, int]
) -> None:
    shell.ok("create", "builds", "--type", "gcounter", "--every", "15m")
    for amount, when in ((1, "2026-03-28T22:59Z"), (2, "2026-03-28T23:00Z"), (4, "2026-03-29T22:00Z")):
        shell.ok("increment", "builds", str(amount), "--at", when)
    shown = shell.ok("show", "builds", "--per", per, "--tz", zone, "--since", "2026-03-28", "--until", "2026-03-30")
    found = dict(line.split("\t") for line in shown.splitlines())
    assert {day: int(value) for day, value in found.items() if value != "0"} == rows


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-10-26", 24)])
def test_a_day_has_as_many_hours_as_its_clocks_show(shell: Shell, replica: Replica, day: str, hours: int) -> None:
    shell.ok("create", "builds", "--type", "gcounter", "--every", "hour")
    shown = shell.ok("show", "builds", "--per", "hour", "--tz", "Europe/Berlin", "--since", day, "--until", day)
    assert len(shown.splitlines()) == hours


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", ":Asia/Kathmandu", ":{file}", "{file}"])
def test_local_time_is_the_zone_of_tz_as_posix_spells_it(
    shell: Shell, replica: Replica, tmp_path: Path, zone: str
) -> None:
    file = tmp_path / "zone"
    file.write_bytes(_rules_of("Asia/Kathmandu"))
    shell.ok("create", "builds", "--type", "gcounter", "--every", "15m")
    asked = ("show", "builds", "--per", "day", "--tz", "local", "--last", "1h", "--json")
    ended = shell(*asked, environment={"TZ": zone.format(file=file)})
    assert (ended.status, ended.stderr) == (0, "")
    assert "+05:45" in ended.stdout


def _rules_of(zone: str) -> bytes:
    """Return the file of a time zone, from the system or from the package ``tzdata``."""
    found = [Path(root, zone) for root in zoneinfo.TZPATH if Path(root, zone).is_file()]
    return found[0].read_bytes() if found else (files("tzdata") / "zoneinfo" / zone).read_bytes()


def test_a_zone_whose_days_are_no_periods_is_refused_with_advice(shell: Shell, builds: Replica) -> None:
    ended = shell("show", "builds", "--per", "day", "--tz", "Europe/Berlin")
    assert (ended.status, ended.stdout) == (4, "")
    assert "keeps periods of a day in UTC, and a day in Europe/Berlin does not begin with one" in ended.stderr
    assert "crdtctl create builds --type gcounter --every hour" in ended.stderr
    shell.ok("create", "builds", "--type", "gcounter", "--every", "hour")
    ended = shell("show", "builds", "--per", "day", "--tz", "Asia/Kathmandu")
    assert "--every 15m" in ended.stderr
    shell.ok("show", "builds", "--per", "day", "--tz", "Europe/Berlin")


def test_rows_that_are_shorter_than_the_periods_are_refused(shell: Shell, builds: Replica) -> None:
    ended = shell("show", "builds", "--per", "hour")
    assert (ended.status, ended.stdout) == (4, "")
    assert "'builds' keeps periods of a day, and none of hour" in ended.stderr


def test_older_periods_that_the_rows_cut_are_reported(shell: Shell, replica: Replica) -> None:
    shell.ok("create", "builds", "--type", "gcounter", "--every", "hour", "--keep", "2h")
    for hour in range(24):
        shell.ok("increment", "builds", "--at", f"2026-03-01T{hour:02}:00Z")
    shell.ok("increment", "builds", "--at", "2026-03-02T01:00Z")
    shell.ok("increment", "builds", "--at", "2026-03-02T02:00Z")
    ended = shell("show", "builds", "--per", "day", "--tz", "Europe/Berlin", "--since", "2026-03-01")
    assert ended.status == 0
    assert "24 of 'builds' were counted in longer" in ended.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--per fortnight", "--per cannot be 'fortnight'"),
        ("--last 99999d", "--last: '99999d' is longer than 100 years"),
        ("--since 0001-01-01 --tz America/New_York", "'0001-01-01' is not a time for --since: it is not from 1900 to"),
        ("--per month --until 9999-12-31", "'9999-12-31' is not a time for --until: it is not from 1900 to 2199"),
        ("--per month --until 9999-12-31T23:59Z", "is not a time for --until: it is not from 1900 to 2199"),
        ("--per day --tz Mars/Olympus", "time zone 'Mars/Olympus'"),
        ("--per day --tz ../etc", "time zone '../etc'"),
        ("--per day --since never", "'never' is not a time"),
        ("--per day --since 2026-13-01", "'2026-13-01' is not a time"),
        ("--per day --since 30d --last 30d", "cannot be combined"),
        ("--last 0", "--last: '0' is not a length of time; for example 24h or 30d"),
        ("--per day --since 2026-03-02 --until 2026-03-01", "ends before it begins"),
        ("--tz UTC", "need --per"),
        ("--rate", "need --per"),
        ("--per day --members", "--per and --members cannot be combined"),
        ("--last 1d --distribution --rate", "--rate and --distribution cannot be combined"),
        ("--last 1d --rate --quantile 0.5", "--rate and --quantile cannot be combined"),
        ("--last 1d --quantile 0.5,0.9 --max 3", "they need a single quantile"),
        ("--per day --quantile nan", "'nan' is not a quantile"),
        ("--per day --quantile inf", "'inf' is not a quantile"),
        ("--per day --quantile 0.5,-1", "'-1' is not a quantile"),
        ("--per day --rate --min 3", "--rate and --min cannot be combined"),
        ("--last 1d --rate --max 3", "--rate and --max cannot be combined"),
        ("--since 1d --per day --rate --default 3", "--rate and --default cannot be combined"),
        ("--last 1d --by os --max 3", "--min and --max need one NAME"),
        ("--per hour --since 1950-01-01", "more than 100,000 rows"),
        (
            "--per day --since 1990-01-01 --quantile " + ",".join(f"0.{n}1" for n in range(10, 30)),
            "more than 5,000 rows",
        ),
    ],
)
def test_questions_about_time_that_have_no_answer(shell: Shell, builds: Replica, words: str, message: str) -> None:
    ended = shell("show", "builds", *words.split())
    assert (ended.status, ended.stdout) == (2, "")
    assert message in ended.stderr


RANGE = "from 2026-03-01T00:00Z to 2026-03-03T00:00Z"


@pytest.mark.parametrize(
    ("bounds", "status", "message"),
    [
        ("--min 10 --max 10", 0, ""),
        ("--max 9", 1, f"crdtctl: 'builds' is 10 {RANGE}, above 9\n"),
        ("--min 11", 1, f"crdtctl: 'builds' is 10 {RANGE}, below 11\n"),
        ("--default 7", 0, ""),
    ],
)
def test_the_amount_in_a_time_has_bounds(shell: Shell, builds: Replica, bounds: str, status: int, message: str) -> None:
    ended = shell("show", "builds", "--since", "2026-03-01", "--until", "2026-03-02", *bounds.split())
    assert (ended.status, ended.stdout, ended.stderr) == (status, "10\n", message)


def test_the_amount_in_a_time_has_a_default(shell: Shell, builds: Replica) -> None:
    asked = ("show", "failures", "--last", "24h", "--max", "0", "--default")
    assert shell.ok(*asked, "0") == "0\n"
    assert shell(*asked, "1").status == 1
    assert shell.ok(*asked, "0", "-f", "csv").startswith("period,value\n")
    (counter,) = json.loads(shell.ok(*asked, "0", "--json"))["counters"]
    assert (counter["name"], counter["type"], [row["value"] for row in counter["periods"]]) == ("failures", None, [0])
    assert shell(*asked[:-1]).status == 66
    ended = shell("show", "build*", "--last", "24h", "--default", "0")
    assert (ended.status, ended.stdout) == (2, "")
    assert "--default needs one NAME" in ended.stderr


@pytest.mark.parametrize(("bound", "status"), [("--max 0", 4), ("--min 1", 4), ("--max 24", 0), ("--min 25", 1)])
def test_a_bound_that_longer_periods_leave_open_is_refused(
    shell: Shell, replica: Replica, bound: str, status: int
) -> None:
    shell.ok("create", "builds", "--type", "gcounter", "--every", "hour", "--keep", "2h")
    for hour in range(24):
        shell.ok("increment", "builds", "--at", f"2026-03-01T{hour:02}:00Z")
    shell.ok("increment", "builds", "--at", "2026-03-02T01:00Z")
    shell.ok("increment", "builds", "--at", "2026-03-02T02:00Z")
    ended = shell("show", "builds", "--since", "2026-03-01T12:00Z", "--until", "2026-03-01T20:00Z", *bound.split())
    assert (ended.status, ended.stdout) == (status, "0\n")
    assert ("'builds' is 0 or 24 " in ended.stderr) == (status == 4)


def test_a_counter_without_periods_is_refused_with_advice(shell: Shell, replica: Replica) -> None:
    shell.ok("increment", "builds")
    for words in (["show", "builds", "--per", "day"], ["increment", "builds", "--at", "2026-03-01"]):
        ended = shell(*words)
        assert (ended.status, ended.stdout) == (4, "")
        assert "'crdtctl create' with --every" in ended.stderr
    assert shell("show", "missing", "--per", "day").status == 66


@pytest.mark.parametrize("tag", ["gset", "handoff"])
def test_types_without_periods_are_refused(shell: Shell, replica: Replica, tag: str) -> None:
    ended = shell("create", "builds", "--type", tag, "--every", "day")
    assert (ended.status, ended.stdout) == (2, "")
    assert f"a {tag} is not created with periods, only a bcounter, gcounter, hist, hll or pncounter" in ended.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--every week", "periods cannot be 'week'"),
        ("--every day --keep soon", "--keep: 'soon' is not a duration"),
        ("--every day --keep 5m", "at least 15 minutes"),
        ("--every 15m --keep 400d", "at most 10,000 periods"),
    ],
)
def test_wrong_settings_of_periods_are_refused(shell: Shell, replica: Replica, words: str, message: str) -> None:
    ended = shell("create", "builds", "--type", "gcounter", *words.split())
    assert (ended.status, ended.stdout) == (2, "")
    assert message in ended.stderr


def test_settings_of_a_counter_become_only_finer_and_longer(shell: Shell, builds: Replica) -> None:
    shell.ok("create", "builds", "--type", "gcounter", "--every", "hour", "--keep", "30d")
    shell.ok("create", "builds", "--type", "gcounter", "--every", "hour", "--keep", "30d")
    for words in ("--every day", "--keep 29d"):
        ended = shell("create", "builds", "--type", "gcounter", *words.split())
        assert (ended.status, ended.stdout) == (4, "")
        assert "already" in ended.stderr
    assert shell("create", "builds", "--type", "gcounter").status == 73


@pytest.mark.parametrize(
    "when", ["2026-02-29", "yesterday", "", "20260301", "1e9", "12:00", "2026-03-01T25:00Z", "2300-01-01"]
)
def test_wrong_times_are_refused(shell: Shell, builds: Replica, when: str) -> None:
    ended = shell("increment", "builds", "--at", when)
    assert (ended.status, ended.stdout) == (2, "")
    assert shell.ok("show", "builds") == "15\n"


@pytest.mark.parametrize(
    ("when", "message"),
    [
        (
            "0",
            "'0' is not a time for --at: as seconds since 1970, it is before 1973; write a time before 1973 as a date",
        ),
        ("9999-12-31", "'9999-12-31' is not a time for --at: it is not from 1970 to 2199"),
        ("1969-12-31", "'1969-12-31' is not a time for --at: it is not from 1970 to 2199"),
        ("9999999999", "'9999999999' is not a time for --at: it is not from 1970 to 2199"),
    ],
)
def test_a_time_out_of_bounds_is_refused_with_the_reason(
    shell: Shell, builds: Replica, when: str, message: str
) -> None:
    for words in (["increment", "builds"], ["observe", "builds", "3", "--source", "s"]):
        ended = shell(*words, "--at", when)
        assert (ended.status, ended.stdout) == (2, "")
        assert message in ended.stderr
    shell.ok("increment", "builds", "--at", "1970-01-01")


def test_a_count_that_a_wrong_clock_dated_has_a_row_of_its_own(shell: Shell, builds: Replica) -> None:
    shell.ok("increment", "builds", "2", "--at", "2199-12-31")
    rows = shell.ok("show", "builds", "--per", "month").splitlines()
    assert (rows[0], rows[-1]) == ("2026-03\t15", "in the future\t2")
    asked = ("show", "builds", "--per", "month", "--json")
    (counter,) = json.loads(shell.ok(*asked))["counters"]
    assert (counter["before_or_unknown"], counter["in_the_future"]) == (0, 2)
    assert "in the future" not in shell.ok("show", "builds", "--per", "month", *MARCH)
    shell.ok("show", "builds", "--per", "month", "--until", "2199-12-31")


def test_the_column_of_series_without_a_label_is_not_empty(shell: Shell, builds: Replica) -> None:
    shell.ok("create", 'builds{os="linux"}', "--type", "gcounter", "--every", "day")
    shell.ok("increment", 'builds{os="linux"}', "2", "--at", "2026-03-02", "--type", "gcounter")
    shown = shell.ok("show", "builds", "--per", "month", "--by", "os", *MARCH, "-f", "csv")
    assert shown.splitlines()[0] in ("period,os=,linux", "period,linux,os=")


@pytest.mark.parametrize(
    "when", ["2026-03-01", "2026-03-01T23:59:59.9Z", "2026-03-02T00:30+01:00", "1772323200", "2026-03-01 12:00"]
)
def test_times_are_dates_moments_and_seconds(shell: Shell, builds: Replica, when: str) -> None:
    shell.ok("increment", "builds", "--at", when)
    assert shell.ok("show", "builds", "--since", "2026-03-01", "--until", "2026-03-01") == "8\n"


def test_lines_of_a_batch_have_times(shell: Shell, builds: Replica) -> None:
    lines = [
        {"name": "builds", "at": "2026-03-01"},
        {"name": "builds", "at": 1772323200, "amount": 2},
        {"name": "builds", "amount": 4},
    ]
    text = "".join(json.dumps(line) + "\n" for line in [*lines, lines[0]])
    shell.ok("increment", "--batch", "-", "--at", "2026-03-02", stdin=text)
    assert shell.ok("show", "builds", "--per", "day", "--since", "2026-03-01", "--until", "2026-03-02") == (
        "2026-03-01\t11\n2026-03-02\t7\n"
    )
    for at in ("true", "[]", '"soon"', "-1"):
        ended = shell("increment", "--batch", "-", stdin=f'{{"name":"builds","at":{at}}}\n')
        assert (ended.status, ended.stdout) == (2, "")


def test_a_large_batch_for_counters_without_periods_is_refused_if_it_has_times(shell: Shell, replica: Replica) -> None:
    names = [f"builds-{number}" for number in range(40)]
    shell.ok("increment", *(f"{name}=1" for name in names))
    text = "".join(json.dumps({"name": name, "at": "2026-03-01"}) + "\n" for name in names)
    ended = shell("increment", "--batch", "-", stdin=text)
    assert (ended.status, ended.stdout) == (4, "")
    assert shell.ok("show", names[0]) == "1\n"


def test_a_large_batch_counts_with_periods_that_another_replica_asked_for(shell: Shell, builds: Replica) -> None:
    names = [f"builds-{number}" for number in range(40)]
    shell.ok("--replica", "hub", "init", "--name", "hub")
    shell.ok("--replica", "hub", "increment", *(f"{name}=1" for name in names))
    for name in names[:2]:
        shell.ok("create", name, "--type", "pncounter", "--every", "day")
    shell.ok("export", "-o", "builds.json")
    shell.ok("--replica", "hub", "merge", "builds.json")
    shell.ok("--replica", "hub", "increment", "--batch", "-", stdin="".join(f"{name} 2\n" for name in names))
    assert shell.ok("--replica", "hub", "show", names[0], names[1], "--last", "1d").split("\t")[-1] == "2\n"
    assert shell.ok("--replica", "hub", "show", names[39]) == "3\n"


def test_a_time_and_an_idempotency_key_are_refused_together(shell: Shell, builds: Replica) -> None:
    ended = shell("increment", "builds", "--at", "2026-03-01", "--once", "job")
    assert (ended.status, ended.stdout) == (2, "")
    line = '{"name":"builds","at":"2026-03-01","once":"job"}\n'
    assert shell("increment", "--batch", "-", stdin=line).status == 2
    assert shell("increment", "--stream", "--at", "2026-03-01").status == 2
    assert shell.ok("show", "builds") == "15\n"


def test_new_counters_keep_the_periods_of_the_settings(shell: Shell, replica: Replica) -> None:
    Path(replica.path, "config.toml").write_text('every = "hour"\nkeep = "14d"\n')
    shell.ok("increment", "builds", "3")
    assert shell.ok("show", "builds", "--per", "day").endswith("\t3\n")
    shell.ok("create", "stock", "--type", "pncounter")
    shell.ok("decrement", "stock", "2")
    assert shell.ok("show", "stock", "--last", "1h") == "-2\n"
    shell.ok("add", "visitors", "ada")
    shell.ok("create", "seats", "--type", "bcounter", "--initial", "9")
    shell.ok("decrement", "seats", "2")
    assert shell.ok("show", "seats", "--last", "1h") == "-2\n"


def test_new_sketches_and_distributions_keep_no_periods_of_the_settings(shell: Shell, replica: Replica) -> None:
    Path(replica.path, "config.toml").write_text('every = "hour"\n')
    shell.ok("add", "guests", "ada", "--type", "hll")
    shell.ok("add", "latency", "0.35", "--type", "hist")
    for name in ("guests", "latency"):
        assert_refused(shell("show", name, "--per", "day"), 4)
    shell.ok("create", "guests", "--every", "day")
    shell.ok("add", "guests", "bob")
    assert shell.ok("show", "guests", "--last", "1h") == "1\n"


@pytest.mark.parametrize(
    "text",
    [
        'every = "week"',
        'keep = "14d"',
        'every = "day"\nkeep = "soon"',
        'every = "day"\nkeep = 5',
        "every = 1",
        'every = "day"\nkeep = "9999999999999d"',
    ],
)
def test_wrong_settings_of_new_counters_are_refused(shell: Shell, replica: Replica, text: str) -> None:
    Path(replica.path, "config.toml").write_text(f"{text}\n")
    assert shell("increment", "builds").status == 78
    Path(replica.path, "config.toml").unlink()


def test_another_replica_counts_with_periods_once_it_has_heard_of_them(shell: Shell, builds: Replica) -> None:
    shell.ok("--replica", "hub", "init", "--name", "hub")
    shell.ok("--replica", "hub", "increment", "builds", "2", "--type", "gcounter")
    shell.ok("--replica", "hub", "increment", "other")
    shell.ok("export", "-o", "builds.json")
    shell.ok("--replica", "hub", "merge", "builds.json")
    shell.ok("--replica", "hub", "increment", "builds", "4")  # a plain line, which the fast path could do
    assert shell.ok("--replica", "hub", "show", "builds", "--last", "1h") == "4\n"
    assert shell.ok("--replica", "hub", "show", "builds") == "21\n"
    shell.ok("--replica", "relay", "init", "--name", "relay")
    shell.ok("--replica", "hub", "export", "-o", "hub.json")
    shell.ok("--replica", "relay", "merge", "hub.json")
    shell.ok("--replica", "third", "init", "--name", "third")
    shell.ok("--replica", "relay", "export", "-o", "relay.json")
    shell.ok("--replica", "third", "merge", "relay.json")
    shell.ok("--replica", "third", "increment", "builds", "8")
    assert shell.ok("--replica", "third", "show", "builds", "--last", "1h") == "12\n"


def test_groups_are_columns(shell: Shell, replica: Replica) -> None:
    for os, day, amount in (("linux", "2026-03-01", 2), ("mac", "2026-03-01", 3), ("linux", "2026-03-02", 5)):
        name = f'tests{{os="{os}",py="3.12"}}'
        shell.ok("create", name, "--type", "gcounter", "--every", "day")
        shell.ok("increment", name, str(amount), "--at", day)
    asked = ("--per", "day", "--since", "2026-03-01", "--until", "2026-03-02")
    assert shell.ok("show", "tests", *asked, "--by", "os", "-f", "csv") == (
        "period,linux,mac\n2026-03-01,2,3\n2026-03-02,5,0\n"
    )
    assert shell.ok("show", "tests", *asked, "--by", "os,py", "-f", "csv").startswith("period,linux 3.12,mac 3.12\n")
    assert shell.ok("show", "tests", *asked) == "2026-03-01\t5\n2026-03-02\t5\n"
    assert shell.ok("show", 'tests{os="mac"}', *asked) == "2026-03-01\t3\n2026-03-02\t0\n"
    tree = json.loads(shell.ok("show", "tests", *asked, "--by", "os", "-f", "json"))
    assert [(one["labels"], one["periods"][1]["value"]) for one in tree["counters"]] == [
        ({"os": "linux"}, 5),
        ({"os": "mac"}, 0),
    ]
    shell.ok("increment", 'tests{os="bsd"}', "7", "--once", "job-1")  # so it has no period
    assert shell.ok("show", "tests", "--per", "month", "--until", "2026-03-02").startswith("before or unknown\t7\n")


def test_a_terminal_shows_bars(shell: Shell, builds: Replica) -> None:
    seen = on_terminal(shell, "show", "builds", "--per", "day", *MARCH).stdout
    bars = {line.split()[0]: line.count("█") for line in seen.splitlines() if line.startswith(" 2026")}
    assert bars == {"2026-03-01": 40, "2026-03-02": 17, "2026-03-03": 0, "2026-03-04": 28, "2026-03-05": 0}


def test_a_copied_replica_goes_on_with_periods(shell: Shell, builds: Replica) -> None:
    shutil.copytree(builds.path, shell.directory / "copy")
    Replica(shell.directory / "copy").increment("builds", 2)
    copy = Replica(shell.directory / "copy")
    assert copy.id != builds.id
    assert copy.reading("builds").timeline.unknown == 0
    assert copy.value("builds") == 17


def dated(replica: Replica, name: str) -> int:
    """Return the amount that has a period of a counter."""
    return sum(replica.reading(name).timeline.periods.values())


@pytest.mark.parametrize("learned", [False, True])
@pytest.mark.parametrize("labels", [[], ["-l", "os=bsd"]], ids=str)
def test_a_new_series_keeps_the_periods_of_its_name(
    shell: Shell, replica: Replica, tmp_path: Path, learned: bool, labels: list[str]
) -> None:
    shell.ok("create", "builds", *labels, "--every", "hour", "--keep", "30d")
    if learned:
        other = Replica.init(tmp_path / "other", name="other")
        other.merge_bytes(replica.export_bytes())
        shell, replica = Shell(shell.directory, {**shell.environment, "CRDTCTL_REPLICA": str(other.path)}), other
    shell.ok("increment", "builds", "4", "-l", "os=mac", "--at", "2026-03-03")
    shell.ok("increment", "builds", "2", "-l", "os=win")
    shell.ok("increment", "--batch", "-", stdin='builds{os="sun"} 3\nbuilds{os="irix"}\n')
    assert [dated(replica, f'builds{{os="{os}"}}') for os in ("mac", "win", "sun", "irix")] == [4, 2, 3, 1]
    row = next(iter(replica.reading('builds{os="win"}').state.values()))
    assert row[-3:-1] == (2, 30 * 96)


@pytest.mark.parametrize("learned", [False, True])
@pytest.mark.parametrize("many", [False, True])
def test_a_series_follows_the_periods_that_its_name_gets_later(
    shell: Shell, replica: Replica, tmp_path: Path, learned: bool, many: bool
) -> None:
    shell.ok("increment", "builds", "-l", "os=mac")
    other = Replica.init(tmp_path / "other", name="other")
    (other if learned else replica).create("builds", "pncounter", every="day")
    replica.merge_bytes(other.export_bytes())
    if many:
        lines = "".join(f"n{number}\n" for number in range(300))
        shell.ok("increment", "--batch", "-", stdin=f'builds{{os="mac"}}\n{lines}')
    else:
        shell.ok("increment", "builds", "-l", "os=mac")
    assert dated(replica, 'builds{os="mac"}') == 1
    shell.ok("increment", "builds", "5", "-l", "os=mac", "--at", "2026-03-03")
    assert shell.ok("show", "builds") == "7\n"
    assert dated(replica, 'builds{os="mac"}') == 6


def test_the_visitors_of_a_week_are_counted_once(shell: Shell, replica: Replica) -> None:
    shell.ok("create", "visitors", "--type", "hll", "--every", "day")
    shell.ok("add", "visitors", "ada", "bob", "--at", "2026-03-03")
    shell.ok("add", "visitors", "--batch", "-", "--at", "2026-03-04", stdin="ada\neve\n")
    shell.ok("add", "visitors", "ada", "zoe", "--at", "2026-03-10")
    words = ["--since", "2026-03-03", "--until", "2026-03-10"]
    assert shell.ok("show", "visitors", "--per", "week", *words) == "2026-W10\t3\n2026-W11\t2\n"
    assert shell.ok("show", "visitors", *words) == "4\n"
    assert shell.ok("show", "visitors") == "4\n"


def test_the_visitors_of_all_series_and_of_no_period(shell: Shell, replica: Replica) -> None:
    shell.ok("add", 'visitors{site="a"}', "ada", "old", "--type", "hll")
    shell.ok("create", "visitors", "--type", "hll", "--every", "day")
    for site, who in (("a", "ada"), ("b", "ada"), ("b", "bob")):
        shell.ok("add", f'visitors{{site="{site}"}}', who, "--at", "2026-03-03")
    words = ["--per", "day", "--until", "2026-03-03"]
    assert shell.ok("show", "visitors", *words) == "before or unknown\t1\n2026-03-03\t2\n"
    by_site = shell.ok("show", "visitors", "--by", "site", *words, "--format", "tsv")
    assert by_site.splitlines()[-1] == "2026-03-03\t0\t1\t2"


def test_a_bcounter_has_what_was_created_and_used_in_each_period(shell: Shell, replica: Replica) -> None:
    shell.ok("create", "seats", "--type", "bcounter", "--initial", "10", "--every", "day")
    shell.ok("decrement", "seats", "3", "--at", "2026-03-01")
    shell.ok("increment", "seats", "1", "--at", "2026-03-01")
    shell.ok("create", "seats", "--type", "bcounter", "--every", "hour")
    words = ["--per", "day", "--until", "2026-03-01"]
    assert shell.ok("show", "seats", *words) == "before or unknown\t10\n2026-03-01\t-2\n"
    tree = json.loads(shell.ok("show", "seats", *words, "--format", "json"))
    row = tree["counters"][0]["periods"][0]
    assert (row["value"], row["created"], row["used"]) == (-2, 1, 3)


def test_the_numbers_of_a_hist_have_times(shell: Shell, replica: Replica) -> None:
    shell.ok("create", "latency", "--type", "hist", "--every", "day")
    shell.ok("add", "latency", "0.2", "0.4", "--at", "2026-03-01")
    shell.ok("add", "latency", "--batch", "-", "--at", "2026-03-02", stdin="1\n")
    assert shell.ok("show", "latency", "--per", "day", "--until", "2026-03-02") == "2026-03-01\t2\n2026-03-02\t1\n"
    assert "cannot be combined" in shell("add", "latency", "1", "--once", "k", "--at", "2026-03-02").stderr


def test_elements_in_a_stream_have_no_time(shell: Shell, replica: Replica) -> None:
    ended = shell("add", "visitors", "--stream", "--at", "2026-03-01", stdin="")
    assert (ended.status, "add a batch for each time" in ended.stderr) == (2, True)


def test_python_adds_at_a_time(replica: Replica) -> None:
    replica.create("visitors", "hll", every="day")
    replica.create("latency", "hist", every="day")
    replica.add("visitors", "ada", "bob", at=86_400)
    replica.add_numbers("latency", 1, 2, at=86_400)
    for name in ("visitors", "latency"):
        assert replica.reading(name).values_by_period == {(96, 192): 2}


@pytest.fixture
def latency(shell: Shell, replica: Replica) -> Replica:
    """Return a replica with numbers of two hosts, on some days of March, and of no day."""
    shell.ok("add", "latency", "1000", "--type", "hist")
    shell.ok("create", "latency", "--every", "day")
    shell.ok("add", "latency", "3", "1", "2", "-l", "host=a", "--at", "2026-03-01")
    shell.ok("add", "latency", "9", "-l", "host=b", "--at", "2026-03-01")
    shell.ok("add", "latency", "--type", "hist", "--at", "2026-03-03", "-l", "host=b", "--", "-4", "0.5")
    return replica


DAYS = ("--per", "day", "--since", "2026-03-01", "--until", "2026-03-03")


def test_quantiles_of_each_period_are_columns(shell: Shell, latency: Replica) -> None:
    assert shell.ok("show", "latency", *DAYS, "--quantile", "0,1") == (
        "2026-03-01\t1\t9\n2026-03-02\t\t\n2026-03-03\t-4\t0.5\n"
    )
    assert shell.ok("show", "latency", *DAYS, "--quantile", "p100,1", "-f", "csv") == (
        "period,1\n2026-03-01,9\n2026-03-02,\n2026-03-03,0.5\n"
    )
    assert shell.ok("show", "latency", *DAYS, "--quantile", "0,1", "-f", "table").split() == (
        ["period", "0", "1", "─" * 19, *["2026-03-01", "1", "9", "2026-03-02", "2026-03-03", "-4", "0.5"]]
    )
    seen = on_terminal(shell, "show", "latency", *DAYS, "--quantile", "1").stdout
    assert "█" not in seen


def test_all_figures_of_each_period_are_columns(shell: Shell, latency: Replica) -> None:
    words = ["show", "latency", *DAYS, "--distribution"]
    header, *rows = shell.ok(*words, "--format", "csv").splitlines()
    assert header == "period,count,sum,mean,min,0.5,0.9,0.95,0.99,max"
    days = {row.split(",")[0]: row.split(",")[1:] for row in rows}
    assert days["2026-03-02"] == ["0", "0", *[""] * 7]
    found = json.loads(shell.ok(*words, "--quantile", "0,1", "--format", "json"))["counters"][0]["periods"]
    for period in found:
        figures = days[period["period"]]
        assert [str(period[name]) for name in ("count", "sum")] == figures[:2]
        assert period["relative_error"] == (0.01 if period["count"] else None)
        assert period["quantiles"] == {"0": period["min"], "1": period["max"]}
        assert [one["cumulative"] for one in period["buckets"]][-1:] == [period["count"]][: len(period["buckets"])]
    one = shell.ok("show", "latency", "--since", "2026-03-01", "--until", "2026-03-03", "--distribution").split("\t")
    assert int(one[1]) == sum(int(row[0]) for row in days.values())


def test_quantiles_of_the_groups_of_each_period_are_columns(shell: Shell, latency: Replica) -> None:
    words = ("show", "latency", *DAYS, "--by", "host", "--where", "host=?", "-f", "csv")
    assert shell.ok(*words, "--quantile", "1") == "period,a,b\n2026-03-01,3,9\n2026-03-02,,\n2026-03-03,,0.5\n"
    assert shell.ok(*words, "--quantile", "0,1").splitlines()[:2] == ["period,a 0,a 1,b 0,b 1", "2026-03-01,1,3,9,9"]
    series = shell.ok("show", "latency", *DAYS, "--series", "--where", "host=a", "--quantile", "0,1", "-f", "csv")
    assert series.splitlines()[:2] == ["name,type,period,0,1", '"latency{host=""a""}",hist,2026-03-01,1,3']


def test_data_formats_have_the_quantiles_of_each_period(shell: Shell, latency: Replica) -> None:
    (counter,) = json.loads(shell.ok("show", "latency", *DAYS, "--quantile", "0,1", "-f", "json"))["counters"]
    assert [(row["value"], row["quantiles"]) for row in counter["periods"]] == [
        (4, {"0": 1, "1": 9}),
        (0, {"0": None, "1": None}),
        (2, {"0": -4, "1": 0.5}),
    ]
    until = ("--per", "day", "--until", "2026-03-01", "--quantile", "1")
    (counter,) = json.loads(shell.ok("show", "latency", *until, "-f", "json"))["counters"]
    assert (counter["before_or_unknown"], len(counter["periods"])) == (1, 1)
    assert shell.ok("show", "latency", *until) == "2026-03-01\t9\n"
    assert shell.ok("show", "latency", "--series", *until, "--where", "host=") == "latency\thist\t2026-03-01\t\n"


def test_a_quantile_of_a_span_is_one_number_that_can_be_bounded(shell: Shell, latency: Replica) -> None:
    words = ("show", "latency", "--since", "2026-03-01", "--until", "2026-03-03", "--quantile")
    assert shell.ok(*words, "1", "--max", "9", "--min", "9") == "9\n"
    assert shell.ok(*words, "0,1") == "2026-03-01T00:00Z\t-4\t9\n"
    for bound in (("--max", "8.9"), ("--min", "9.1")):
        ended = shell(*words, "1", *bound)
        assert (ended.status, ended.stdout) == (1, "9\n")
        assert "the quantile 1 of 'latency' from 2026-03-01T00:00Z to 2026-03-04T00:00Z is 9, " in ended.stderr
    for options in ("", "--max 8"):
        ended = shell("show", "latency", "--last", "1d", "--quantile", "1", *options.split())
        assert (ended.status, ended.stdout) == (1, "")
        assert "'latency' has no numbers from " in ended.stderr


def test_a_bound_of_a_quantile_is_not_known_if_longer_periods_are_cut(shell: Shell, replica: Replica) -> None:
    shell.ok("create", "latency", "--type", "hist", "--every", "hour", "--keep", "1h")
    for hour in (1, 2):
        shell.ok("add", "latency", "5", "--at", f"2026-03-01T{hour:02}:00Z")
    shell.ok("add", "latency", "7", "--at", "2026-03-02T01:00Z")
    words = ("show", "latency", "--since", "2026-03-01T02:00Z", "--until", "2026-03-02T02:00Z", "--quantile", "1")
    assert "2 of 'latency' were counted in longer periods" in shell(*words).stderr
    ended = shell(*words, "--max", "100")
    assert (ended.status, ended.stdout) == (4, "7\n")
    assert "is not known: 2 numbers are in longer periods" in ended.stderr


def test_only_a_hist_has_quantiles_of_periods(shell: Shell, latency: Replica) -> None:
    shell.ok("create", "builds", "--every", "day")
    said = assert_refused(shell("show", "builds", *DAYS, "--quantile", "1"), 4)
    assert "'builds' is a pncounter, and has no quantiles; a hist has them" in said
    rows = shell.ok("show", *DAYS, "--quantile", "1").splitlines()
    assert len(rows) == 9
    assert rows[3] == 'latency{host="a"}\thist\t2026-03-01\t3'
