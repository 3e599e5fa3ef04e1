"""``crdtctl status`` and ``crdtctl clock``: who am I, and whom have I heard of, up to where."""

import json
import re
import shutil

from crdtctl import Replica
from tests.conftest import Shell
from tests.support.expect import contents
from tests.support.handwritten import counted, document


def test_status_shows_this_replica_first_and_then_whom_it_heard_of(shell: Shell, replica: Replica) -> None:
    replica.increment("builds")
    replica.increment("builds")
    for author in ("zoe", "ann"):
        replica.merge_bytes(document(author, 3, counted("builds", author, 3, 1)))
    rows = [line.split("\t") for line in shell.ok("status").splitlines()]
    assert [row[:2] for row in rows] == [[replica.id, "2"], ["ann", "3"], ["zoe", "3"]]
    assert rows[0][2] == "this replica"
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", row[2]) for row in rows[1:])


def test_status_as_json_names_the_directory(shell: Shell, replica: Replica) -> None:
    found = json.loads(shell.ok("status", "--format", "json"))
    assert (found["schema"], found["replica"], found["directory"]) == (1, replica.id, replica.path)


def test_the_clock_counts_the_commits_of_each_replica(shell: Shell, replica: Replica) -> None:
    assert shell.ok("clock") == "{}\n"
    replica.merge_bytes(document("other", 3, counted("builds", "other", 3, 1)))
    shell.ok("increment", "a=1", "b=2")
    shell.ok("increment", "a")
    assert json.loads(shell.ok("clock")) == {"other": 3, replica.id: 2}
    assert shell.ok("clock", "--format", "tsv") == "".join(sorted([f"{replica.id}\t2\n", "other\t3\n"]))


def test_what_changes_nothing_is_no_commit(shell: Shell, replica: Replica) -> None:
    shell.ok("add", "visitors", "ada")
    clock = shell.ok("clock")
    shell.ok("add", "visitors", "ada")
    shell("increment", "visitors")
    shell.ok("merge", "-", stdin=replica.export_bytes())
    assert shell.ok("clock") == clock


def test_reading_changes_no_file(shell: Shell, replica: Replica) -> None:
    replica.increment("builds")
    shell.ok("export")  # notes once that this has left
    before = contents(replica.path)
    for words in (["status"], ["log"], ["clock"], ["show"], ["show", "builds"], ["export"], ["check"], ["schema"]):
        shell.ok(*words)
    assert contents(replica.path) == before


def test_a_replica_that_is_kept_in_a_cache_is_told_of_another_way(shell: Shell) -> None:
    shell.ok("--replica", "cache", "init", "--name", "job")
    for run in range(1, 5):
        shutil.copytree(shell.directory / "cache", shell.directory / "job")
        ended = shell("--replica", "job", "increment", "tests")
        shutil.rmtree(shell.directory / "cache")
        shutil.copytree(shell.directory / "job", shell.directory / "cache")
        shutil.rmtree(shell.directory / "job")
        assert ("run --seal-to" in ended.stderr) == (run == 4)
    assert shell.ok("--replica", "cache", "show", "tests") == "4\n"
    for words in (["status", "-f", "table"], ["check"]):
        assert "it got a new id 4 times" in " ".join(shell.ok("--replica", "cache", *words).split())
