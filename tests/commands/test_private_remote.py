"""``crdtctl remote key``, ``remote rekey`` and syncs with private remotes."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from crdtctl import Replica
from crdtctl.sync.keys import Key
from tests.commands.meeting import objects
from tests.conftest import PROGRAM, Shell
from tests.support.expect import assert_refused
from tests.support.terminal import on_terminal

KEY, NEW = Key(bytes(range(32))), Key(bytes(range(1, 33)))


def key_file(shell: Shell, key: Key, name: str = "office.key") -> str:
    path = shell.directory / name
    path.write_text(f"# a comment\n{key.text()}\n")
    path.chmod(0o600)
    return name


def member(shell: Shell, name: str, amount: int = 0, key: Key | None = KEY) -> list[str]:
    """Make a replica with a remote in the folder ``shared``; return the words that select it."""
    words = ["--replica", name]
    (shell.directory / "shared").mkdir(exist_ok=True)
    shell.ok(*words, "init", "--name", name)
    shell.ok(*words, "remote", "add", "office", "./shared", *(["--key", key_file(shell, key)] if key else []))
    if amount:
        shell.ok(*words, "increment", "hits", str(amount))
    return words


def test_a_new_key_goes_to_a_file_that_only_its_owner_can_read(shell: Shell) -> None:
    with (shell.directory / "office.key").open("wb") as file:
        os.fchmod(file.fileno(), 0o644)
        subprocess.run(
            [*PROGRAM, "remote", "key", "new"], env=shell.environment, cwd=shell.directory, stdout=file, check=True
        )
    path = shell.directory / "office.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    shell.ok("init", "--name", "here")
    shell.ok("remote", "add", "office", "./shared", "--key", "office.key")
    assert shell.ok("remote", "key", "new") != path.read_text()


def test_a_new_key_is_not_shown_on_a_terminal(shell: Shell) -> None:
    shown = on_terminal(shell, "remote", "key", "new")
    assert shown.status == 2
    assert "crdtctl-key" not in shown.stdout


def test_an_unknown_action_is_refused(shell: Shell) -> None:
    assert "remote key new" in assert_refused(shell("remote", "key", "old"), 2)


def test_replicas_with_the_key_agree_and_the_remote_shows_nothing(shell: Shell) -> None:
    desk, van = member(shell, "desk", 40), member(shell, "van", 2)
    for words in (desk, van, desk):
        shell.ok(*words, "sync")
    assert [shell.ok(*words, "show", "hits") for words in (desk, van)] == ["42\n", "42\n"]
    names = objects(shell.directory / "shared")
    content = b"".join((shell.directory / "shared" / name).read_bytes() for name in names)
    assert len(names) == 2
    for word in ("desk", "van", "hits"):
        assert word not in "".join(names)
        assert word.encode() not in content
    assert not shell(*desk, "sync", "--exit-code").status


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602])
def test_a_key_file_that_others_can_use_is_refused(shell: Shell, mode: int) -> None:
    desk = member(shell, "desk", 1)
    (shell.directory / "office.key").chmod(mode)
    assert "chmod 600" in assert_refused(shell(*desk, "sync"), 78)
    assert objects(shell.directory / "shared") == []
    assert "chmod 600" in assert_refused(shell(*desk, "remote", "add", "other", "./o", "--key", "office.key"), 78)


@pytest.mark.parametrize("what", ["missing", "folder", "pipe", "text"])
def test_a_source_without_a_key_is_refused(shell: Shell, what: str) -> None:
    desk = member(shell, "desk", 1)
    path = shell.directory / "office.key"
    path.unlink()
    if what == "folder":
        path.mkdir(mode=0o700)
    elif what == "pipe":
        os.mkfifo(path, 0o600)
    elif what == "text":
        path.write_text("my-password\n")
        path.chmod(0o600)
    assert "my-password" not in assert_refused(shell(*desk, "sync"), 78)
    assert objects(shell.directory / "shared") == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_key_file_of_another_user_is_refused(shell: Shell) -> None:
    desk = member(shell, "desk", 1)
    os.chown(shell.directory / "office.key", 1234, -1)
    assert "another user" in assert_refused(shell(*desk, "sync"), 78)


def test_a_command_can_print_the_key(shell: Shell) -> None:
    desk = member(shell, "desk", 40)
    shell.ok(*desk, "sync")
    van = member(shell, "van", key=None)
    assert_refused(shell(*van, "sync"), 78)
    shell.ok(*van, "remote", "rekey", "office", "--key-command", f"cat {shell.directory}/office.key")
    shell.ok(*van, "sync")
    assert shell.ok(*van, "show", "hits") == "40\n"
    for command, word in (("false", "status 1"), ("echo my-password", "'echo'"), ("/missing/x", "cannot be run")):
        shell.ok(*van, "remote", "rekey", "office", "--key-command", command)
        message = assert_refused(shell(*van, "sync"), 78)
        assert word in message
        assert "my-password" not in message


def test_a_command_in_settings_of_another_user_is_not_run(shell: Shell) -> None:
    van = member(shell, "van", 1, key=None)
    shell.ok(*van, "remote", "rekey", "office", "--key-command", "touch ran")
    (shell.directory / "van/config.toml").chmod(0o666)
    assert "another user" in assert_refused(shell(*van, "sync"), 78)
    assert not (shell.directory / "ran").exists()


def test_a_credential_in_the_command_is_refused(shell: Shell) -> None:
    van = member(shell, "van", 1, key=None)
    refused = shell(*van, "remote", "rekey", "office", "--key-command", "vault --token=abc")
    assert "abc" not in assert_refused(refused, 2)
    assert "exclude" in assert_refused(shell(*van, "remote", "rekey", "office", "--key", "a", "--key-command", "b"), 2)


def test_the_key_may_be_in_the_environment_and_no_program_inherits_it(shell: Shell) -> None:
    shell = replace(shell, environment={**shell.environment, "CRDTCTL_REMOTE_KEY": KEY.text()})
    desk = member(shell, "desk", 40, key=None)
    shell.ok(*desk, "sync")
    assert "sealed" in objects(shell.directory / "shared")[0]
    program = shell.directory / "place.sh"
    program.write_text("#!/bin/sh\nenv > seen\nexit 66\n")
    program.chmod(0o700)
    shell(*desk, "sync", f"exec:{program}")
    assert "PATH=" in (shell.directory / "seen").read_text()
    assert KEY.secret.hex() not in (shell.directory / "seen").read_text()


@pytest.mark.parametrize("value", ["", "secret-word", KEY.text()[:-3]])
def test_an_environment_without_a_valid_key_makes_no_remote_plain(shell: Shell, value: str) -> None:
    shell = replace(shell, environment={**shell.environment, "CRDTCTL_REMOTE_KEY": value})
    desk = member(shell, "desk", 40, key=None)
    message = assert_refused(shell(*desk, "sync"), 78)
    assert "CRDTCTL_REMOTE_KEY" in message
    assert "secret-word" not in message
    assert objects(shell.directory / "shared") == []


def test_a_key_in_the_environment_does_not_seal_a_plain_remote_of_others(shell: Shell) -> None:
    desk, van = member(shell, "desk", 40, key=None), member(shell, "van", 2, key=None)
    shell.ok(*desk, "sync")
    shell = replace(shell, environment={**shell.environment, "CRDTCTL_REMOTE_KEY": KEY.text()})
    assert "CRDTCTL_REMOTE_KEY is set" in assert_refused(shell(*van, "sync"), 78)
    assert len(objects(shell.directory / "shared")) == 1


def test_the_key_is_in_no_file_of_the_replica_and_in_no_output(shell: Shell) -> None:
    desk = member(shell, "desk", 40)
    said = "".join(
        shell(*desk, *words).stdout
        for words in (
            ["sync", "--format", "json"],
            ["remote", "list", "--format", "json"],
            ["remote", "check"],
            ["status", "--format", "json"],
            ["doctor"],
            ["log"],
        )
    )
    files = b"".join(path.read_bytes() for path in (shell.directory / "desk").rglob("*") if path.is_file())
    digits = KEY.secret.hex()
    assert KEY.id in said
    assert digits[:32] not in said
    assert digits[:32].encode() not in files
    assert KEY.secret not in files


# The four mistakes -------------------------------------------------------------------------------------------


def test_a_replica_without_the_key_uploads_nothing(shell: Shell) -> None:
    desk, van = member(shell, "desk", 40), member(shell, "van", 2, key=None)
    shell.ok(*desk, "sync")
    before = objects(shell.directory / "shared")
    message = assert_refused(shell(*van, "sync"), 78)
    assert "no key is set here" in message
    assert "crdtctl remote rekey office --key FILE" in message
    assert "remote add NAME" in assert_refused(shell(*van, "sync", "./shared"), 78)
    assert objects(shell.directory / "shared") == before
    shell.ok(*van, "remote", "rekey", "office", "--key", "office.key")
    shell.ok(*van, "sync")
    assert shell.ok(*van, "show", "hits") == "42\n"


def test_a_replica_that_loses_its_key_does_not_become_plain(shell: Shell) -> None:
    desk = member(shell, "desk", 40)
    shell.ok(*desk, "sync")
    shutil.rmtree(shell.directory / "shared")
    (shell.directory / "shared").mkdir()
    settings = shell.directory / "desk/config.toml"
    settings.write_text(re.sub(", key = .* }", " }", settings.read_text()))
    assert "no key is set here" in assert_refused(shell(*desk, "sync"), 78)
    assert objects(shell.directory / "shared") == []


@pytest.mark.harms_replicas
def test_a_mistyped_key_in_the_settings_is_refused(shell: Shell) -> None:
    desk = member(shell, "desk", 40)
    settings = shell.directory / "desk/config.toml"
    settings.write_text(settings.read_text().replace(", key =", ", kye ="))
    assert "kye" in assert_refused(shell(*desk, "sync"), 78)


def test_a_replica_with_another_key_uploads_nothing(shell: Shell) -> None:
    desk, van = member(shell, "desk", 40), member(shell, "van", 2, key=None)
    shell.ok(*desk, "sync")
    before = objects(shell.directory / "shared")
    shell.ok(*van, "remote", "rekey", "office", "--key", key_file(shell, NEW, "wrong.key"))
    message = assert_refused(shell(*van, "sync"), 78)
    assert "this remote has another key" in message
    assert (KEY.id in message, NEW.id in message) == (True, True)
    assert objects(shell.directory / "shared") == before


def test_plain_objects_are_named_and_not_read_until_their_replicas_have_the_key(shell: Shell) -> None:
    desk, van = member(shell, "desk", 40, key=None), member(shell, "van", 2, key=None)
    for words in (desk, van):
        shell.ok(*words, "sync")
    shell.ok(*desk, "increment", "hits", "100")
    shell.ok(*desk, "sync")
    shell.ok(*van, "remote", "rekey", "office", "--key", key_file(shell, KEY))
    message = assert_refused(shell(*van, "sync"), 3)
    assert "1 object there is still plain" in message
    assert shell.ok(*van, "show", "hits") == "42\n"
    shell.ok(*desk, "remote", "rekey", "office", "--key", "office.key")
    shell.ok(*desk, "sync")
    shell.ok(*van, "sync")
    assert shell.ok(*van, "show", "hits") == "142\n"
    assert all("sealed" in name for name in objects(shell.directory / "shared"))


def test_files_that_were_not_put_with_the_key_are_named_and_not_read(shell: Shell) -> None:
    desk, van = member(shell, "desk", 40), member(shell, "van", 2)
    shell.ok(*desk, "sync")
    shared = shell.directory / "shared"
    [name] = objects(shared)
    (shared / "notes.txt").write_text("buy milk")
    content = (shared / name).read_bytes()
    (shared / f"{name[:17]}{'1' if name[17] != '1' else '2'}{name[18:]}").write_bytes(content)
    (shared / name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    done = shell(*van, "sync")
    message = done.stderr
    assert done.status == 3
    assert "2 files there were not put with the key" in message
    assert "cannot be opened: it was changed" in message
    assert shell.ok(*van, "show", "hits") == "2\n"


# Another key -------------------------------------------------------------------------------------------------


def test_a_key_is_changed_while_others_sync_with_the_old_one_in_any_order(shell: Shell) -> None:
    members = [member(shell, name, amount) for name, amount in (("a", 1), ("b", 2), ("c", 4))]
    key_file(shell, NEW, "new.key")
    for words in (*members, *members):
        shell.ok(*words, "sync")
    total = 7
    for moved, words in enumerate(members):
        shell.ok(*words, "remote", "rekey", "office", "--key", "new.key")
        for turn in range(2):
            for number, other in enumerate(members):
                shell.ok(*other, "increment", "hits", "10")
                total += 10
                done = shell(*other, "sync")
                assert done.status == (0 if number <= moved else 3), (turn, done.stderr)
                assert ("the key of this remote has changed" in done.stderr) == (number > moved)
                assert "missing" not in done.stderr
        shell.ok(*words, "sync")
        assert shell.ok(*words, "show", "hits") == f"{total}\n"
        if words is not members[-1]:
            assert_refused(shell(*words, "remote", "rekey", "office", "--finish"), 1)
    for words in members:
        shell.ok(*words, "sync")
        assert shell.ok(*words, "show", "hits") == f"{total}\n"
        shell.ok(*words, "remote", "rekey", "office", "--finish")
    (shell.directory / "office.key").unlink()
    for words in members:
        shell.ok(*words, "sync")
    assert [name[:16] for name in objects(shell.directory / "shared")] == [NEW.id] * 3


def test_a_replica_whose_key_is_not_used_any_more_uploads_nothing(shell: Shell) -> None:
    desk, van = member(shell, "desk", 40), member(shell, "van", 2)
    for words in (desk, van, desk):
        shell.ok(*words, "sync")
    shell.ok(*desk, "remote", "rekey", "office", "--key", key_file(shell, NEW, "new.key"))
    shell.ok(*desk, "sync")
    for name in objects(shell.directory / "shared", KEY.id):
        (shell.directory / "shared" / name).unlink()
    message = assert_refused(shell(*van, "sync"), 78)
    assert "the key of this remote has changed since" in message
    assert len(objects(shell.directory / "shared")) == 1


def test_the_same_key_again_changes_nothing_and_a_wrong_use_is_refused(shell: Shell) -> None:
    desk = member(shell, "desk", 40)
    settings = shell.directory / "desk/config.toml"
    before = settings.read_bytes()
    shell.ok(*desk, "remote", "rekey", "office", "--key", "office.key")
    shell.ok(*desk, "remote", "rekey", "office", "--finish")
    assert settings.read_bytes() == before
    assert_refused(shell(*desk, "remote", "rekey", "office"), 2)
    assert_refused(shell(*desk, "remote", "rekey", "office", "--finish", "--key", "office.key"), 2)
    assert_refused(shell(*desk, "remote", "rekey", "offices", "--key", "office.key"), 66)


def test_removing_a_private_remote_removes_its_key_too(shell: Shell) -> None:
    desk = member(shell, "desk", 40)
    assert shell.ok(*desk, "remote", "list").endswith("\tprivate\n")
    assert '"private":true' in shell.ok(*desk, "remote", "list", "--format", "json")
    shell.ok(*desk, "remote", "remove", "office")
    assert shell.ok(*desk, "remote", "list") == ""
    assert f"{shell.directory}/office.key" not in (shell.directory / "desk/config.toml").read_text()


# The program -------------------------------------------------------------------------------------------------


def test_a_plain_remote_imports_nothing_for_private_ones(shell: Shell, tmp_path: Path) -> None:
    shell.ok("init", "--name", "here")
    shell.ok("increment", "hits")
    code = (
        "import sys; from crdtctl import Replica, synchronize;"
        "synchronize(Replica(sys.argv[1]), sys.argv[2], check=False);"
        "print(*(name for name in sys.modules if 'crypto' in name or 'private' in name or '.key' in name))"
    )
    here = str(shell.directory / ".crdtctl")
    done = [
        subprocess.run(
            [sys.executable, "-c", code, here, str(tmp_path / "shared")], text=True, capture_output=True, env=env
        )
        for env in (shell.environment, {**shell.environment, "CRDTCTL_REMOTE_KEY": KEY.text()})
    ]
    assert done[0].stdout.split() == []
    assert "crdtctl.sync.private" in done[1].stdout


def test_a_private_remote_without_the_extra_says_what_to_install(shell: Shell, tmp_path: Path) -> None:
    here = Replica.init(tmp_path / "here")
    here.increment("hits")
    code = (
        "import sys; sys.modules['cryptography'] = None\n"
        "from crdtctl import Replica, synchronize\n"
        "print(synchronize(Replica(sys.argv[1]), sys.argv[2], check=False).remotes[0].error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, here.path, str(tmp_path / "shared")],
        text=True,
        capture_output=True,
        env={**shell.environment, "CRDTCTL_REMOTE_KEY": KEY.text()},
        check=True,
    )
    assert "pip install 'crdtctl[crypto]'" in done.stdout


def test_status_and_doctor_show_that_a_remote_is_private(shell: Shell) -> None:
    desk = member(shell, "desk", 40)
    assert json.loads(shell.ok(*desk, "status", "--format", "json"))["remotes"][0]["key"] is None
    shell.ok(*desk, "sync")
    assert json.loads(shell.ok(*desk, "status", "--format", "json"))["remotes"][0]["key"] == KEY.id
    assert f"private, with the key {KEY.id}" in on_terminal(shell, *desk, "status").stdout
    assert f"key office\tok\tthe remote is private, with the key {KEY.id}\n" in shell(*desk, "doctor").stdout
    (shell.directory / "office.key").chmod(0o644)
    for command in (["doctor"], ["doctor", "--offline"], ["remote", "check"]):
        done = shell(*desk, *command)
        assert (done.status, "chmod 600" in done.stdout) == (1, True)


# Kills -------------------------------------------------------------------------------------------------------

#: Syncs, and dies before the given step at the folder; each operation has a step before and one after it.
_DYING = """
import os, sys
from crdtctl import Replica, synchronize
from crdtctl.sync.transports.folder.transport import Folder

