"""``crdtctl remote``: names for places, in a file that people edit as well; and what can be found out about a place."""

import json
import os
from pathlib import Path

import pytest

from crdtctl import Replica
from tests.commands.meeting import neighbour
from tests.conftest import Shell
from tests.support.expect import assert_refused, contents
from tests.support.terminal import on_terminal


def settings(replica: Replica) -> Path:
    return Path(replica.path, "config.toml")


def test_what_is_added_is_listed_and_what_is_removed_is_not(shell: Shell, replica: Replica) -> None:
    assert shell.ok("remote", "list") == ""
    assert shell.ok("remote", "add", "hub", "ssh://hub.example.org/srv/counts") == ""
    shell.ok("remote", "add", "stick", "../stick")
    listed = f"hub\tssh://hub.example.org/srv/counts\nstick\t{shell.directory.parent}/stick\n"
    assert shell.ok("remote", "list") == listed
    tree = json.loads(shell.ok("remote", "list", "--format", "json"))
    assert tree["remotes"] == [
        {
            **dict(zip(("name", "url"), line.split("\t"), strict=True)),
            "only": None,
            "keep_old": False,
            "private": False,
        }
        for line in listed.split("\n")[:-1]
    ]
    assert "ssh://hub.example.org/srv/counts" in on_terminal(shell, "remote", "list").stdout
    assert shell.ok("remote", "remove", "hub") == ""
    assert shell.ok("remote", "list").startswith("stick\t")


def test_a_name_is_taken_once_and_removed_once(shell: Shell, replica: Replica) -> None:
    shell.ok("remote", "add", "hub", "/here")
    before = settings(replica).read_bytes()
    assert "'hub'" in assert_refused(shell("remote", "add", "hub", "/there"), 73)
    assert "'stick'" in assert_refused(shell("remote", "remove", "stick"), 66)
    assert settings(replica).read_bytes() == before


@pytest.mark.parametrize("name", ["", "a b", "a/b", "a.b", "a:b", "..", "x" * 41, "a\nb", "büro", "--", "a=b"])
def test_a_wrong_name_is_refused(shell: Shell, replica: Replica, name: str) -> None:
    before = contents(replica.path)
    assert_refused(shell("remote", "add", "--", name, "/here"), 2)
    assert {**contents(replica.path), **before} == contents(replica.path)


@pytest.mark.parametrize("url", ["/a b", '/a"b', "/a\\b", "/a'b", "/a#b", "/[a]", "/büro/東京", "/a=b", "-rf"])
def test_any_path_is_kept_as_it_is(shell: Shell, replica: Replica, url: str) -> None:
    shell.ok("remote", "add", "hub", "--", url)
    assert replica.remotes() == {"hub": os.path.join(shell.directory, url)}
    shell.ok("remote", "add", "other", "/other")
    shell.ok("remote", "remove", "hub")
    assert replica.remotes() == {"other": "/other"}


def test_what_people_wrote_beside_it_stays(shell: Shell, replica: Replica) -> None:
    settings(replica).write_text(
        '# mine\nlock_timeout = 3 # s\n\n[remotes] # where we meet\n"a" = "/a" # north\n\n# the end\n'
    )
    shell.ok("remote", "add", "b", "/b")
    text = settings(replica).read_text()
    for line in ("# mine\n", "lock_timeout = 3 # s\n", '"a" = "/a" # north\n', "# the end"):
        assert line in text
    assert replica.remotes() == {"a": "/a", "b": "/b"}
    shell.ok("remote", "remove", "a")
    shell.ok("remote", "remove", "b")
    assert replica.remotes() == {}
    assert settings(replica).read_text().startswith("# mine\nlock_timeout = 3 # s\n\n[remotes] # where we meet\n")


def test_what_cannot_be_edited_is_left_alone_and_said(shell: Shell, replica: Replica) -> None:
    text = 'remotes = { a = "/a" }\n'
    settings(replica).write_text(text)
    assert "by hand" in assert_refused(shell("remote", "add", "b", "/b"), 78)
    assert "by hand" in assert_refused(shell("remote", "remove", "a"), 78)
    assert settings(replica).read_text() == text
    assert shell.ok("remote", "list") == "a\t/a\n"


