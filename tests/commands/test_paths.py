"""Paths as no shell wrote them: ``~`` after an option's ``=`` or in a variable, empty words, URLs, compressed files."""

import os
from pathlib import Path

import pytest

from crdtctl import Replica
from tests.conftest import Shell
from tests.support.expect import assert_refused


def home_of(shell: Shell) -> Path:
    return Path(shell.environment["HOME"])


@pytest.mark.parametrize("first", ["~", "$HOME", "${HOME}"])
def test_a_sealed_state_and_an_exported_one_go_to_the_home_directory(
    shell: Shell, replica: Replica, first: str
) -> None:
    shell.ok("run", "--seal-to", f"{first}/results/job.json", "--", "true")
    shell.ok("export", f"--output={first}/state.json")
    assert shell("run", "--", "true", environment={"CRDTCTL_RUN_SEAL_TO": f"{first}/other.json"}).status == 0
    home = home_of(shell)
    assert all((home / name).is_file() for name in ("results/job.json", "state.json", "other.json"))
    assert not os.path.lexists(shell.directory / first)


def test_what_is_read_may_be_in_the_home_directory(shell: Shell, replica: Replica) -> None:
    home = home_of(shell)
    (home / "lines").write_text("builds 3\n")
    shell.ok("increment", "--batch=~/lines")
    shell.ok("export", "-o", "~/state.json")
    (home / "list").write_text("~/state.json\n")
    shell.ok("merge", "--files-from=~/list", "~/state.json")
    assert shell.ok("show", "builds", "--require=~/state.json") == "3\n"
    assert shell.ok("compare", "~/state.json") == "equal\n"


@pytest.mark.parametrize(
    "words",
    [
        ["export", "-o", ""],
        ["run", "--seal-to", "", "--", "true"],
        ["increment", "--batch", ""],
        ["add", "visitors", "--batch", ""],
        ["merge", ""],
        ["absorb", ""],
        ["merge", "--files-from", ""],
        ["compare", ""],
        ["check", ""],
    ],
)
def test_an_empty_name_of_a_file_is_taken_for_a_variable_that_is_not_set(
    shell: Shell, replica: Replica, words: list[str]
) -> None:
    assert "the name of a file is empty; is a variable unset" in assert_refused(shell(*words), 2)


@pytest.mark.parametrize("end", [".gz", ".xz", ".zst", ".bz2", ".zip"])
def test_no_state_is_written_under_the_name_of_a_compressed_file(shell: Shell, replica: Replica, end: str) -> None:
    for words in (["export", "-o", f"state.json{end}"], ["run", "--seal-to", f"state.json{end}", "--", "touch", "ran"]):
        assert "write to state.json, then compress it" in assert_refused(shell(*words), 2)
    assert os.listdir(shell.directory) == [".crdtctl"]


@pytest.mark.parametrize("url", ["file:///srv/counts", "ssh://hub.example.org/srv/counts", "file://here"])
def test_a_url_is_no_replica(shell: Shell, replica: Replica, url: str) -> None:
    for words in (["--replica", url, "init"], ["init", url], ["--replica", url, "show"], ["exchange", url]):
        assert "a replica is a directory of this machine" in assert_refused(shell(*words), 2)
    for verb in (["init"], ["increment", "builds"], ["show"]):
        assert "CRDTCTL_REPLICA is" in assert_refused(shell(*verb, environment={"CRDTCTL_REPLICA": url}), 78)
    assert os.listdir(shell.directory) == [".crdtctl"]