left = int(sys.argv[2])
def step():
    global left
    left -= 1
    if left < 0:
        os._exit(9)

def dying(name):
    whole = getattr(Folder, name)
    def call(self, *arguments):
        step()
        result = whole(self, *arguments)
        step()
        return result
    setattr(Folder, name, call)

for name in ("list", "get", "put", "delete"):
    dying(name)
[report] = synchronize(Replica(sys.argv[1]), "office", check=False).remotes
assert report.error is None
"""


@pytest.mark.slow
def test_a_change_of_the_key_may_be_cut_at_any_step(shell: Shell) -> None:
    """One replica has the new key and is killed while it moves; another one syncs with the old key all the time."""
    desk, van = member(shell, "desk", 1), member(shell, "van", 1)
    key_file(shell, NEW, "new.key")
    for words in (desk, van, desk):
        shell.ok(*words, "sync")
    here = shell.directory / "desk"
    total, steps, shared = 2, 0, shell.directory / "shared"
    before = shell.directory / "before"
    shell.ok(*desk, "remote", "rekey", "office", "--key", "new.key")
    shutil.copytree(shared, before)
    while True:
        shutil.rmtree(shared)
        shutil.copytree(before, shared)
        for words in (desk, van):
            shell.ok(*words, "increment", "hits")
        total += 2
        done = subprocess.run(
            [sys.executable, "-c", _DYING, here, str(steps)], env=shell.environment, capture_output=True, check=False
        )
        assert done.returncode in (0, 9), done.stderr
        assert shell(*van, "sync").status in (0, 3)
        shell(*desk, "sync")
        assert shell.ok(*desk, "show", "hits") == f"{total}\n"
        assert [name[:16] for name in objects(shared)].count(NEW.id) == 1
        if done.returncode == 0:
            break
        steps += 1
    assert steps >= 6
    shell.ok(*van, "remote", "rekey", "office", "--key", "new.key")
    for words in (van, desk):
        shell.ok(*words, "sync")
        assert shell.ok(*words, "show", "hits") == f"{total}\n"
        shell.ok(*words, "remote", "rekey", "office", "--finish")
    assert [name[:16] for name in objects(shared)] == [NEW.id] * 2


def test_an_old_object_that_is_brought_back_changes_no_total(shell: Shell) -> None:
    desk, van = member(shell, "desk", 40), member(shell, "van")
    shared = shell.directory / "shared"
    shell.ok(*desk, "sync")
    [old] = objects(shared)
    content = (shared / old).read_bytes()
    shell.ok(*desk, "increment", "hits", "2")
    shell.ok(*desk, "sync")
    shell.ok(*van, "sync")
    (shared / old).write_bytes(content)
    for words in (van, desk, van):
        shell(*words, "sync")
        assert shell.ok(*words, "show", "hits") == "42\n"
    assert old not in objects(shared)


def test_a_damaged_object_is_named_as_it_is_at_the_remote(shell: Shell) -> None:
    key = shell.directory / "office.key"
    key.write_text(shell.ok("remote", "key", "new"))
    key.chmod(0o600)
    (shell.directory / "shared").mkdir()
    for name in ("ada", "bob"):
        Replica.init(shell.directory / name, name=name).increment("builds")
        shell.ok("--replica", name, "remote", "add", "office", "./shared", "--key", str(key))
    shell.ok("--replica", "ada", "sync")
    (damaged,) = (shell.directory / "shared").iterdir()
    damaged.write_bytes(damaged.read_bytes()[:-1])
    done = shell("--replica", "bob", "sync")
    assert done.status == 3
    assert damaged.name in done.stderr
    refused = json.loads(shell("--replica", "bob", "sync", "--format", "json").stdout)["refused"]
    assert [one["file"] for one in refused] == [f"office/{damaged.name}"]
