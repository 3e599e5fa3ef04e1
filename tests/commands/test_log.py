"""``crdtctl log``: what happened here, for people; nothing depends on it."""

import json
from pathlib import Path

import pytest

from crdtctl import Replica
from crdtctl.store import journal
from tests.conftest import Shell
from tests.support.clones import clone


@pytest.fixture
def log(replica: Replica) -> Path:
    return Path(replica.path, "log.jsonl")


def test_a_merge_is_noted_with_whom_it_heard_of_and_how_much_changed(shell: Shell, replica: Replica) -> None:
    other = Replica.init(shell.directory / "other", name="other")
    other.increment("builds", 2)
    other.increment("tests", 2)
    other.export_to(shell.directory / "other.json")
    shell.ok("merge", "other.json")
    [event] = [json.loads(line) for line in shell.ok("log", "--format", "ndjson").splitlines()]
    assert event.pop("at")[:2] == "20"
    assert event == {
        "did": "merged",
        "files": ["other.json"],
        "replicas": [other.id],
        "counters": 2,
        "news": [other.id],
    }
    assert "merged\tfiles other.json; " in shell.ok("log")


def test_what_changes_nothing_and_what_only_counts_is_not_noted(shell: Shell, replica: Replica) -> None:
    shell.ok("increment", "builds")
    shell.ok("export", "-o", "own.json")
    shell.ok("merge", "own.json")
    assert shell.ok("log") == ""


def test_a_new_id_is_noted_with_the_old_one_and_the_reason(shell: Shell, replica: Replica) -> None:
    replica.increment("builds")
    shell.directory.joinpath(".crdtctl").rename(shell.directory / "moved")
    clone(shell.directory / "moved", shell.directory / ".crdtctl")
    own = shell.directory / ".crdtctl" / "own.json"
    own.write_bytes((shell.directory / "moved" / "own.json").read_bytes())
    assert shell("increment", "builds").status == 0
    [event] = [json.loads(line) for line in shell.ok("log", "--format", "ndjson").splitlines()]
    assert (event["did"], event["before"], event["commits"]) == ("renamed", Replica(shell.directory / "moved").id, 1)
    assert event["after"] == replica.id
    assert "copied" in event["why"]


def test_what_was_forgotten_renamed_and_retired_is_noted(shell: Shell, replica: Replica) -> None:
    other = Replica.init(shell.directory / "other", name="other")
    other.increment("tmp")
    other.add("visitors", ["ada"])
    replica.merge_bytes(other.export_bytes())
    shell.ok("rename", "tmp", "old")
    shell.ok("forget", "old", "visitors")
    shell.ok("retire", other.id, "--yes")
    events = [json.loads(line) for line in shell.ok("log", "-n3", "--format", "ndjson").splitlines()]
    assert [{key: value for key, value in event.items() if key != "at"} for event in events] == [
        {"did": "renamed counter", "commit": 1, "old": "tmp", "new": "old"},
        {"did": "forgot", "commit": 2, "count": 2, "counters": ["pncounter tmp", "gset visitors"]},
        {"did": "retired", "replica": other.id, "commits": 2},
    ]
    shell.ok("rename", "tmp", "old")
    assert len(shell.ok("log").splitlines()) == 4


def test_events_are_shown_in_a_range_of_times(shell: Shell, replica: Replica, log: Path) -> None:
    lines = ['{"at":"2026-03-01T23:59:59Z","did":"a"}', '{"at":"2026-03-02T00:00:00Z","did":"b"}']
    log.write_text("".join(f"{line}\n" for line in lines))
    assert [line.split("\t")[1] for line in shell.ok("log", "--since", "2026-03-02").splitlines()] == ["b"]
    assert [line.split("\t")[1] for line in shell.ok("log", "--until", "2026-03-01").splitlines()] == ["a"]


def test_the_last_events_can_be_asked_for(shell: Shell, replica: Replica) -> None:
    other = Replica.init(shell.directory / "other", name="other")
    for _ in range(3):
        other.increment("builds")
        replica.merge_bytes(other.export_bytes())
    assert len(shell.ok("log").splitlines()) == 3
    assert shell.ok("log", "-n", "2").splitlines() == shell.ok("log").splitlines()[1:]


@pytest.mark.parametrize("harm", ["a link", "a directory", "nonsense", "another's words"])
def test_a_log_that_cannot_be_used_hinders_nothing(shell: Shell, replica: Replica, log: Path, harm: str) -> None:
    target = shell.directory / "precious"
    target.write_text("precious\n")
    match harm:
        case "a link":
            log.symlink_to(target)
        case "a directory":
            log.mkdir()
        case "nonsense":
            log.write_bytes(b"\xff\x00nonsense\n[1]\n" + b"[" * 100_000 + b"\n")
        case _:
            log.write_text('{"at":"now","did":"\\u001b[31m::error::","x":{"\\u202e":["\\n"]}}\n')
    other = Replica.init(shell.directory / "other", name="other")
    other.increment("builds", 2)
    other.export_to(shell.directory / "other.json")
    shell.ok("merge", "other.json")
    assert replica.value("builds") == 2
    assert target.read_text() == "precious\n"
    for form in ("json", "ndjson", "table", "tsv", "csv", "toml", "value"):
        said = shell.ok("log", "--format", form)
        assert "\x1b" not in said
        assert "\u202e" not in said


def test_the_log_is_bounded(shell: Shell, replica: Replica, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(journal.MAX_BYTES, journal.EVENTS, 2000)
    other = Replica.init(shell.directory / "other", name="other")
    for _ in range(40):
        other.increment("builds")
        replica.merge_bytes(other.export_bytes())
    sizes = [path.stat().st_size for path in (log, log.with_name("log.old.jsonl"))]
    assert all(0 < size <= 2000 for size in sizes)
    assert 5 < len(replica.log()) < 30
