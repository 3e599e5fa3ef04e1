"""``crdtctl undo`` takes the last commit back, or one in the journal of counts; ``log --counts`` shows the journal."""

import json
import shutil
from contextlib import closing
from pathlib import Path

import pytest

from crdtctl import Replica
from crdtctl.codec.plain import MOST_EFFECTS
from crdtctl.errors import BusyError, RefusedError
from crdtctl.store import last
from crdtctl.store.files import Directory
from crdtctl.store.undo import Undone
from tests.conftest import Shell
from tests.support.clones import bind
from tests.support.expect import assert_refused, contents
from tests.support.strace import after_changes, at, missing, points, run, was_killed, without_caches


@pytest.fixture
def journal(replica: Replica) -> Path:
    """Turn the journal of counts on, and return its path."""
    settings = Path(replica.path, "config.toml")
    settings.write_text(settings.read_text().replace("# journal", "journal"))
    return Path(replica.path, "counts.jsonl")


@pytest.mark.parametrize(
    "words",
    [
        "increment builds 5",
        "decrement builds 5",
        "increment builds=5 failures=2 fresh=1",
        'increment builds{os="linux"} 3',
        "increment builds 5 --type pncounter",
        "increment new 7",
    ],
)
def test_undo_takes_back_the_amounts_of_the_last_commit(shell: Shell, replica: Replica, words: str) -> None:
    replica.increment("builds", 10)
    replica.increment("failures", 1)
    before = {one.name: one.value for one in replica.counters()}
    shell.ok(*words.split())
    assert shell.ok("undo") == ""
    after = {one.name: one.value for one in replica.counters()}
    assert {name: value for name, value in after.items() if value or name in before} == before


def test_undo_works_after_an_export_and_reaches_others(shell: Shell, replica: Replica) -> None:
    other = Replica.init(shell.directory / "other", name="other")
    replica.increment("builds", 10)
    replica.increment("builds", 400)
    other.merge_bytes(replica.export_bytes())
    shell.ok("undo")
    assert other.value("builds") == 410
    other.merge_bytes(replica.export_bytes())
    assert (replica.value("builds"), other.value("builds")) == (10, 10)


def test_undo_counts_in_the_period_of_the_commit(shell: Shell, replica: Replica) -> None:
    replica.create("builds", "pncounter", every="day")
    shell.ok("increment", "builds", "3", "--at", "2026-03-01")
    shell.ok("increment", "builds", "4", "--at", "2026-03-02")
    shell.ok("undo")
    rows = shell.ok("show", "builds", "--per", "day", "--since", "2026-03-01", "--until", "2026-03-02")
    assert rows == "2026-03-01\t3\n2026-03-02\t0\n"


def test_undo_of_now_counts_in_the_period_of_now(shell: Shell, replica: Replica) -> None:
    replica.create("builds", "pncounter", every="hour")
    shell.ok("increment", "builds", "3")
    shell.ok("increment", "builds", "4")
    shell.ok("undo")
    assert shell.ok("show", "builds", "--last", "24h") == "3\n"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("increment builds 5 --once job-1", "counted under an idempotency key"),
        ("increment grow 5", "'grow' is a gcounter, which only grows"),
        ("add visitors eve", "had elements or numbers added"),
        ("add sizes 0.5 --type hist", "had elements or numbers added"),
        ("observe bytes 7 --source eth0", "took the reading of a meter"),
        ("create fresh --type hll", "was created"),
        ("reset builds", "was reset"),
        ("increment builds=1 grow=1", "'grow' is a gcounter"),
        ("undo", "took an earlier one back"),
        ("seal {id}", "is not recorded as counts"),
    ],
)
def test_what_cannot_be_taken_back_is_refused_with_the_reason(
    shell: Shell, replica: Replica, words: str, reason: str
) -> None:
    replica.create("grow", "gcounter")
    replica.add("visitors", "ada")
    replica.increment("builds", 3)
    shell.ok(*words.replace("{id}", replica.id).split())
    before = contents(shell.directory)
    assert reason in assert_refused(shell("undo"), 4)
    assert contents(shell.directory) == before


