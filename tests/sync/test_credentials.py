"""URLs with credentials are never accepted, stored, shown or passed on, nor are URLs without a place."""

from pathlib import Path

import pytest

from crdtctl import Replica
from crdtctl.errors import ConfigError, UsageError
from crdtctl.sync.report import Options
from crdtctl.sync.schemes import SCHEMES, check, redacted
from tests.conftest import Shell
from tests.support.expect import assert_refused, contents
from tests.support.terminal import on_terminal
from tests.support.unchecked import synchronize

SECRET = "s3cr3t"
#: Each of these holds one.
TELLING = [
    "https://user:s3cr3t@example.org/counts",
    "http://s3cr3t@example.org/counts",
    "https://user%3As3cr3t@example.org/counts",
    "https://user%3As3cr3t%40example.org/counts",
    "HTTPS://user:s3cr3t@example.org/counts",
    "https://user:pass/s3cr3t@example.org/counts",
    "https://example.org/counts?token=s3cr3t",
    "https://example.org/counts?s3cr3t",
    "https://example.org/counts%3Ftoken=s3cr3t",
    "ssh://user:s3cr3t@example.org/counts",
    "ssh://user%3as3cr3t@example.org/counts",
    "git+ssh://git:s3cr3t@example.org/counts",
    "git+https://s3cr3t@example.org/team/counts",
    "git+https://x-access-token:s3cr3t@example.org/team/counts#crdtctl",
    "git+http://oauth2:s3cr3t@example.org/team/counts",
    "s3://AKIA123:s3cr3t@bucket/counts",
    "s3://bucket/counts?secret_access_key=s3cr3t",
    "gs://s3cr3t@bucket/counts",
    "az://account/counts?sig=s3cr3t",
    "rclone:remote,pass=s3cr3t:counts",
    "rclone::webdav,url=example.org,pass=s3cr3t:counts",
    "rclone::webdav,url='https://user:s3cr3t@example.org':counts",
    "exec:put --to https://user:s3cr3t@example.org/counts",
]
#: So many different ones are tried on the command line.
SOME = TELLING[::6]
#: These are no places; they may hold one all the same.
WRONG = [
    "",
    " /counts",
    "ftp://user:s3cr3t@example.org/counts",
    "s3cr3t:counts",
    "https:user:s3cr3t@example.org/counts",
    "ssh:s3cr3t/counts",
    "https://",
    "https://example.org:s3cr3t/",
    "https://[s3cr3t/",
    "git@example.org:team/counts.git?token=s3cr3t",
    "example.org:/srv/x?password=s3cr3t",
    "file:s3cr3t",
    "file://s3cr3t/counts",
    "file://",
    "rclone:",
    "exec:",
    "https://s3cr3t/\x1b[31m",
    "https://s3cr3t/" + "x" * 2000,
]
GOOD = [
    "ssh://user@example.org:2222/counts",
    "ssh://[::1]:22/counts",
    "git+ssh://git@example.org/team/counts#crdtctl",
    "git+https://example.org/team/counts",
    "s3://bucket/counts",
    "https://example.org:8443/dav/@counts/",
    "rclone:remote:counts",
    "exec:put --to https://example.org/counts?x",
    "file:///counts",
    "file://localhost/counts%20and%20more",
]


@pytest.mark.parametrize("url", TELLING + WRONG)
def test_it_is_refused_with_a_hint_and_not_shown(url: str) -> None:
    with pytest.raises(UsageError) as refused:
        check(url)
    assert SECRET not in str(refused.value).replace("'s3cr3t'", "")  # what stands for a scheme is told as one
    assert SECRET not in redacted(url).removeprefix("s3cr3t:")


@pytest.mark.parametrize("url", TELLING)
def test_the_hint_says_where_it_belongs(url: str) -> None:
    with pytest.raises(UsageError) as refused:
        check(url)
    places = [scheme.credentials for scheme in SCHEMES.values()]
    is_told = any(place in refused.value.hint for place in places) or "rclone config" in refused.value.hint
    assert is_told or "one of" in refused.value.hint


@pytest.mark.parametrize("url", GOOD)
def test_a_place_is_taken_and_shown_as_it_was_written(url: str) -> None:
    assert check(url) == url
    assert redacted(url) == url


def test_a_path_is_made_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/ada")
    assert check("../counts/") == f"{tmp_path.parent}/counts"
    assert check("~/counts") == "/home/ada/counts"
    assert check("./git@host:counts") == f"{tmp_path}/git@host:counts"
    assert check("/a?b#c%20d") == "/a?b#c%20d"


@pytest.mark.parametrize("url", SOME)
def test_the_command_line_refuses_it_and_changes_nothing(shell: Shell, replica: Replica, url: str) -> None:
    before = contents(shell.directory)
    for words in (["remote", "add", "hub", url], ["sync", url], ["remote", "check", url], ["sync", "--dry-run", url]):
        assert SECRET not in assert_refused(shell(*words), 2)
        ended = shell(*words, environment={"CRDTCTL_FORMAT": "json"})
        assert (ended.status, ended.stdout) == (2, "")
        assert SECRET not in ended.stderr
    assert contents(shell.directory) == before


def test_it_is_refused_before_a_replica_is_made(shell: Shell) -> None:
    for words in (["remote", "add", "hub", TELLING[0]], ["sync", TELLING[0]], ["sync", "hub"], ["sync"]):
        assert shell(*words).status in (2, 66)
    assert contents(shell.environment["HOME"]) == {}


@pytest.mark.parametrize("url", SOME)
def test_one_that_somebody_wrote_into_the_settings_is_refused_and_never_shown(
    shell: Shell, replica: Replica, url: str
) -> None:
    settings = f'[remotes]\nhub = "{shell.directory}/hub"\nbad = "{url}"\n'
    Path(replica.path, "config.toml").write_text(settings)
    for words in (
        ["sync"],
        ["sync", "bad"],
        ["sync", "hub", "bad"],
        ["sync", "--dry-run"],
        ["sync", "--format", "json"],
        ["remote", "check"],
        ["remote", "check", "bad", "--format", "json"],
    ):
        ended = shell(*words)
        assert (ended.status, ended.stdout) == (78, "")
        assert "the remote bad" in ended.stderr
        assert SECRET not in ended.stderr
    for words in (["remote", "list"], ["remote", "list", "--format", "json"], ["remote", "list", "-f", "table"]):
        ended = shell(*words)
        assert ended.status == 78
        assert "bad" in ended.stdout
        assert SECRET not in ended.stdout + ended.stderr
    ended = on_terminal(shell, "sync")
    assert ended.status == 78
    assert SECRET not in ended.stdout + ended.stderr
    assert SECRET not in assert_refused(shell("remote", "add", "bad", "/elsewhere"), 73)
    assert Path(replica.path, "config.toml").read_text() == settings
    for words in (["status"], ["check"], ["log"], ["export"]):
        assert SECRET not in shell.ok(*words)
    shell.ok("sync", "hub")  # which needs nothing of the other
    shell.ok("remote", "remove", "bad")
    assert SECRET not in Path(replica.path, "config.toml").read_text()


def test_a_program_that_uses_the_library_is_refused_as_well(replica: Replica) -> None:
    with pytest.raises(UsageError, match="credential"):
        synchronize(replica, TELLING[0], options=Options())
    replica.add_remote("bad", TELLING[0])
    with pytest.raises(ConfigError, match="the remote bad"):
        synchronize(replica)
