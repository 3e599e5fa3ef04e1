"""``crdtctl observe`` records what meters read: a total that counts once, whoever reads it and however often."""

import json
from pathlib import Path

import pytest

from crdtctl import Replica
from tests.conftest import Shell
from tests.support.expect import assert_refused, contents


@pytest.fixture
def other(shell: Shell) -> Replica:
    return Replica.init(shell.directory / "other", name="other")


def write(shell: Shell, *lines: str) -> str:
    """Write the lines of a batch, and return the name of the file."""
    Path(shell.directory, "lines").write_text("".join(f"{line}\n" for line in lines))
    return "lines"


class TestOneReading:
    def test_a_total_counts_once_and_success_is_silent(self, shell: Shell, replica: Replica) -> None:
        assert shell.ok("observe", "bytes", "1000", "--source", "eth0") == ""
        assert shell.ok("observe", "bytes", "1750", "--source", "eth0") == ""
        shell.ok("observe", "bytes", "600", "--source", "wlan0")
        assert shell.ok("show") == "bytes\tpncounter\t2350\n"

    def test_an_equal_reading_writes_nothing(self, shell: Shell, replica: Replica) -> None:
        shell.ok("observe", "bytes", "1000", "--source", "eth0")
        before = contents(replica.path)
        shell.ok("observe", "bytes", "1000", "--source", "eth0")
        assert contents(replica.path) == before

    def test_what_another_replica_read_already_writes_nothing(
        self, shell: Shell, replica: Replica, other: Replica
    ) -> None:
        other.observe("bytes", 1000, source="eth0")
        replica.merge_bytes(other.export_bytes())
        before = contents(replica.path)
        shell.ok("observe", "bytes", "1000", "--source", "eth0")
        assert contents(replica.path) == before
        assert replica.value("bytes") == 1000

    def test_several_counters_are_one_commit(self, shell: Shell, replica: Replica) -> None:
        shell.ok("observe", "rx=4096", "tx=512", 'kinds{of="a=b"}=7', "--source", "router")
        assert shell.ok("show") == 'kinds{of="a=b"}\tpncounter\t7\nrx\tpncounter\t4096\ntx\tpncounter\t512\n'
        assert replica.clock() == {replica.id: 1}

    def test_labels_of_the_line_and_of_the_job_apply(self, shell: Shell, replica: Replica) -> None:
        words = ("observe", "bytes", "7", "--source", "eth0", "--label", "net=a")
        assert shell(*words, environment={"CRDTCTL_LABELS": "os=linux"}).status == 0
        assert shell.ok("show") == 'bytes{net="a",os="linux"}\tpncounter\t7\n'

    def test_a_counter_that_does_not_exist_gets_the_type_that_is_named(self, shell: Shell, replica: Replica) -> None:
        shell.ok("observe", "bytes", "7", "--source", "eth0", "--type", "gcounter")
        assert shell.ok("show") == "bytes\tgcounter\t7\n"
        assert_refused(shell("observe", "none", "7", "--source", "eth0", "--existing"), 66)

    def test_counts_and_readings_add_up(self, shell: Shell, replica: Replica) -> None:
        shell.ok("increment", "bytes", "5")
        shell.ok("observe", "bytes", "7", "--source", "eth0")
        shell.ok("increment", "bytes", "5")
        assert shell.ok("show", "bytes") == "17\n"

    @pytest.mark.parametrize("tag", ["gset", "hll", "handoff", "bcounter"])
    def test_other_types_are_refused(self, shell: Shell, replica: Replica, tag: str) -> None:
        shell.ok("create", "x", "--type", tag)
        assert "a gcounter or a pncounter" in assert_refused(shell("observe", "x", "7", "--source", "eth0"), 4)


class TestMistakes:
    @pytest.mark.parametrize(
        ("words", "hint"),
        [
            ((), "the name of a counter is missing"),
            (("bytes",), "the reading is missing"),
            (("bytes", "7"), '--source "$(hostname)"'),
            (("bytes", "7", "--source", ""), "a source cannot be empty"),
            (("bytes", "7", "--source", " eth0"), "white space"),
            (("bytes", "7", "--source", " d1 eth0"), "white space"),
            (("bytes", "7", "--source", "eth0", "--at", "soon"), "'soon' is not a time for --at"),
            (("--stream", "--at", "2026-03-01"), "put 'at' into each line"),
            (("bytes", "-7", "--source", "eth0"), "-7"),
            (("bytes", "7kB", "--source", "eth0"), "without a unit"),
            (("bytes", "7", "8", "--source", "eth0"), "NAME=TOTAL"),
            (("bytes", "7", "--source", "eth0", "--on-drop", "reset"), "refuse, restart or ignore"),
            (("bytes", "7", "--source", "eth0", "--lines", "json"), "--batch"),
            (("bytes", "7", "--source", "eth0", "--bad", "skip"), "--batch"),
            (("bytes", "7", "--batch", "lines"), "leave out 'bytes'"),
            (("--batch", "lines", "--lines", "uniq"), "auto, tsv, json"),
        ],
    )
    def test_mistake_is_refused_with_advice(
        self, shell: Shell, replica: Replica, words: tuple[str, ...], hint: str
    ) -> None:
        write(shell, "bytes 7 eth0")
        before = contents(replica.path)
        assert hint in assert_refused(shell("observe", *words), 2)
        assert contents(replica.path) == before