def test_undo_without_a_commit_is_refused(shell: Shell, replica: Replica) -> None:
    assert "has made no commit" in assert_refused(shell("undo"), 4)
    assert list(replica.counters()) == []


def test_commit_of_many_counters_is_not_taken_back(shell: Shell, replica: Replica) -> None:
    Path(shell.directory, "batch.txt").write_text("\n".join(f"name-{number}" for number in range(MOST_EFFECTS + 1)))
    shell.ok("increment", "--batch", "batch.txt")
    assert "is not recorded as counts" in assert_refused(shell("undo"), 4)
    assert replica.value("name-1") == 1


def test_merge_between_leaves_the_last_commit_as_it_was(shell: Shell, replica: Replica) -> None:
    other = Replica.init(shell.directory / "other", name="other")
    other.increment("builds", 2)
    replica.increment("builds", 40)
    replica.merge_bytes(other.export_bytes())
    shell.ok("undo")
    assert replica.value("builds") == 2


def test_dry_run_shows_what_would_be_counted(shell: Shell, replica: Replica) -> None:
    replica.increment("builds", 5)
    before = contents(shell.directory)
    assert shell.ok("undo", "--dry-run") == "builds\t-5\n"
    assert json.loads(shell.ok("undo", "--dry-run", "--format", "json"))["counts"] == [{"name": "builds", "amount": -5}]
    assert contents(shell.directory) == before


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("undo x", "'x' is not the number of a commit"),
        ("undo 0", "'0' is not the number of a commit"),
        ("undo --list 3", "--list cannot be combined"),
        ("undo --format tsv", "--format works only with"),
        ("log builds", "belong to no counter"),
        ("increment builds --note", "--note"),
    ],
)
def test_wrong_words_are_refused(shell: Shell, replica: Replica, words: str, reason: str) -> None:
    replica.increment("builds")
    assert reason in assert_refused(shell(*words.split()), 2)
    assert replica.value("builds") == 1


def test_journal_has_each_commit_with_its_note_and_keys(shell: Shell, replica: Replica, journal: Path) -> None:
    shell.ok("increment", "builds=2", "failures=1", "--note", "night run")
    shell.ok("increment", "builds", "4", "--once", "job-1")
    shell.ok("add", "visitors", "ada", "--note", "first")
    shell.ok("show", "builds")
    rows = [line.split("\t") for line in shell.ok("log", "--counts").splitlines()]
    assert [[row[0], *row[2:6]] for row in rows] == [
        ["1", "builds", "+2", "", "night run"],
        ["1", "failures", "+1", "", "night run"],
        ["2", "builds", "once", "job-1", ""],
        ["3", "visitors", "add", "", "first"],
    ]
    assert [entry.note for entry in replica.journal()] == ["night run", "", "first"]
    assert len(journal.read_text().splitlines()) == 3
    assert [line.split("\t")[0] for line in shell.ok("log", "--counts", "builds", "-n", "1").splitlines()] == ["2"]


def test_journal_is_shown_in_a_range_of_times(shell: Shell, replica: Replica, journal: Path) -> None:
    for _ in range(3):
        shell.ok("increment", "builds")
    shell.ok("undo", "1")
    days = ["2026-03-01T23:59:59Z", "2026-03-02T00:00:00Z", "2026-03-02T23:59:59Z", "2026-03-03T00:00:00Z"]
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    journal.write_text("".join(json.dumps({**line, "at": day}) + "\n" for line, day in zip(lines, days, strict=True)))

    def commits(*words: str) -> list[str]:
        return [line.split("\t")[0] for line in shell.ok("log", "--counts", *words).splitlines()]

    assert commits("--since", "2026-03-02") == ["2", "3", "4"]
    assert commits("--until", "2026-03-01") == ["1"]
    assert commits("--since", "2026-03-02", "--until", "2026-03-02", "-n1") == ["3"]
    assert commits("--since", "2026-03-02T00:00:00+01:00", "--until", "2026-03-02T00:00:01Z") == ["1", "2"]
    assert commits("--since", "1h") == []
    assert shell.ok("log", "--counts", "--until", "2026-03-01").split("\t")[-1].strip() == "4"
    assert "'yesterday' is not a time for --since" in assert_refused(shell("log", "--since", "yesterday"), 2)
    refused = shell("log", "--since", "2026-03-02", "--until", "2026-03-01")
    assert "ends before it begins" in assert_refused(refused, 2)