def test_remote_alone_lists_the_remotes(shell: Shell, replica: Replica) -> None:
    replica.add_remote("hub", "/srv/counts")
    assert shell.ok("remote") == shell.ok("remote", "list") == shell.ok("remote", "ls") == "hub\t/srv/counts\n"
    assert shell.ok("remote", "--json") == shell.ok("remote", "list", "--format", "json")
    shell.ok("remote", "rm", "hub")
    assert shell.ok("remote") == ""


def test_a_command_of_remote_that_there_is_not_is_refused(shell: Shell, replica: Replica) -> None:
    assert "crdtctl remote --help" in assert_refused(shell("remote", "bogus"), 2)
    assert "did you mean 'check'" in assert_refused(shell("remote", "chekc"), 2)
    assert_refused(shell("remote", "add", "hub"), 2)
    for verb in ("", "add", "list", "remove", "check"):
        assert "EXIT STATUS" in shell.ok("remote", *([verb] if verb else []), "--help")


def test_without_a_replica_a_remote_makes_one_and_the_rest_do_not(shell: Shell) -> None:
    for words in (["list"], ["remove", "hub"], ["check"]):
        assert_refused(shell("remote", *words), 66)
    assert contents(shell.environment["HOME"]) == {}
    assert "created replica" in shell("remote", "add", "hub", "./hub").stderr
    assert shell.ok("remote", "list") == f"hub\t{shell.directory}/hub\n"


def test_a_check_tries_each_and_leaves_nothing(shell: Shell, replica: Replica) -> None:
    hub = shell.directory / "hub"
    neighbour(shell.directory, "other", hub, builds=4)
    shell.ok("remote", "add", "hub", "./hub")
    before = contents(shell.directory)
    rows = [line.split("\t") for line in shell.ok("remote", "check").splitlines()]
    assert [row[1] for row in rows] == ["reachable", "writable", "readable", "clean", "atomic"]
    assert {(row[0], row[2]) for row in rows} == {("hub", "ok")}
    assert contents(shell.directory) == before
    tree = json.loads(shell.ok("remote", "check", "--format", "json", "hub", "./hub"))
    assert [one["ok"] for one in tree["probes"]] == [True] * 10


def test_a_check_says_what_does_not_work(shell: Shell, replica: Replica) -> None:
    shell.ok("remote", "add", "gone", "/nonexistent/stick/counts")
    shell.ok("remote", "add", "hub", "./hub")
    ended = shell("remote", "check")
    assert ended.status == 1
    assert "gone\treachable\tFAULT\tthe folder /nonexistent/stick/counts does not exist" in ended.stdout
    assert "hub\tclean\tok" in ended.stdout
    assert ended.stderr == "crdtctl: gone cannot be used; see the faults above\n"
    assert shell("remote", "check", "hub").status == 0
    for place in ("./.crdtctl", "/etc/passwd"):
        assert "FAULT" in shell("remote", "check", place).stdout
    assert_refused(shell("remote", "check", "bogus"), 2)


def test_a_command_in_settings_that_somebody_else_may_have_written_is_not_run(shell: Shell, replica: Replica) -> None:
    script = shell.directory / "program"
    script.write_text(f'#!/bin/sh\necho "$1" >> "{shell.directory}/ran"\nexit 0\n')
    script.chmod(0o755)
    shell.ok("remote", "add", "theirs", f"exec:{script}")
    settings(replica).chmod(0o646)
    for words in (["sync"], ["sync", "theirs"], ["remote", "check"]):
        assert "chmod o-w" in assert_refused(shell(*words), 78)
    assert not (shell.directory / "ran").exists()
    settings(replica).chmod(0o644)
    shell.ok("sync")
    assert (shell.directory / "ran").read_text() == "list\n"


def test_settings_of_another_user_are_shown_and_their_commands_not_run(shell: Shell, replica: Replica) -> None:
    if os.geteuid():
        pytest.skip("only root gives files away")
    shell.ok("remote", "add", "theirs", "exec:false")
    os.chown(settings(replica), 65534, 65534)
    assert shell.ok("remote", "list") == "theirs\texec:false\n"
    assert "another user" in assert_refused(shell("sync"), 78)
