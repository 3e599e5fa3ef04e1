"""Places that are typed wrongly: what is meant is named, and nothing is done."""

import os
from pathlib import Path

import pytest

from crdtctl import Replica
from tests.conftest import Shell
from tests.support.expect import assert_refused


def test_a_name_with_one_edit_is_suggested(shell: Shell, replica: Replica) -> None:
    replica.add_remote("hub", "/srv/counts")
    assert "did you mean 'hub'?" in assert_refused(shell("sync", "hubb"), 2)
    assert "did you mean" not in assert_refused(shell("sync", "office"), 2)


@pytest.mark.parametrize("words", [["sync"], ["remote", "add", "all"], ["remote", "check"]])
def test_the_root_and_the_home_directory_are_no_remotes(shell: Shell, replica: Replica, words: list[str]) -> None:
    home = shell.environment["HOME"]
    before = os.listdir(home)
    for place in ("/", "~", home, f"{home}/.", "file:///", f"file://{home}", f"file://{home.replace('h', '%68')}"):
        assert "name a folder for the counters" in assert_refused(shell(*words, place), 2)
    assert os.listdir(home) == before
    assert replica.remotes() == {}


def test_a_folder_in_the_home_directory_may_be_one(shell: Shell, replica: Replica) -> None:
    Path(shell.environment["HOME"], "counts").mkdir()
    assert shell("sync", "~/counts").status == 0


@pytest.mark.parametrize(
    ("place", "url"),
    [
        ("user@host:/srv/counts", "ssh://user@host/srv/counts"),
        ("user@host:counts", "ssh://user@host/~/counts"),
        ("user@host:~/counts", "ssh://user@host/~/counts"),
        ("host:/srv/counts", "ssh://host/srv/counts"),
    ],
)
def test_a_place_as_scp_spells_it_is_answered_with_its_url(
    shell: Shell, replica: Replica, place: str, url: str
) -> None:
    for words in (["sync"], ["remote", "add", "office"]):
        assert f"write {url}, or git+{url}" in assert_refused(shell(*words, place), 2)


def test_the_name_comes_before_the_url(shell: Shell, replica: Replica) -> None:
    said = assert_refused(shell("remote", "add", "./shared", "office"), 2)
    assert said == "crdtctl: NAME comes first; crdtctl remote add office ./shared\n"


def test_a_folder_that_is_made_is_named_once(shell: Shell, replica: Replica) -> None:
    replica.increment("builds")
    ended = shell("sync", "./typo")
    assert (ended.status, ended.stdout, ended.stderr) == (0, "", "crdtctl: created the folder ./typo\n")
    shell.ok("sync", "./typo")
