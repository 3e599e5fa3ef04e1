"""A replica that the user would not have named is not used without a message: strangers', deleted, unexpanded ones."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from crdtctl import Replica
from tests.commands.users import READING
from tests.conftest import PROGRAM, Result, Shell
from tests.support.expect import assert_one_line, assert_refused, contents

FAST, FULL = ["increment", "builds"], ["increment", "builds=1"]
WRITES = (FAST, FULL)
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as other users")

User = Callable[..., Result]


@pytest.fixture
def home(shell: Shell) -> Path:
    return Path(shell.environment["HOME"])


@pytest.fixture
def outside() -> Iterator[Path]:
    """Return a directory that other users can enter, which those above a test's own may not be."""
    place = Path(tempfile.mkdtemp()).resolve()
    place.chmod(0o755)
    yield place
    shutil.rmtree(place)


@pytest.fixture
def everybody(outside: Path) -> Path:
    """Return a directory that all users can write to, as the system's temporary one is."""
    place = outside / "everybody"
    place.mkdir()
    place.chmod(0o1777)
    return place


@pytest.fixture
def as_user(shell: Shell, outside: Path) -> User:
    """Run the program as another user, with a home directory of their own, or without any with `home` false."""

    def run(
        user: int,
        *words: str | Path,
        directory: Path,
        groups: str = "",
        umask: str = "022",
        home: bool = True,
        environment: Mapping[str, str] | None = None,
    ) -> Result:
        place = outside / f"home-{user}"
        place.mkdir(exist_ok=True)
        os.chown(place, user, user)
        variables = {k: v for k, v in shell.environment.items() if k != "HOME"}
        variables |= {"HOME": str(place)} if home else {}
        belonging = ["--groups", groups] if groups else ["--clear-groups"]
        done = subprocess.run(
            [
                "setpriv",
                f"--reuid={user}",
                f"--regid={user}",
                *belonging,
                *READING,
                "sh",
                "-c",
                f'umask {umask}; exec "$@"',
                "sh",
                *PROGRAM,
                *map(str, words),
            ],
            capture_output=True,
            cwd=directory,
            env={**variables, **(environment or {})},
            check=False,
        )
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


# Strangers' replicas ------------------------------------------------------------------------------------


@needs_root
def test_another_users_replica_above_is_left_alone_and_named(everybody: Path, as_user: User) -> None:
    assert as_user(5002, "init", directory=everybody).status == 0
    below = everybody / "below"
    below.mkdir()
    below.chmod(0o777)
    for words in WRITES * 2:
        ended = as_user(5001, *words, directory=below)
        assert ended.status == 0
        assert f"{everybody}/.crdtctl was not used: it belongs to another user (5002)" in ended.stderr
    shown = as_user(5001, "show", "builds", directory=below)
    assert (shown.status, shown.stdout) == (0, "4\n")
    assert "5002" in shown.stderr
    assert as_user(5002, "show", directory=below) == Result(0, "", "")


@needs_root
def test_root_does_not_use_it_either_unless_it_is_named_or_sudo_comes_from_its_owner(
    shell: Shell, everybody: Path, as_user: User
) -> None:
    assert as_user(5002, "init", directory=everybody).status == 0
    for words in WRITES:
        ended = shell(*words, directory=everybody)
        assert ended.status == 0
        assert "5002" in ended.stderr
    assert as_user(5002, "show", directory=everybody) == Result(0, "", "")
    for words in WRITES:
        assert shell(*words, directory=everybody, environment={"CRDTCTL_REPLICA": "."}) == Result(0, "", "")
        assert shell(*words, directory=everybody, environment={"SUDO_UID": "5002"}) == Result(0, "", "")
        assert shell(*words, directory=everybody, environment={"SUDO_UID": "5001"}).stderr != ""
    assert as_user(5002, "show", "builds", directory=everybody).stdout == "4\n"