class TestFallingReading:
    def test_it_is_refused_with_both_numbers_and_nothing_is_written(self, shell: Shell, replica: Replica) -> None:
        shell.ok("observe", "bytes", "1750", "--source", "eth0")
        before = contents(replica.path)
        said = assert_refused(shell("observe", "bytes", "40", "--source", "eth0"), 4)
        assert "'eth0' reads 40, below the 1750" in said
        assert "--on-drop restart" in said
        assert contents(replica.path) == before

    def test_one_below_what_another_replica_read_is_refused_as_well(
        self, shell: Shell, replica: Replica, other: Replica
    ) -> None:
        other.observe("bytes", 1750, source="eth0")
        replica.merge_bytes(other.export_bytes())
        assert "below the 1750" in assert_refused(shell("observe", "bytes", "40", "--source", "eth0"), 4)

    def test_a_restart_counts_beside_the_past(self, shell: Shell, replica: Replica) -> None:
        shell.ok("observe", "bytes", "1750", "--source", "eth0")
        shell.ok("observe", "bytes", "40", "--source", "eth0", "--on-drop", "restart")
        shell.ok("observe", "bytes", "60", "--source", "eth0", "--on-drop", "restart")
        assert shell.ok("show", "bytes") == "1810\n"

    def test_it_can_be_ignored(self, shell: Shell, replica: Replica) -> None:
        shell.ok("observe", "bytes", "1750", "--source", "eth0")
        before = contents(replica.path)
        shell.ok("observe", "bytes", "40", "--source", "eth0", "--on-drop", "ignore")
        assert contents(replica.path) == before

    def test_two_replicas_that_see_one_restart_agree(self, shell: Shell, replica: Replica, other: Replica) -> None:
        for each in (replica, other):
            each.observe("bytes", 1750, source="eth0")
        replica.observe("bytes", 20, source="eth0", on_drop="restart")
        other.observe("bytes", 35, source="eth0", on_drop="restart")
        other.merge_bytes(replica.export_bytes())
        assert other.value("bytes") == 1785
        other.observe("bytes", 50, source="eth0", on_drop="restart")
        replica.merge_bytes(other.export_bytes())
        replica.observe("bytes", 45, source="eth0", on_drop="restart")  # late
        assert replica.value("bytes") == 1800


class TestPastTime:
    def test_each_day_has_its_own_reading_and_is_shown(self, shell: Shell, replica: Replica, other: Replica) -> None:
        for day, total in (("2026-03-01", "7"), ("2026-03-02", "9"), ("2026-03-01T23:59Z", "8")):
            shell.ok("observe", "tokens", total, "--source", "log", "--at", day)
        other.observe("tokens", 5, source="log", at=1772323200)
        replica.merge_bytes(other.export_bytes())
        assert shell.ok("show", "tokens") == "17\n"
        rows = shell.ok("show", "tokens", "--per", "day", "--since", "2026-03-01", "--until", "2026-03-02")
        assert [line.split("\t")[-1] for line in rows.splitlines()] == ["8", "9"]
        said = assert_refused(shell("observe", "tokens", "6", "--source", "log", "--at", "2026-03-01"), 4)
        assert "'log' of 2026-03-01 reads 6, below the 8" in said

    def test_lines_of_json_have_a_time(self, shell: Shell, replica: Replica) -> None:
        lines = [
            {"name": "tokens", "total": 7, "source": "log", "at": "2026-03-01"},
            {"name": "tokens", "total": 9, "source": "log", "at": 1772409600},
            {"name": "tokens", "total": 8, "source": "log", "at": "2026-03-01T10:00:00Z"},
        ]
        shell.ok("observe", "--batch", write(shell, *map(json.dumps, lines)))
        assert shell.ok("show", "tokens") == "17\n"
        assert replica.clock() == {replica.id: 1}

    def test_a_time_of_the_line_wins_over_the_one_of_the_batch(self, shell: Shell, replica: Replica) -> None:
        own = json.dumps({"name": "tokens", "total": 9, "source": "log", "at": "2026-03-02"})
        shell.ok("observe", "--batch", write(shell, "tokens 7 log", own), "--at", "2026-03-01")
        rows = shell.ok("show", "tokens", "--per", "day", "--since", "2026-03-01", "--until", "2026-03-02")
        assert [line.split("\t")[-1] for line in rows.splitlines()] == ["7", "9"]


