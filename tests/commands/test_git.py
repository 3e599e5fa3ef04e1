"""``crdtctl git``: real git merges, rebases, shows and stashes committed exports."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from crdtctl import Replica
from crdtctl.cli import git_settings
from crdtctl.errors import ForkError
from tests.conftest import Result, Shell
from tests.support.clones import clone
from tests.support.expect import assert_refused

FILE = "counts/hub 1.json"
PERSON = {
    f"GIT_{role}_{what}": text
    for role in ("AUTHOR", "COMMITTER")
    for what, text in (("NAME", "ada"), ("EMAIL", "ada@example.org"))
}


class Repository:
    """A work tree whose path has a space and a percent sign, where git does not find this program in PATH."""

    def __init__(self, shell: Shell) -> None:
        self.top = shell.directory / "a 5% place"
        self.environment = {**shell.environment, **PERSON, "PATH": _path_of_git(shell.directory), "GIT_EDITOR": "true"}
        self.shell = Shell(self.top, self.environment)
        (self.top / "counts").mkdir(parents=True)
        self.git("init", "-q", "-b", "main")

    def run(self, *words: str, directory: Path | None = None) -> Result:
        done = subprocess.run(
            ["git", *words], cwd=directory or self.top, env=self.environment, capture_output=True, check=False
        )
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    def git(self, *words: str, directory: Path | None = None) -> str:
        done = self.run(*words, directory=directory)
        assert done.status == 0, done.stdout + done.stderr
        return done.stdout

    def commit(self, replica: Replica, name: str = FILE) -> None:
        """Commit what a replica exports."""
        (self.top / name).write_bytes(exported(replica))
        self.git("add", "-A")
        self.git("commit", "-qm", "Counts")

    def value(self, name: str = FILE, counter: str = "n") -> int:
        """Return the value of a counter in a committed file, as a new replica reads it."""
        self.git("diff", "--exit-code", "HEAD", "--", name)
        reader = Replica.init(self.top.parent / f"reader-{os.urandom(4).hex()}")
        assert reader.merge(self.top / name).refused == {}
        return reader.value(counter)


def _path_of_git(place: Path) -> str:
    """Return a PATH with git and the tools that it needs, without this program."""
    folders = [one for one in os.environ["PATH"].split(":") if not (Path(one) / "crdtctl").exists()]
    path = ":".join(folders)
    assert shutil.which("git", path=path) is not None
    assert shutil.which("crdtctl", path=path) is None
    assert place.exists()
    return path


def exported(replica: Replica) -> bytes:
    pieces: list[bytes] = []
    replica.export(pieces.append)
    return b"".join(pieces)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Replica, Replica]:
    return Replica.init(tmp_path / "van", name="van"), Replica.init(tmp_path / "office", name="office")


@pytest.fixture
def repository(shell: Shell, pair: tuple[Replica, Replica]) -> Repository:
    """Return a repository where the branch `side` has a commit of the office, and `main` another one of the van."""
    made = Repository(shell)
    van, office = pair
    van.increment("n", 2)
    (made.top / FILE).write_bytes(exported(van))
    made.shell.ok("git", "install")
    made.commit(van)
    made.git("checkout", "-q", "-b", "side")
    office.merge(exported(van))
    office.increment("n", 5)
    made.commit(office)
    made.git("checkout", "-q", "main")
    van.increment("n")
    made.commit(van)
    return made


@pytest.mark.parametrize(
    "words",
    [
        ["merge", "-q", "--no-edit", "side"],
        ["rebase", "-q", "side"],
        ["cherry-pick", "side"],
        ["pull", "-q", "--no-rebase", "--no-edit", ".", "side"],
    ],
)
def test_two_states_of_two_branches_are_joined(repository: Repository, words: list[str]) -> None:
    repository.git(*words)
    assert repository.value() == 8


def test_a_join_is_the_same_in_both_directions_and_bytes(repository: Repository) -> None:
    repository.git("branch", "other", "main")
    repository.git("merge", "-q", "--no-edit", "side")
    there = (repository.top / FILE).read_bytes()
    repository.git("checkout", "-q", "side")
    repository.git("merge", "-q", "--no-ff", "--no-edit", "other")
    assert (repository.top / FILE).read_bytes() == there
    assert Replica.clock_of(there) == {one: n for one, n in Replica.clock_of(there).items() if n in (1, 2)}


def test_a_stash_is_joined_with_what_was_committed_meanwhile(
    repository: Repository, pair: tuple[Replica, Replica]
) -> None:
    (repository.top / FILE).write_bytes(_blob(repository, f"side:{FILE}"))
    repository.git("stash", "-q")
    pair[0].increment("n", 10)
    repository.commit(pair[0])
    repository.git("stash", "pop", "-q")
    repository.git("commit", "-qam", "Popped")
    assert repository.value() == 18


def _blob(repository: Repository, name: str) -> bytes:
    """Return a committed file, without textconv."""
    return subprocess.run(
        ["git", "cat-file", "blob", name],
        cwd=repository.top,
        env=repository.environment,
        capture_output=True,
        check=True,
    ).stdout


def test_a_revert_of_an_older_commit_leaves_a_state_as_it_is(
    repository: Repository, pair: tuple[Replica, Replica]
) -> None:
    pair[0].increment("n", 10)
    repository.commit(pair[0])
    before = (repository.top / FILE).read_bytes()
    done = repository.run("revert", "--no-edit", "HEAD~1")
    assert "nothing to commit" in done.stdout + done.stderr
    assert (repository.top / FILE).read_bytes() == before


def test_diff_shows_values_and_elements(repository: Repository, pair: tuple[Replica, Replica]) -> None:
    pair[0].increment("n", 3, labels={"os": "linux"})
    pair[0].add("people", "ada")
    repository.commit(pair[0])
    shown = repository.git("diff", "HEAD~1").splitlines()
    assert f"-# {pair[0].id}: 2 commits" in shown
    assert '+n{os="linux"}\t3\tpncounter' in shown
    assert "+people\t1\tgset" in shown
    assert "+  ada" in shown
    assert " n\t3\tpncounter" in shown


def test_diff_shows_renamed_counters_under_their_new_name(
    repository: Repository, pair: tuple[Replica, Replica]
) -> None:
    pair[0].rename("n", "parcels")
    repository.commit(pair[0])
    shown = repository.git("diff", "HEAD~1").splitlines()
    assert "-n\t3\tpncounter" in shown
    assert "+parcels\t3\tpncounter" in shown


@pytest.mark.parametrize("name", ["package.json", "-x.json"])
def test_another_file_in_a_pattern_is_merged_and_shown_as_text(repository: Repository, name: str) -> None:
    repository.shell.ok("git", "install", "*.json")
    other = repository.top / name
    lines = [f'"{n}": {n}' for n in range(20)]
    other.write_text("\n".join(lines))
    repository.git("add", "-A")
    repository.git("commit", "-qm", "One")
    repository.git("checkout", "-q", "-b", "more")
    other.write_text("\n".join(["first", *lines]))
    repository.git("commit", "-qam", "Two")
    repository.git("checkout", "-q", "main")
    other.write_text("\n".join([*lines, "last"]))
    repository.git("commit", "-qam", "Three")
    assert "+last" in repository.git("diff", "HEAD~1", "--", name)
    repository.git("merge", "-q", "--no-edit", "more")
    assert other.read_text() == "\n".join(["first", *lines, "last"])
    other.write_text("mine")
    repository.git("commit", "-qam", "Four")
    repository.git("checkout", "-q", "more")
    other.write_text("yours")
    repository.git("commit", "-qam", "Five")
    assert repository.run("merge", "main").status == 1
    assert "<<<<<<<" in other.read_text()


@pytest.mark.parametrize("damage", [b"X", b"", b"\n<<<<<<< HEAD\n"])
def test_a_damaged_file_is_a_conflict_of_git_with_both_sides(repository: Repository, damage: bytes) -> None:
    repository.git("checkout", "-q", "side")
    file = repository.top / FILE
    whole = file.read_bytes()
    file.write_bytes(whole[:100] + damage + whole[101:] if damage != b"" else whole[:-20])
    repository.git("commit", "-qam", "Damaged")
    repository.git("checkout", "-q", "main")
    ours = file.read_bytes()
    done = repository.run("merge", "side")
    assert done.status == 1
    assert f"crdtctl: {FILE} is not merged: {FILE} (theirs)" in done.stderr
    assert "git checkout --ours or --theirs" in done.stderr
    assert file.read_bytes() == ours
    assert [line[-1] for line in repository.git("ls-files", "-u", "--format=%(stage)").splitlines()] == ["1", "2", "3"]
    assert repository.git("show", f"side:{FILE}")  # it can be shown all the same
    repository.git("log", "-p", "-1", "side")


def test_a_program_that_is_gone_makes_a_conflict_and_no_damage(repository: Repository) -> None:
    driver = repository.git("config", "merge.crdtctl.driver").replace("crdtctl git", "nowhere git")
    repository.git("config", "merge.crdtctl.driver", "/gone/" + driver.strip())
    ours = (repository.top / FILE).read_bytes()
    assert repository.run("merge", "side").status == 1
    assert (repository.top / FILE).read_bytes() == ours


def test_a_handoff_counter_of_two_replicas_in_one_file_is_a_conflict(
    repository: Repository, pair: tuple[Replica, Replica]
) -> None:
    pair[0].create("client", "handoff")
    pair[0].increment("client")
    repository.commit(pair[0])
    done = repository.run("merge", "side")
    assert done.status == 1
    assert "each replica needs its own file" in done.stderr


def test_a_toml_state_stays_toml(repository: Repository, pair: tuple[Replica, Replica]) -> None:
    van, office = pair
    repository.shell.ok("git", "install", "*.toml")
    name = "counts.toml"

    def put(one: Replica) -> None:
        one.export_to(repository.top / name, form="toml", overwrite=True)
        repository.git("add", "-A")
        repository.git("commit", "-qm", "TOML")

    put(van)
    repository.git("checkout", "-q", "-b", "more")
    office.increment("n")
    put(office)
    repository.git("checkout", "-q", "main")
    van.increment("n")
    put(van)
    repository.git("merge", "-q", "--no-edit", "more")
    assert (repository.top / name).read_text().startswith("crdtctl = 1\n")
    assert repository.value(name) == 2 + 5 + 1 + 1 + 1


def test_a_fork_between_two_branches_keeps_the_counts_of_both(repository: Repository, tmp_path: Path) -> None:
    original = Replica.init(tmp_path / "original", name="laptop")
    original.increment("n")
    repository.commit(original, "laptop.json")
    repository.shell.ok("git", "install")
    repository.git("add", "-A")
    repository.git("commit", "-qm", "Attributes")
    clone(Path(original.path), tmp_path / "clone")
    original.increment("n", 2, once="job")
    copy = Replica(tmp_path / "clone")
    copy.increment("n", 7, once="another job")
    repository.git("branch", "more")
    repository.commit(original, "laptop.json")
    repository.git("checkout", "-q", "more")
    repository.commit(copy, "laptop.json")
    repository.git("merge", "-q", "--no-edit", "main")
    reader = Replica.init(tmp_path / "reader")
    with pytest.raises(ForkError, match="are kept apart"):
        reader.merge(repository.top / "laptop.json")
    assert reader.value("n") == 10


# Installing ----------------------------------------------------------------------------------------------


@pytest.fixture
def fresh(shell: Shell, pair: tuple[Replica, Replica]) -> Repository:
    """Return a repository with a state file that was not committed yet."""
    made = Repository(shell)
    pair[0].increment("n")
    (made.top / FILE).write_bytes(exported(pair[0]))
    return made


LINE = f'"/{FILE}" merge=crdtctl diff=crdtctl'


def files_of(repository: Repository) -> tuple[bytes, bytes | None]:
    attributes = repository.top / ".gitattributes"
    return (repository.top / ".git/config").read_bytes(), attributes.read_bytes() if attributes.exists() else None


@pytest.mark.parametrize(
    "text", [None, b"*.png binary\n", b"*.png binary", b"*.png binary\r\n*.x y\r\n", b"# \xff\n\n\n"]
)
@pytest.mark.parametrize("folder", ["", "counts"])
def test_uninstall_undoes_exactly_what_install_did(fresh: Repository, text: bytes | None, folder: str) -> None:
    if text is not None:
        (fresh.top / ".gitattributes").write_bytes(text)
    before = files_of(fresh)
    shell = Shell(fresh.top / folder, fresh.environment)
    assert shell.ok("git", "install") == ""
    installed = files_of(fresh)
    assert LINE in (installed[1] or b"").decode("utf-8", "replace").split("\n")
    assert fresh.git("check-attr", "merge", "diff", "--", FILE).count(": crdtctl\n") == 2
    assert shell.ok("git", "install") == ""
    assert files_of(fresh) == installed
    shell.ok("git", "status")
    assert shell.ok("git", "uninstall") == ""
    assert files_of(fresh) == before
    assert shell.ok("git", "uninstall") == ""


def test_install_and_uninstall_print_what_they_changed(fresh: Repository) -> None:
    changed = fresh.shell.ok("git", "install", "--verbose").splitlines()
    assert [one.partition("=")[0] for one in changed[:3]] == [
        "set local: merge.crdtctl.name",
        "set local: merge.crdtctl.driver",
        "set local: diff.crdtctl.textconv",
    ]
    assert changed[3:] == [
        f"added .gitattributes: {LINE}",
        "commit .gitattributes, so that other clones have it as well",
    ]
    assert fresh.shell.ok("git", "install", "--verbose") == "nothing to change\n"
    assert fresh.shell.ok("git", "uninstall", "--format", "tsv").count("unset\tlocal\t") == 3


def test_status_names_what_is_missing(fresh: Repository) -> None:
    done = fresh.shell("git", "status")
    assert done.status == 1
    assert f"git merges {FILE} as text" in done.stdout
    assert done.stdout.count("FAULT") == 3
    fresh.shell.ok("git", "install")
    assert "FAULT" not in fresh.shell.ok("git")
    (fresh.top / "second.json").write_bytes((fresh.top / FILE).read_bytes())
    assert "git merges second.json as text" in fresh.shell("git", "status").stdout
    fresh.shell.ok("git", "install")
    fresh.shell.ok("git", "status")


def test_a_pattern_of_a_folder_holds_below_it_only(fresh: Repository) -> None:
    Shell(fresh.top / "counts", fresh.environment).ok("git", "install", "*.json", "deep/x[1].json")
    covered = {
        path: "crdtctl" in fresh.git("check-attr", "merge", "--", path)
        for path in (FILE, "counts/deep/a.json", "counts/deep/x1.json", "other.json")
    }
    assert covered == {FILE: True, "counts/deep/a.json": True, "counts/deep/x1.json": True, "other.json": False}


def test_a_linked_work_tree_has_the_settings(repository: Repository, tmp_path: Path) -> None:
    linked = tmp_path / "linked tree"
    repository.git("worktree", "add", "-q", str(linked), "side")
    Shell(linked, repository.environment).ok("git", "status")
    repository.git("merge", "-q", "--no-edit", "main", directory=linked)
    assert b"van" in (linked / FILE).read_bytes()


def test_global_settings_serve_every_repository(fresh: Repository) -> None:
    outside = Shell(fresh.top.parent, fresh.environment)
    outside.ok("git", "install", "--global")
    config = Path(fresh.environment["HOME"], ".gitconfig")
    assert b"crdtctl" in config.read_bytes()
    assert b"crdtctl" not in (fresh.top / ".git/config").read_bytes()
    assert not (fresh.top / ".gitattributes").exists()
    fresh.shell.ok("git", "install", "--global", "*.json")
    assert (fresh.top / ".gitattributes").read_text() == "*.json merge=crdtctl diff=crdtctl\n"
    fresh.shell.ok("git", "status")
    outside.ok("git", "uninstall", "--global")
    assert b"crdtctl" not in config.read_bytes()


def test_install_refuses_what_it_cannot_do(fresh: Repository, shell: Shell) -> None:
    assert "this is not a work tree of git" in assert_refused(shell("git", "install"), 66)
    assert "this is not a work tree of git" in assert_refused(shell("git", "status"), 66)
    assert "is not a pattern" in assert_refused(fresh.shell("git", "install", "a\nb"), 2)
    (fresh.top / FILE).unlink()
    assert "no state file" in assert_refused(fresh.shell("git", "install"), 66)
    assert files_of(fresh)[1] is None
    assert b"crdtctl" not in files_of(fresh)[0]
    (fresh.top / ".gitattributes").symlink_to("elsewhere")
    assert "symbolic link" in assert_refused(fresh.shell("git", "install", "*.json"), 4)
    without = Shell(fresh.top, {**fresh.environment, "PATH": "/nowhere"})
    assert "git is not installed" in assert_refused(without("git", "install"), 66)


def test_a_replica_in_the_work_tree_is_not_a_state_file(fresh: Repository) -> None:
    (fresh.top / FILE).unlink()
    made = Replica.init(fresh.top / "replica")
    made.increment("n")
    assert "no state file" in assert_refused(fresh.shell("git", "install"), 66)


def test_a_program_at_a_path_with_a_percent_sign_is_found_by_git(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "50%P 'of" / "crdtctl.pyz"
    program.parent.mkdir()
    program.write_text("from crdtctl.__main__ import run\nrun()\n")
    monkeypatch.setattr("sys.argv", [str(program)])
    monkeypatch.chdir(repository.top)
    assert [one.text.partition("=")[0] for one in git_settings.install([], is_global=False)] == [
        "merge.crdtctl.driver",
        "diff.crdtctl.textconv",
    ]
    repository.git("merge", "-q", "--no-edit", "side")
    assert repository.value() == 8
    assert "+n\t8\tpncounter" in repository.git("diff", "HEAD^1").splitlines()