@needs_root
def test_a_link_that_a_stranger_put_above_is_not_followed(shell: Shell, everybody: Path, tmp_path: Path) -> None:
    target = Replica.init(tmp_path / "mine")
    (everybody / ".crdtctl").symlink_to(target.path)
    os.lchown(everybody / ".crdtctl", 5002, 5002)
    for words in WRITES:
        ended = shell(*words, directory=everybody)
        assert ended.status == 0
        assert "another user (5002)" in ended.stderr
    assert list(target.counters()) == []


@needs_root
def test_a_replica_of_a_group_is_used_by_its_members(everybody: Path, as_user: User) -> None:
    place = everybody / "team"
    place.mkdir()
    os.chown(place, 0, 6000)
    place.chmod(0o2775)
    users = ((5001, "022"), (5002, "022"), (5003, "077"))
    made = as_user(5001, "init", directory=place, groups="6000")
    assert (made.status, made.stderr) == (0, "")
    for user, umask in users * 2:
        for words in (*WRITES, ["merge", "-"], ["remote", "add", f"r{user}{umask}{os.urandom(2).hex()}", "./shared"]):
            ended = as_user(user, *words, directory=place, groups="6000", umask=umask)
            if words[0] != "merge":
                assert (ended.status, ended.stderr) == (0, ""), (user, words)
    assert as_user(5003, "show", "builds", directory=place, groups="6000").stdout == "12\n"
    outside = as_user(5004, "increment", "builds", directory=place)
    assert "belongs to another user (5001)" in outside.stderr


# No home, odd homes, and paths that no shell has seen -----------------------------------------------------


@needs_root
def test_without_a_home_nothing_is_made_and_the_variables_are_named(everybody: Path, as_user: User) -> None:
    for words in (*WRITES, ["show", "builds"], ["show"], ["merge", "-"], ["sync", "./shared"]):
        ended = as_user(54321, *words, directory=everybody, home=False)
        assert (ended.status, ended.stdout) == (78, "")
        assert "set HOME, XDG_DATA_HOME or CRDTCTL_REPLICA" in ended.stderr
    assert os.listdir(everybody) == []
    assert as_user(54321, "init", directory=everybody, home=False).status == 0
    for words in WRITES:
        assert as_user(54321, *words, directory=everybody, home=False).status == 0
    variable = {"XDG_DATA_HOME": str(everybody / "data")}
    assert as_user(5005, "increment", "x", directory=Path("/"), home=False, environment=variable).status == 0


@pytest.mark.parametrize("given", ["~", "$HOME", "${HOME}"])
def test_a_path_below_the_home_is_understood_where_no_shell_replaces_it(shell: Shell, home: Path, given: str) -> None:
    path = f"{given}/counters"
    variable = {"CRDTCTL_REPLICA": path}
    assert shell("init", environment=variable).status == 0
    for words in WRITES:
        assert shell(*words, environment=variable) == Result(0, "", "")
        shell.ok("--replica", path, *words)
        shell.ok(f"--replica={path}/", *words)
    assert Replica(home / "counters").value("builds") == 6
    shell.ok("init", f"{given}/other")
    shell.ok("--replica", path, "exchange", f"{given}/other")
    assert Replica(home / "other").value("builds") == 6
    assert contents(shell.directory) == {}


@pytest.mark.parametrize("variable", ["XDG_DATA_HOME", "XDG_STATE_HOME"])
@pytest.mark.parametrize("given", ["~", "~/", "$HOME/x", "${HOME}"])
def test_the_standard_variables_are_understood_in_the_same_way(
    shell: Shell, home: Path, variable: str, given: str
) -> None:
    for words in WRITES * 2:
        assert shell(*words, environment={variable: given}).status == 0
    assert contents(shell.directory) == {}
    place = given.replace("${HOME}", str(home)).replace("$HOME", str(home)).replace("~", str(home))
    expected = Path(place, "crdtctl") if variable == "XDG_DATA_HOME" else home / ".local/share/crdtctl"
    assert Replica(expected).value("builds") == 4
    assert (Path(place, "crdtctl/places")).is_dir() == (variable == "XDG_STATE_HOME")