def test_earlier_commit_is_taken_back_once(shell: Shell, replica: Replica, journal: Path) -> None:
    for amount in ("1", "20", "300"):
        shell.ok("increment", "builds", amount)
    shell.ok("undo", "2")
    assert replica.value("builds") == 301
    assert "was taken back by commit 4" in assert_refused(shell("undo", "2"), 4)
    assert "took an earlier one back" in assert_refused(shell("undo", "4"), 4)
    assert "is not in the journal" in assert_refused(shell("undo", "9"), 66)
    assert replica.value("builds") == 301
    assert [line.split("\t")[-1] for line in shell.ok("undo", "--list").splitlines()] == ["", "4", "", ""]
    assert journal.exists()


@pytest.mark.parametrize("others", [0, 1])
def test_commit_is_taken_back_once_although_the_undo_was_killed_at_any_call(
    shell: Shell, replica: Replica, journal: Path, others: int
) -> None:
    if reason := missing():
        pytest.skip(reason)
    for amount in ("1", "20", "300"):
        shell.ok("increment", "builds", amount)
    pristine = shell.directory / "pristine"
    shutil.copytree(replica.path, pristine)
    environment = without_caches({**shell.environment, "CRDTCTL_REPLICA": replica.path})
    words = ["undo", "2"]
    shell.ok("undo", "--dry-run", "2")  # Python has compiled all that it loads
    found = points(words, environment, shell.directory / "log")
    assert replica.value("builds") == 301
    for point in after_changes(found):
        shutil.rmtree(replica.path)
        shutil.copytree(pristine, replica.path)
        bind(Path(replica.path), f"{shell.directory}/witness")
        assert was_killed(run(words, environment, **at(point, "signal=SIGKILL")))
        for _ in range(others):
            shell.ok("increment", "builds", "1000")
        shell("undo", "2")
        assert replica.value("builds") == 301 + others * 1000
    assert journal.exists()


def test_undo_of_an_earlier_commit_needs_a_line_in_the_journal(shell: Shell, replica: Replica, journal: Path) -> None:
    for amount in ("1", "20", "300"):
        shell.ok("increment", "builds", amount)
    settings = Path(replica.path, "config.toml")
    settings.write_text(settings.read_text().replace("journal", "# journal"))
    shell.ok("undo", "2")
    shell.ok("increment", "builds", "1000")
    assert "was taken back by commit 4" in assert_refused(shell("undo", "2"), 4)
    assert replica.value("builds") == 1301
    journal.unlink()
    journal.mkdir()
    Path(replica.path, "counts.old.jsonl").write_text(
        json.dumps({"at": "x", "replica": replica.id, "commit": 1, "requests": 1, "counts": ["+1 builds"]}) + "\n"
    )
    assert "cannot write" in assert_refused(shell("undo", "1"), 74)
    assert replica.value("builds") == 1301


def test_line_of_an_undo_that_was_never_made_means_nothing(shell: Shell, replica: Replica, journal: Path) -> None:
    for amount in ("1", "20", "300"):
        shell.ok("increment", "builds", amount)
    with journal.open("a") as file:
        file.write(json.dumps({"at": "x", "replica": replica.id, "commit": 4, "requests": 1, "undoes": 2}) + "\n")
    assert [entry.commit for entry in replica.journal()] == [1, 2, 3]
    shell.ok("increment", "builds", "4000")
    assert [(entry.commit, entry.undoes) for entry in replica.journal()] == [(1, 0), (2, 0), (3, 0), (4, 0)]
    shell.ok("undo", "2")
    assert replica.value("builds") == 4301