class TestBatch:
    def test_each_line_has_a_name_a_total_and_perhaps_a_source(self, shell: Shell, replica: Replica) -> None:
        lines = write(
            shell,
            "rx 7",
            "",
            "rx 5 eth1",
            'rx{net="a b"} 3 my router',
            "a name\t4\ta source",
            "tab\t6",
            json.dumps({"name": "json", "total": 8, "source": "s", "labels": {"k": "v"}, "type": "gcounter"}),
            json.dumps({"name": "json2", "total": "+9"}),
        )
        shell.ok("observe", "--batch", lines, "--source", "eth0")
        assert shell.ok("show") == (
            'a name\tpncounter\t4\njson2\tpncounter\t9\njson{k="v"}\tgcounter\t8\n'
            'rx\tpncounter\t12\nrx{net="a b"}\tpncounter\t3\ntab\tpncounter\t6\n'
        )
        assert replica.clock() == {replica.id: 1}

    def test_the_same_batch_again_writes_nothing(self, shell: Shell, replica: Replica) -> None:
        lines = write(shell, *(f"c{number % 7} {number} s{number}" for number in range(1, 200)))
        shell.ok("observe", "--batch", lines)
        before = contents(replica.path)
        shell.ok("observe", "--batch", lines)
        assert contents(replica.path) == before

    def test_lines_are_taken_in_order_also_equal_ones(self, shell: Shell, replica: Replica) -> None:
        lines = write(shell, "rx 5", "rx 9", "rx 5", "rx 9", "rx 5")
        shell.ok("observe", "--batch", lines, "--source", "eth0", "--on-drop", "restart")
        assert shell.ok("show", "rx") == "23\n"
        said = assert_refused(shell("observe", "--batch", write(shell, "n 5 s", "n 9 s", "n 5 s")), 4)
        assert "'s' reads 5, below the 9" in said

    @pytest.mark.parametrize(
        ("line", "why"),
        [
            ("rx", "the reading is missing"),
            ("rx 7", "needs a source"),
            ("rx seven eth0", "not an amount"),
            ("my name 7 eth0", "not an amount"),
            ("rx\t7\teth0\tmore", "not NAME, a tab and TOTAL"),
            ('{"name": "rx", "source": "eth0"}', "the field 'total' is missing"),
            ('{"total": 7, "source": "eth0"}', "the field 'name' is missing"),
            ('{"name": "rx", "total": 7, "source": 8}', "'source' must be a string"),
            ('{"name": "rx", "total": 7.5, "source": "eth0"}', "a whole number"),
            ('{"name": "rx", "total": true, "source": "eth0"}', "a whole number"),
            ('{"name": "rx", "amount": 7, "source": "eth0"}', "unknown field 'amount'"),
        ],
    )
    def test_a_wrong_line_stops_the_batch_and_is_named(
        self, shell: Shell, replica: Replica, line: str, why: str
    ) -> None:
        before = contents(replica.path)
        said = assert_refused(shell("observe", "--batch", write(shell, "ok 1 s", line)), 2)
        assert "line 2 of lines" in said
        assert why in said
        assert contents(replica.path) == before

    def test_wrong_lines_and_falling_readings_can_be_skipped(self, shell: Shell, replica: Replica) -> None:
        lines = write(shell, "rx 7 a", "rx", "rx 9 b", "rx 3 b", "tx 4 c", "rx 2 a", "rx 8 a")
        done = shell("observe", "--batch", lines, "--bad", "skip")
        assert done.status == 3
        assert "3 of 7 lines were left out" in done.stderr
        assert shell.ok("show") == "rx\tpncounter\t17\ntx\tpncounter\t4\n"

    def test_no_batch_of_one_counter_is_slow(self, shell: Shell, replica: Replica) -> None:
        """If each of 30,000 readings copied those before it, this would take long."""
        lines = write(shell, *(f"rx {number} s{number}" for number in range(1, 30_001)))
        shell.ok("observe", "--batch", lines)
        assert replica.value("rx") == 30_000 * 30_001 // 2