@pytest.mark.parametrize(
    "path", ["$COUNTS/r", "/srv/$USER/r", "~no-such-user/r", "'/srv/r'", '"/srv/r"', " /srv/r", "/srv/r\r", "%h/r"]
)
def test_a_path_that_nobody_means_as_it_stands_is_refused_and_never_made(shell: Shell, home: Path, path: str) -> None:
    for words in (*WRITES, ["show", "builds"], ["init"]):
        ended = shell(*words, environment={"CRDTCTL_REPLICA": path})
        assert "CRDTCTL_REPLICA is" in assert_refused(ended, 78)
        assert_refused(shell("--replica", path, *words), 2)
    for words in WRITES:
        assert_refused(shell(*words, environment={"XDG_DATA_HOME": path}), 78)
    assert contents(shell.directory) == contents(home) == {}


def test_a_directory_that_is_really_called_that_is_used(shell: Shell) -> None:
    (shell.directory / "$COUNTS").mkdir()
    shell.ok("--replica", "$COUNTS", "init")
    shell.ok("--replica", "./~", "init")
    for words in WRITES:
        for path in ("$COUNTS", "./~"):
            assert shell(*words, environment={"CRDTCTL_REPLICA": path}) == Result(0, "", "")


def test_a_home_that_is_not_absolute_is_refused(shell: Shell) -> None:
    for given in ("home", "."):
        for words in (*WRITES, ["show", "builds"]):
            assert "HOME is" in assert_refused(shell(*words, environment={"HOME": given}), 78)
    assert contents(shell.directory) == {}


def test_a_home_that_is_not_there_is_not_made(shell: Shell, tmp_path: Path) -> None:
    for words in WRITES:
        said = assert_refused(shell(*words, environment={"HOME": str(tmp_path / "none")}), 66)
        assert "is not there" in said
    assert not (tmp_path / "none").exists()


def test_a_relative_data_directory_is_ignored_and_that_is_reported(shell: Shell, home: Path) -> None:
    for words in WRITES * 2:
        ended = shell(*words, environment={"XDG_DATA_HOME": "data"})
        assert ended.status == 0
        assert "XDG_DATA_HOME is ignored: 'data' is not an absolute path" in ended.stderr
    assert Replica(home / ".local/share/crdtctl").value("builds") == 4


# Replicas that are gone -----------------------------------------------------------------------------------


def test_after_git_clean_no_other_replica_is_used_without_a_message(shell: Shell, home: Path) -> None:
    shell("increment", "mine")
    assert Replica(home / ".local/share/crdtctl").value("mine") == 1
    place = shell.directory / "wt"
    subprocess.run(["git", "init", "-q", str(place)], check=True)
    made = shell("init", directory=place)
    assert made.status == 0
    assert "work tree: 'git clean -x' deletes this replica" in assert_one_line(made.stderr.splitlines(True)[0])
    assert shell("increment", "builds", "5", directory=place) == Result(0, "", "")
    (place / "deep").mkdir()
    subprocess.run(["git", "-C", str(place), "clean", "-ffdxq"], check=True)
    (place / "deep").mkdir()
    for words in (*WRITES, ["show", "builds"], ["show"], ["export"], ["sync", "./there"], ["merge", "-"]):
        for directory in (place, place / "deep"):
            assert "is gone" in assert_refused(shell(*words, directory=directory), 66)
    assert Replica(home / ".local/share/crdtctl").tags("builds") == []
    assert shell("init", directory=place).status == 0
    for words in WRITES:
        assert shell(*words, directory=place) == Result(0, "", "")


def test_the_hint_tells_how_to_forget_it(shell: Shell, home: Path) -> None:
    shell.ok("init")
    subprocess.run(["rm", "-r", str(shell.directory / ".crdtctl")], check=True)
    said = assert_refused(shell(*FAST), 66)
    record = said.rpartition("'rm ")[2].partition("'")[0]
    Path(record).unlink()
    assert shell(*FAST).status == 0
    assert Replica(home / ".local/share/crdtctl").value("builds") == 1


def test_a_replica_that_was_moved_is_not_gone(shell: Shell, home: Path) -> None:
    shell.ok("init")
    shell.ok(*FAST)
    (home / ".local/share").mkdir(parents=True)
    (shell.directory / ".crdtctl").rename(home / ".local/share/crdtctl")
    for words in WRITES:
        assert shell(*words).status == 0
    assert Replica(home / ".local/share/crdtctl").value("builds") == 3