def test_step_in_a_followed_file_that_counts_nothing_has_no_line(shell: Shell, replica: Replica, journal: Path) -> None:
    Path(shell.directory, "names.txt").write_text("ada\n")
    shell.ok("add", "visitors", "ada")
    shell.ok("add", "visitors", "--follow", "names.txt", "--until-end", "--quiet")
    assert len(journal.read_text().splitlines()) == 1


def test_note_without_a_journal_is_refused_and_counts_nothing(shell: Shell, replica: Replica) -> None:
    replica.increment("builds")
    assert "a note needs a journal" in assert_refused(shell("increment", "builds", "--note", "x"), 4)
    assert replica.value("builds") == 1
    assert not Path(replica.path, "counts.jsonl").exists()
    shown = shell("log", "--counts")
    assert (shown.status, shown.stdout) == (0, "")
    assert "no counts are recorded" in shown.stderr


@pytest.mark.parametrize(
    "damage", [b"", b"\xff\xfe", b"{}\n", b'{"at":1}\n', b"[" * 5000, b'{"at":"x","commit":"y"}\n']
)
def test_damaged_journal_stops_nothing(shell: Shell, replica: Replica, journal: Path, damage: bytes) -> None:
    shell.ok("increment", "builds", "5")
    journal.write_bytes(damage + b"\n" + journal.read_bytes())
    shell.ok("increment", "builds", "6")
    assert len(shell.ok("log", "--counts").splitlines()) == 2
    shell.ok("undo", "1")
    assert replica.value("builds") == 6


@pytest.mark.parametrize("name", ["counts.jsonl", "counts.old.jsonl", "log.jsonl"])
@pytest.mark.parametrize(("harm", "fault"), [(b"{\n[]\n", "2 lines are damaged"), (None, "it cannot be read")])
def test_check_names_the_damage_of_a_journal(
    shell: Shell, replica: Replica, journal: Path, name: str, harm: bytes | None, fault: str
) -> None:
    shell.ok("increment", "builds", "5")
    assert "jsonl" not in shell.ok("check")
    damaged = journal.with_name(name)
    if harm is None:
        damaged.unlink(missing_ok=True)
        damaged.mkdir()
    else:
        damaged.write_bytes(harm)
    files = json.loads(shell.ok("check", "--format", "json"))["files"]
    [found] = [one for one in files if "jsonl" in one["file"]]
    assert found["file"] == str(damaged)
    assert fault in found["found"]
    assert "may be deleted" in found["found"]


def test_journal_that_cannot_be_written_stops_no_count(shell: Shell, replica: Replica, journal: Path) -> None:
    journal.mkdir()
    shell.ok("increment", "builds", "5")
    shell.ok("undo")
    assert replica.value("builds") == 0