class TestStream:
    def test_lines_are_counted_in_order_whatever_group_they_are_in(self, shell: Shell, replica: Replica) -> None:
        for group, name in (("1", "one"), ("3", "three"), ("100", "all")):
            lines = "".join(f"{name} {total}\n" for total in (5, 9, 5, 9, 9, 2))
            done = shell("observe", "--stream", "--source", "s", "--on-drop", "restart", "--group", group, stdin=lines)
            assert (done.status, done.stdout.splitlines()[-1]) == (0, "OK 6")
            assert replica.value(name) == 9 + 9 + 2

    def test_a_falling_reading_ends_the_stream_behind_those_before_it(self, shell: Shell, replica: Replica) -> None:
        lines = "a 5 s\nb 7 s\na 6 s\nb 3 s\na 1 s\nc 9 s\n"
        done = shell("observe", "--stream", stdin=lines)
        assert done.status == 4
        assert "'s' reads 3, below the 7" in done.stderr
        assert shell.ok("show") == "a\tpncounter\t6\nb\tpncounter\t7\n"

    def test_falling_readings_can_be_skipped(self, shell: Shell, replica: Replica) -> None:
        done = shell("observe", "--stream", "--bad", "skip", stdin="a 5 s\na 2 s\na 7 s\n")
        assert done.status == 3
        assert replica.value("a") == 7

    def test_followed_lines_are_observed(self, shell: Shell, replica: Replica) -> None:
        lines = write(shell, "a 5 s", "a 9 s")
        shell.ok("observe", "--follow", lines, "--until-end")
        assert replica.value("a") == 9


class TestCreate:
    def test_an_old_total_that_two_machines_take_over_counts_once(
        self, shell: Shell, replica: Replica, other: Replica
    ) -> None:
        other.create("sold", "gcounter", initial=52340, source="old shop")
        shell.ok("create", "sold", "--type", "gcounter", "--initial", "52340", "--source", "old shop")
        replica.merge_bytes(other.export_bytes())
        assert shell.ok("show", "sold") == "52340\n"
        shell.ok("observe", "sold", "52400", "--source", "old shop")
        assert shell.ok("show", "sold") == "52400\n"

    def test_a_source_needs_its_reading(self, shell: Shell, replica: Replica) -> None:
        said = assert_refused(shell("create", "sold", "--type", "gcounter", "--source", "old shop"), 2)
        assert "add --initial TOTAL" in said

    @pytest.mark.parametrize("tag", ["bcounter", "handoff", "gset", "hll"])
    def test_other_types_are_refused(self, shell: Shell, replica: Replica, tag: str) -> None:
        words = ("create", "x", "--type", tag, "--initial", "7", "--source", "s")
        assert "only a gcounter or a pncounter" in assert_refused(shell(*words), 2)


class TestShownReadings:
    def test_each_generation_of_each_source_has_a_row(self, shell: Shell, replica: Replica, other: Replica) -> None:
        other.observe("rx", 9, source="s")
        replica.merge_bytes(other.export_bytes())
        shell.ok("observe", "rx", "2", "--source", "s", "--on-drop", "restart")
        shell.ok("observe", "rx", "7", "--source", "log", "--at", "2026-03-01")
        shell.ok("observe", "rx", "6", "--source", "log", "--at", "2026-02-28")
        assert shell.ok("show", "rx", "--readings") == (
            "rx\tpncounter\tlog\t2026-02-28\t0\t6\t6\n"
            "rx\tpncounter\tlog\t2026-03-01\t0\t7\t7\n"
            "rx\tpncounter\ts\t\t0\t9\t9\n"
            "rx\tpncounter\ts\t\t1\t2\t2\n"
        )

    def test_what_a_reset_cancelled_does_not_count(self, shell: Shell, replica: Replica) -> None:
        replica.observe("rx", 9, source="s", labels={"k": "v"})
        replica.increment("other")
        replica.reset('rx{k="v"}')
        replica.observe("rx", 11, source="s", labels={"k": "v"})
        shown = json.loads(shell.ok("show", "--readings", "--format", "json"))["counters"]
        reading = {"source": "s", "generation": 0, "reading": 11, "value": 2}
        assert shown == [{"name": "rx", "labels": {"k": "v"}, "type": "pncounter", "readings": [reading]}]

    @pytest.mark.parametrize("option", ["--members", "--state", "--by-replica", "--by=os", "--top=3"])
    def test_it_is_another_question_than_others(self, shell: Shell, replica: Replica, option: str) -> None:
        replica.observe("rx", 9, source="s")
        assert_refused(shell("show", "rx", "--readings", option), 2)