def test_the_users_own_replica_that_is_gone_is_not_made_again_without_a_message(shell: Shell, home: Path) -> None:
    place = home / ".local/share/crdtctl"
    assert shell(*FAST).status == 0
    place.rename(home / "aside")
    for _ in range(2):
        for words in WRITES:
            assert "is gone" in assert_refused(shell(*words), 66)
        place.mkdir(exist_ok=True)  # as the place of a disk that is not mounted
    place.rmdir()
    (home / "aside").rename(place)
    assert shell(*FAST) == Result(0, "", "")


def test_what_a_run_leaves_is_not_missed(shell: Shell, home: Path) -> None:
    assert shell("run", "--seal-to", "job.json", "--", *PROGRAM, "increment", "tests").status == 0
    assert os.listdir(home / ".local/state/crdtctl") == []


# The user's own replica -----------------------------------------------------------------------------------


def test_the_users_own_replica_may_be_behind_a_link(shell: Shell, home: Path) -> None:
    (home / ".local/share").mkdir(parents=True)
    (shell.directory / "big").mkdir()
    (home / ".local/share/crdtctl").symlink_to(shell.directory / "big")
    for words in (FULL, FAST, FULL, FAST):
        assert shell(*words).status == 0
    assert Replica(shell.directory / "big").value("builds") == 4


def test_a_replica_in_the_home_directory_is_the_users_own_everywhere(shell: Shell, home: Path) -> None:
    assert shell("init", directory=home).status == 0
    for words in WRITES:
        assert shell(*words) == Result(0, "", "")
    assert Replica(home / ".crdtctl").value("builds") == 2
    assert shell("show", "builds") == Result(0, "2\n", "")


def test_a_replica_made_by_the_first_write_names_another_one_of_the_user(shell: Shell, tmp_path: Path) -> None:
    project = tmp_path / "project"
    assert shell("init", str(project)).status == 0
    assert shell("increment", "a=1", "b=2", directory=project).status == 0
    assert shell("remote", "add", "hub", "./hub", directory=project).status == 0
    said = assert_one_line(shell(*FAST).stderr)
    assert f"another replica of yours is in {project}/.crdtctl, with 2 counters and the remote hub" in said


def test_the_current_directory_that_was_deleted_is_reported(shell: Shell, home: Path) -> None:
    script = 'mkdir gone && cd gone && rmdir ../gone && exec "$@"'
    done = subprocess.run(
        ["sh", "-c", script, "sh", *PROGRAM, *FAST],
        cwd=shell.directory,
        env=shell.environment,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0
    assert b"the current directory was deleted" in done.stderr
    assert Replica(home / ".local/share/crdtctl").value("builds") == 1


def test_a_remote_below_the_home_is_understood_and_one_that_nobody_means_is_refused(shell: Shell, home: Path) -> None:
    shell.ok("init")
    (shell.directory / ".crdtctl/config.toml").write_text('[remotes]\na = "~/a"\nb = "$HOME/b"\nc = "$PLACE/c"\n')
    shell.ok("increment", "builds=1")
    for name in "ab":
        assert shell("sync", name).status == 0
        assert (home / name).is_dir()
    assert "$PLACE" in assert_refused(shell("sync", "c"), 78)
    assert_refused(shell("sync", "$PLACE/c"), 2)
    assert_refused(shell("remote", "add", "d", "$PLACE/c"), 2)
    assert sorted(contents(shell.directory)) == sorted(
        name for name in contents(shell.directory) if name.startswith(".crdtctl")
    )


def test_a_link_above_to_a_replica_that_is_not_mounted_is_reported(shell: Shell, home: Path) -> None:
    (shell.directory / ".crdtctl").symlink_to("mnt/counts")
    for words in (*WRITES, ["show", "builds"]):
        said = assert_refused(shell(*words), 66)
        assert "is a symbolic link to mnt/counts, which is not there" in said
    assert contents(home) == {}