def test_journal_is_bounded(shell: Shell, replica: Replica, journal: Path) -> None:
    shell.ok("increment", "builds", "5")
    line = journal.read_bytes()
    journal.write_bytes(line * (2**20 // len(line)))
    shell.ok("increment", "builds", "6")
    assert journal.stat().st_size < 1000
    assert Path(replica.path, "counts.old.jsonl").stat().st_size <= 2**20
    assert replica.journal()[-1].commit == 2


def test_commits_of_the_original_are_not_those_of_a_copy(shell: Shell, replica: Replica, journal: Path) -> None:
    shell.ok("increment", "builds", "5")
    shutil.copytree(replica.path, shell.directory / "copy")
    copy = Replica(shell.directory / "copy")
    copy.increment("builds", 1)
    assert [entry.effects[0].amount for entry in copy.journal()] == [1]
    assert journal.exists()


def test_wrong_setting_of_the_journal_is_reported(shell: Shell, replica: Replica) -> None:
    settings = Path(replica.path, "config.toml")
    settings.write_text('journal = "all"\n')
    assert 'journal can only be "counts"' in assert_refused(shell("increment", "builds"), 78)
    settings.unlink()
    assert list(replica.counters()) == []


def test_undo_of_an_earlier_commit_takes_back_its_own_amount(replica: Replica, journal: Path) -> None:
    replica.increment("builds", 5)
    replica.increment("builds", 6)
    assert json.loads(journal.read_text().splitlines()[0])["commit"] == 1
    done, _ = replica.undo(1)
    assert [one.amount for one in done] == [5]
    assert replica.value("builds") == 6


def test_undo_is_refused_if_another_process_was_faster(replica: Replica, journal: Path) -> None:
    replica.increment("builds", 5)
    replica.increment("builds", 6)
    with closing(Directory(replica.path)) as directory:
        Undone(commit=2, is_last=True, is_recorded=True).check(directory, replica.id, 2)
        Undone(commit=1, is_last=False, is_recorded=True).check(directory, replica.id, 2)
        with pytest.raises(BusyError, match="another process has counted since"):
            Undone(commit=1, is_last=True, is_recorded=True).check(directory, replica.id, 2)
    replica.undo(1)
    with (
        closing(Directory(replica.path)) as directory,
        pytest.raises(RefusedError, match="commit 1 was taken back by commit 3"),
    ):
        Undone(commit=1, is_last=False, is_recorded=True).check(directory, replica.id, 3)


@pytest.mark.parametrize(
    "text", ["", "+5", "x", "+ builds", "+5@ builds", "+5@x builds", "+²  builds", "5 builds", "é b"]
)
def test_text_that_this_program_did_not_write_means_nothing(text: str) -> None:
    found = last.parse(text)
    assert found is None or found.word


def test_line_that_a_batch_left_out_is_not_taken_back(shell: Shell, replica: Replica) -> None:
    replica.increment("builds", 2, once="job-1")
    Path(shell.directory, "batch.txt").write_text(
        '{"name":"builds","amount":7,"once":"job-1"}\n{"name":"builds","amount":5}\n'
    )
    ended = shell("increment", "--batch", "batch.txt", "--bad", "skip")
    assert (ended.status, replica.value("builds")) == (3, 7)
    shell.ok("undo")
    assert replica.value("builds") == 2


@pytest.mark.parametrize("verb", ["forget", "reset"])
def test_count_that_another_replica_cancelled_is_not_taken_back(shell: Shell, replica: Replica, verb: str) -> None:
    other = Replica.init(shell.directory / "other", name="other")
    replica.increment("builds", 5)
    other.merge_bytes(replica.export_bytes())
    shell.ok("--replica", "other", verb, "builds")
    replica.merge_bytes(other.export_bytes())
    assert "has cancelled what this commit counted" in assert_refused(shell("undo"), 4)
    replica.increment("builds", 3)
    shell.ok("undo")
    assert replica.value("builds", default=0) == 0


@pytest.mark.parametrize("verb", ["forget", "reset"])
def test_count_before_a_reset_or_a_forget_is_not_taken_back(
    shell: Shell, replica: Replica, journal: Path, verb: str
) -> None:
    for amount in (5, 2):
        replica.increment("builds", amount)
    shell.ok(verb, "builds")
    replica.increment("builds", 4)
    for commit in ("1", "2"):
        assert_refused(shell("undo", commit), 4)
    shell.ok("undo", "4")
    assert replica.value("builds") == 0


def test_count_of_a_forgotten_stock_is_not_taken_back(shell: Shell, replica: Replica, journal: Path) -> None:
    shell.ok("create", "seats", "--type", "bcounter", "--initial", "10")
    shell.ok("decrement", "seats", "4")
    shell.ok("forget", "seats")
    assert_refused(shell("undo", "2"), 4)
