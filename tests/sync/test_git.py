"""A branch of a git repository as a remote."""

import os
import shlex
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from crdtctl.errors import (
    AccessError,
    CrdtctlError,
    DataError,
    MissingError,
    TransientError,
    UnavailableError,
    UsageError,
)
from crdtctl.sync.retry import retry
from crdtctl.sync.transport import Deadline
from crdtctl.sync.transports.git import cache as gitcache
from tests.conftest import Result, Shell
from tests.support.servers.gitd import git_daemon
from tests.support.servers.githttp import PASSWORD, USER, git_http
from tests.support.servers.sshd import make_key, serve
from tests.sync.conformance import PUT, Conformance, Remote, content_of
from tests.sync.meetings import Meetings

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(where: Path, *arguments: str) -> str:
    """Run git as a user of a repository does."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    who = {f"GIT_{r}_{k}": v for r in ("AUTHOR", "COMMITTER") for k, v in (("NAME", "u"), ("EMAIL", "u@example.org"))}
    done = subprocess.run(
        ["git", *arguments], cwd=where, env={**environment, **who}, capture_output=True, text=True, check=True
    )
    return done.stdout


def bare(path: Path) -> Path:
    path.mkdir(parents=True)
    git(path, "init", "--quiet", "--bare", ".")
    return path


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    made = tmp_path / "scratch"
    made.mkdir()
    return made


class TestFile(Conformance, Meetings):
    @pytest.fixture
    def remote(self, tmp_path: Path, scratch: Path) -> Remote:
        return Remote(f"git+file://{bare(tmp_path / 'shared.git')}", scratch)


class TestDaemon(Conformance, Meetings):
    @pytest.fixture
    def remote(self, tmp_path: Path, scratch: Path) -> Iterator[Remote]:
        bare(tmp_path / "served" / "shared.git")
        with git_daemon(tmp_path / "served") as url:
            yield Remote(f"git+{url}/shared.git", scratch)


# Many at once -------------------------------------------------------------------------------------------

#: Puts four files, each instead of the one before, when it is told to begin: URL, directory, who.
PUSHER = """
import sys, os
from crdtctl.sync.schemes import check, connect
from crdtctl.sync.transport import Deadline
url, state, who = sys.argv[1:]
with connect(check(url), Deadline(100), state) as transport:
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(4):
        path = f"{state}.outgoing"
        with open(path, "w") as file:
            file.write(f"{who} {number}")
        transport.list()
        transport.put(f"{who}.{number}.json", path)
        transport.put(f"{who}.json", path)
        transport.delete(f"{who}.{number - 1}.json")
        transport.flush()
"""


@pytest.fixture(params=["file", "daemon"])
def shared(request: pytest.FixtureRequest, tmp_path: Path, scratch: Path) -> Iterator[Remote]:
    """Return a remote with a bare repository, reached in one of two ways."""
    behind = bare(tmp_path / "served" / "shared.git")
    if request.param == "file":
        yield Remote(str(behind), scratch, behind)
        return
    with git_daemon(tmp_path / "served") as url:
        yield Remote(f"git+{url}/shared.git", scratch, behind)


def test_eight_that_push_at_once_lose_nothing(shared: Remote) -> None:
    names = [f"r{number}" for number in range(8)]
    pushers = [
        subprocess.Popen(
            [sys.executable, "-c", PUSHER, shared.url, str(shared.scratch / name), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for name in names
    ]
    for pusher in pushers:
        assert pusher.stdout is not None
        assert pusher.stdout.readline() == b"ready\n"
    for pusher in pushers:
        assert pusher.stdin is not None
        pusher.stdin.write(b"\n")
        pusher.stdin.flush()
    for pusher in pushers:
        pusher.communicate()
    assert [pusher.returncode for pusher in pushers] == [0] * 8
    assert shared.list().keys() == {f"{name}{tail}" for name in names for tail in (".json", ".3.json")}
    for name in names:
        assert shared.get(f"{name}.json") == shared.get(f"{name}.3.json") == f"{name} 3".encode()
    assert shared.behind is not None
    assert git(shared.behind, "rev-list", "--count", "crdtctl") == "32\n"
    git(shared.behind, "fsck", "--strict")


# What is there ------------------------------------------------------------------------------------------


@pytest.fixture
def worktree(tmp_path: Path) -> Path:
    """Return a repository in which somebody works: what is committed, staged and neither differs."""
    here = tmp_path / "work"
    here.mkdir()
    git(here, "init", "--quiet", ".")
    git(here, "symbolic-ref", "HEAD", "refs/heads/main")
    for name in ("one.txt", "two.txt"):
        (here / name).write_text("committed\n")
    git(here, "add", ".")
    git(here, "commit", "--quiet", "-m", "first")
    (here / "one.txt").write_text("staged\n")
    git(here, "add", ".")
    (here / "two.txt").write_text("changed\n")
    (here / "three.txt").write_text("new\n")
    return here


def test_where_somebody_works_nothing_is_touched_but_the_branch(worktree: Path, scratch: Path) -> None:
    def seen() -> tuple[object, ...]:
        files = {path: path.read_bytes() for path in worktree.iterdir() if path.is_file()}
        inner = {name: (worktree / ".git" / name).read_bytes() for name in ("HEAD", "index", "config", "logs/HEAD")}
        refs = git(worktree, "for-each-ref").splitlines()
        return files, inner, [ref for ref in refs if not ref.endswith("refs/heads/crdtctl")]

    status = git(worktree, "status", "--porcelain=v2", "--branch")
    before = seen()
    remote = Remote(str(worktree), scratch)
    for data in (b"one", b"two"):
        remote.put("a.json", data)
    remote.delete("a.json")
    remote.put("b.json", b"here")
    assert remote.get("b.json") == b"here"
    assert seen() == before
    assert git(worktree, "status", "--porcelain=v2", "--branch") == status
    assert git(worktree, "ls-tree", "--name-only", "crdtctl") == "b.json\n"
    assert git(worktree, "rev-list", "crdtctl").count("\n") == 4


@pytest.mark.parametrize("way", ["born", "unborn", "linked", "followed"])
def test_a_branch_that_is_checked_out_is_refused(worktree: Path, scratch: Path, tmp_path: Path, way: str) -> None:
    match way:
        case "born":
            git(worktree, "checkout", "--quiet", "-b", "counts")
        case "unborn":
            git(worktree, "symbolic-ref", "HEAD", "refs/heads/counts")
        case "followed":  # git itself would take the push, and change the files
            git(worktree, "checkout", "--quiet", "--force", "-b", "counts")
            git(worktree, "config", "receive.denyCurrentBranch", "updateInstead")
        case _:
            git(worktree, "worktree", "add", "--quiet", "-b", "counts", str(tmp_path / "linked"))
    before = git(worktree, "for-each-ref")
    with pytest.raises(UnavailableError, match=r"'counts' is checked out .* URL#BRANCH"):
        Remote(f"{worktree}#counts", scratch).put("a.json", b"one")
    assert git(worktree, "for-each-ref") == before
    Remote(f"{worktree}#other", scratch).put("a.json", b"one")


def test_a_branch_that_is_checked_out_elsewhere_is_refused(worktree: Path, scratch: Path) -> None:
    git(worktree, "checkout", "--quiet", "-b", "counts")
    with (
        git_daemon(worktree.parent) as url,
        pytest.raises(UnavailableError, match=r"'counts' is checked out .* URL#BRANCH"),
    ):
        Remote(f"git+{url}/work/.git#counts", scratch).put("a.json", b"one")


def test_each_branch_is_a_place_of_its_own(tmp_path: Path, scratch: Path) -> None:
    here = bare(tmp_path / "a b%20.git")
    for branch in ("", "#", "#team/counts", "#büro"):
        for content in (b"first", branch.encode()):
            Remote(f"{here}{branch}", scratch).put(f"{len(branch)}.json", content)
    refs = git(here, "for-each-ref", "--format=%(refname)").splitlines()
    assert refs == ["refs/heads/büro", "refs/heads/crdtctl", "refs/heads/team/counts"]
    assert Remote(str(here), scratch).list().keys() == {"0.json", "1.json"}
    encoded = str(here).replace("%", "%25").replace(" ", "%20")
    assert Remote(f"git+file://{encoded}#team/counts", scratch).get("12.json") == b"#team/counts"


@pytest.mark.parametrize("branch", ["-d", "--all", "a..b", "a b", "x.lock", "a:b", "@{-1}", "+main"])
def test_what_cannot_be_a_branch_is_refused(tmp_path: Path, scratch: Path, branch: str) -> None:
    here = bare(tmp_path / "shared.git")
    if branch == "+main":  # a strange name, but one
        Remote(f"{here}#{branch}", scratch).put("a.json", b"one")
        assert git(here, "for-each-ref", "--format=%(refname)") == "refs/heads/+main\n"
        return
    with pytest.raises(UsageError, match="is not a valid name of a branch"):
        Remote(f"{here}#{branch}", scratch).list()


def test_what_else_is_on_the_branch_is_kept(worktree: Path, scratch: Path) -> None:
    git(worktree, "checkout", "--quiet", "--orphan", "mixed")
    (worktree / "folder").mkdir()
    (worktree / "folder" / "a.json").write_text("in a folder")
    (worktree / "run.json").write_text("executable")
    (worktree / "run.json").chmod(0o755)
    (worktree / "link.json").symlink_to("one.txt")
    git(worktree, "add", ".")
    head = git(worktree, "rev-parse", "main").strip()
    git(worktree, "update-index", "--add", "--cacheinfo", f"160000,{head},module.json")
    git(worktree, "update-index", "--add", "--cacheinfo", f"100644,{git_blob(worktree)},new\nline.json")
    git(worktree, "commit", "--quiet", "-m", "mixed")
    git(worktree, "checkout", "--quiet", "--force", "main")
    before = git(worktree, "ls-tree", "-r", "-t", "-z", "mixed").split("\0")

    remote = Remote(f"{worktree}#mixed", scratch)
    odd = {"link.json": DataError, "module.json": DataError, "new\nline.json": DataError}
    assert remote.list().keys() == {"one.txt", "two.txt", "three.txt", "run.json", *odd}
    for name, kind in {**odd, "folder": MissingError}.items():
        with pytest.raises(kind):
            remote.get(name)
        if "\n" in name:
            continue
        with pytest.raises(UnavailableError, match="folder or link"):
            remote.put(name, b"over it")
        remote.delete(name)
    remote.put("a.json", b"one")
    assert remote.get("run.json") == b"executable"
    after = git(worktree, "ls-tree", "-r", "-t", "-z", "mixed").split("\0")
    assert [line for line in after if not line.endswith("\ta.json") or "folder" in line] == before


def git_blob(where: Path) -> str:
    return git(where, "hash-object", "-w", "two.txt").strip()


def test_history_may_be_cut_off_there_and_the_branch_deleted(shared: Remote) -> None:
    assert shared.behind is not None
    for number in range(3):
        shared.put(f"{number}.json", b"%d" % number)
    squashed = git(shared.behind, "commit-tree", "-m", "squashed", "crdtctl^{tree}").strip()
    git(shared.behind, "update-ref", "refs/heads/crdtctl", squashed)
    shared.put("3.json", b"3")
    assert shared.list().keys() == {f"{number}.json" for number in range(4)}
    assert git(shared.behind, "rev-list", "--count", "crdtctl") == "2\n"
    git(shared.behind, "update-ref", "-d", "refs/heads/crdtctl")
    assert shared.list() == {}
    shared.put("4.json", b"4")
    assert shared.list().keys() == {"4.json"}


def test_a_deletion_is_pushed_although_it_was_put_by_another_after_the_listing(shared: Remote) -> None:
    shared.put("a.json", b"a")
    with shared.open() as transport:
        transport.list()
        Remote(shared.url, shared.scratch / "other").scratch.mkdir()
        Remote(shared.url, shared.scratch / "other").put("late.json", b"late")
        transport.delete("late.json")
        transport.flush()
    assert shared.list().keys() == {"a.json"}


def test_a_repository_of_the_other_format_will_do(tmp_path: Path, scratch: Path) -> None:
    here = tmp_path / "shared.git"
    here.mkdir()
    try:
        git(here, "init", "--quiet", "--bare", "--object-format=sha256", ".")
    except subprocess.CalledProcessError:
        pytest.skip("this git has one format only")
    empty = git(here, "hash-object", "-t", "tree", "-w", "/dev/null").strip()
    git(here, "update-ref", "refs/heads/crdtctl", git(here, "commit-tree", "-m", "first", empty).strip())
    remote = Remote(str(here), scratch)
    for data in (b"one", b"two"):
        remote.put("a.json", data)
        assert remote.get("a.json") == data


# The cache ----------------------------------------------------------------------------------------------


def cache_of(remote: Remote) -> Path:
    (found,) = (remote.scratch / "state").iterdir()
    return found


def bytes_in(place: Path) -> int:
    return sum(path.stat().st_size for path in place.rglob("*") if path.is_file())


@pytest.mark.parametrize("others", [0, 1])
def test_the_cache_does_not_grow_with_history(
    tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch, others: int
) -> None:
    monkeypatch.setattr(gitcache, "SLACK", 2**16)
    here = bare(tmp_path / "shared.git")
    remotes = [Remote(str(here), scratch / name) for name in ("mine", "yours")[: 1 + others]]
    for one in remotes:
        one.scratch.mkdir()
    for _ in range(8):
        for one in remotes:
            one.put(f"{one.scratch.name}.json", os.urandom(2**18))
        for one in remotes:
            assert bytes_in(cache_of(one)) < (1 + others) * 4 * 2**18
    count = 8 * len(remotes)
    assert bytes_in(here) > (count - 1) * 2**18
    assert git(here, "rev-list", "--count", "crdtctl") == f"{count}\n"
    assert remotes[0].list().keys() == {f"{one.scratch.name}.json" for one in remotes}


def spoil(remote: Remote) -> None:
    for path in (cache_of(remote) / "objects").rglob("*"):
        if path.is_file():
            path.chmod(0o644)
            path.write_bytes(b"")


def test_what_is_damaged_while_it_is_used_is_fetched_again(tmp_path: Path, scratch: Path) -> None:
    remote = Remote(str(bare(tmp_path / "shared.git")), scratch)
    remote.put("a.json", b"one")
    deadline = Deadline(60)
    pieces: list[bytes] = []
    with remote.open() as transport:
        (entry,) = transport.list()
        spoil(remote)
        assert [type(found) for _, found in transport.fetch([entry], str(scratch))] == [TransientError]
        ((_, path),) = transport.fetch([entry], str(scratch))
        assert content_of(path) == b"one"
        spoil(remote)
        retry(partial(transport.get, "a.json", pieces.append), deadline)
        assert pieces == [b"one"]
        spoil(remote)
        copy = tmp_path / "copy"
        copy.write_bytes(b"one")
        transport.put("b.json", str(copy))  # the same content, so git takes it for one that is there
        with pytest.raises(TransientError, match="damaged"):
            transport.flush()
    remote.put("b.json", b"two")
    assert remote.list().keys() == {"a.json", "b.json"}


def test_the_cache_may_be_damaged_or_lost(tmp_path: Path, scratch: Path) -> None:
    remote = Remote(str(bare(tmp_path / "shared.git")), scratch)
    remote.put("a.json", b"a" * 5000)

    def lock() -> None:
        for name in ("shallow.lock", "config.lock", "refs/crdtctl/tip.lock", "packed-refs.lock"):
            (cache_of(remote) / name).touch()

    def lose_a_part() -> None:
        shutil.rmtree(cache_of(remote) / "objects")

    def lose_it() -> None:
        shutil.rmtree(cache_of(remote))

    def fill_it() -> None:
        for name in ("format", "swept", "shallow", "HEAD", "config"):
            (cache_of(remote) / name).write_bytes(b"\xff\xfe")

    damages: list[Callable[[], object]] = [partial(spoil, remote), lock, lose_a_part, lose_it, fill_it]
    for number, damage in enumerate(damages):
        damage()
        deadline = Deadline(60)
        with remote.open() as transport:
            assert "a.json" in {entry.name for entry in retry(transport.list, deadline)}, damage
        damage()
        path = scratch / "outgoing"
        path.write_bytes(b"new")
        with remote.open() as transport:
            retry(transport.list, deadline)
            retry(partial(transport.put, f"{number}.json", str(path)), deadline)
            retry(transport.flush, deadline)
        assert remote.get("a.json") == b"a" * 5000
        assert remote.get(f"{number}.json") == b"new"


#: Is called as git, and ends who called it, before or after it did what the real one does.
KILLER = """#!/bin/sh
echo "$*" >> "$CALLS"
if [ "$(wc -l < "$CALLS")" = "$AT" ]; then
    [ "$WHEN" = after ] && "$GIT" "$@"
    kill -9 $PPID
    exit
fi
exec "$GIT" "$@"
"""


@pytest.mark.parametrize("when", ["before", "after"])
def test_who_is_killed_at_any_call_of_git_leaves_all_or_nothing_and_goes_on(
    tmp_path: Path, scratch: Path, when: str
) -> None:
    remote = Remote(str(bare(tmp_path / "shared.git")), scratch)
    remote.put("old.json", b"old")
    new = tmp_path / "new"
    new.write_bytes(b"new")
    real = shutil.which("git")
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text(KILLER)
    program.chmod(0o755)
    calls = tmp_path / "calls"
    outcomes: list[bool] = []
    statuses: list[int] = []
    for at in range(1, 40):
        calls.write_text("")
        variables = {"GIT": str(real), "CALLS": str(calls), "AT": str(at), "WHEN": when}
        put = subprocess.run(
            [sys.executable, "-c", PUT, remote.url, str(scratch / "state"), f"{at}.json", str(new)],
            env={**os.environ, **variables, "PATH": f"{program.parent}:{os.environ['PATH']}"},
            capture_output=True,
            check=False,
        )
        found = remote.list()
        assert "old.json" in found
        outcomes.append(f"{at}.json" in found)
        if outcomes[-1]:
            assert remote.get(f"{at}.json") == b"new"
        remote.put("old.json", b"old %d" % at)
        statuses.append(put.returncode)
        if put.returncode == 0:
            break
    assert statuses[-1] == 0
    assert outcomes == sorted(outcomes)
    assert outcomes[0] is False
    assert len(outcomes) > 6


# Where it is run, and by whom ---------------------------------------------------------------------------


def test_a_hook_of_git_may_sync(worktree: Path, scratch: Path, tmp_path: Path) -> None:
    here = bare(tmp_path / "shared.git")
    data = tmp_path / "data"
    data.write_bytes(b"from a hook")
    hook = worktree / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    call = shlex.join([sys.executable, "-c", PUT, str(here), str(scratch / "state"), "a.json", str(data)])
    hook.write_text(f'#!/bin/sh\n[ -n "$GIT_INDEX_FILE" ] || exit 1\nexec {call}\n')
    hook.chmod(0o755)
    git(worktree, "commit", "--quiet", "-m", "second")
    assert Remote(str(here), scratch).get("a.json") == b"from a hook"
    assert git(worktree, "rev-list", "--count", "HEAD") == "2\n"
    assert git(worktree, "for-each-ref", "--format=%(refname)") == "refs/heads/main\n"


def test_variables_of_git_that_name_a_repository_are_not_heeded(
    worktree: Path, scratch: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote = Remote(str(bare(tmp_path / "shared.git")), scratch)
    before = git(worktree, "for-each-ref")
    index = (worktree / ".git" / "index").read_bytes()
    for name, value in {
        "GIT_DIR": worktree / ".git",
        "GIT_WORK_TREE": worktree,
        "GIT_INDEX_FILE": worktree / ".git" / "index",
        "GIT_OBJECT_DIRECTORY": worktree / ".git" / "objects",
        "GIT_COMMON_DIR": worktree / ".git",
        "GIT_QUARANTINE_PATH": worktree / ".git" / "objects",
        "GIT_NAMESPACE": "strange",
        "GIT_PREFIX": "folder/",
        "GIT_AUTHOR_DATE": "nonsense",
        "GIT_TRACE": "1",
        "GIT_PROTOCOL_FROM_USER": "0",
        "GIT_CONFIG_PARAMETERS": "'core.bare'='nonsense'",
    }.items():
        monkeypatch.setenv(name, str(value))
    remote.put("a.json", b"one")
    assert remote.get("a.json") == b"one"
    assert git(worktree, "for-each-ref") == before
    assert (worktree / ".git" / "index").read_bytes() == index


def test_settings_of_the_user_do_no_harm(tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    remote = Remote(str(bare(tmp_path / "shared.git")), scratch)
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("pre-push", "post-index-change", "reference-transaction"):
        (hooks / name).write_text(f'#!/bin/sh\necho "{name} $PWD" >> {tmp_path}/hooked\n')
        (hooks / name).chmod(0o755)
    settings = {
        "core.autocrlf": "true",
        "commit.gpgSign": "true",
        "push.gpgSign": "true",
        "push.followTags": "true",
        "push.default": "nothing",
        "protocol.allow": "never",
        "init.defaultObjectFormat": "sha256",
        "safe.bareRepository": "explicit",
        "fetch.prune": "true",
        "transfer.fsckObjects": "true",
        "user.useConfigOnly": "true",
        "core.hooksPath": str(hooks),
        "color.ui": "always",
        "submodule.recurse": "true",
    }
    configuration = tmp_path / "gitconfig"
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(configuration))
    for name, value in settings.items():
        git_with(configuration, name, value)
    for data in (b"one\r\n", b"two\n"):
        remote.put("a.json", data)
        assert remote.get("a.json") == data
    (author,) = set(git(tmp_path / "shared.git", "log", "--format=%an <%ae> %cn <%ce>", "crdtctl").splitlines())
    assert author == "crdtctl <crdtctl@localhost> crdtctl <crdtctl@localhost>"
    hooked = set((tmp_path / "hooked").read_text().splitlines())
    assert hooked <= {f"reference-transaction {tmp_path / 'shared.git'}"}  # those of the repository there are its own


def git_with(configuration: Path, name: str, value: str) -> None:
    git(configuration.parent, "config", "--file", str(configuration), name, value)


@pytest.mark.parametrize(
    ("known", "told"), [(False, "is not known on this machine; .*compare"), (True, "has changed; find out why")]
)
def test_a_host_key_that_is_not_the_known_one_is_told(
    tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch, known: bool, told: str
) -> None:
    hosts = tmp_path / "hosts"
    hosts.touch()
    with serve(tmp_path / "server") as server:
        if known:
            make_key(tmp_path / "other")
            hosts.write_text(f"[127.0.0.1]:{server.port} {(tmp_path / 'other.pub').read_text()}")
        command = f"{server.command} -o UserKnownHostsFile={hosts} -o BatchMode=yes"
        monkeypatch.setenv("GIT_SSH_COMMAND", command)
        with pytest.raises(AccessError, match=f"its host key {told}"):
            Remote(f"git+ssh://127.0.0.1:{server.port}/shared.git", scratch).list()


def test_ssh_asks_nothing_unless_the_user_says_how_to_run_it(
    tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = bare(tmp_path / "shared.git")
    words = tmp_path / "words"
    for name in ("ssh", "mine"):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        # It stands for a host: what it is to run there, it runs here.
        program.write_text(f'#!/bin/sh\necho "$0 $*" >> {words}\nfor last; do :; done\nexec sh -c "$last"\n')
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    for name in ("GIT_SSH", "GIT_SSH_COMMAND"):
        monkeypatch.delenv(name, raising=False)
    remote = Remote(f"git+ssh://user@example.org{here}", scratch)
    remote.put("a.json", b"one")
    assert remote.get("a.json") == b"one"
    said = words.read_text().splitlines()
    assert said
    assert all(line.startswith(f"{tmp_path}/bin/ssh -o BatchMode=yes ") for line in said)
    for name, value in (("GIT_SSH_COMMAND", "mine -v"), ("GIT_SSH", "mine")):
        words.write_text("")
        with monkeypatch.context() as patches:
            patches.setenv(name, value)
            patches.setenv("GIT_SSH_VARIANT", "ssh")
            assert remote.get("a.json") == b"one"
        assert all("BatchMode" not in line and "/bin/mine" in line for line in words.read_text().splitlines())
    configuration = tmp_path / "gitconfig"
    git_with(configuration, "core.sshCommand", "mine")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(configuration))
    words.write_text("")
    assert remote.get("a.json") == b"one"
    assert all("BatchMode" not in line and "/bin/mine" in line for line in words.read_text().splitlines())


# What goes wrong ----------------------------------------------------------------------------------------


def test_where_there_is_no_repository_it_says_how_to_make_one(tmp_path: Path, scratch: Path) -> None:
    with pytest.raises(UnavailableError, match=r"is not a git repository.*git init --bare '?/"):
        Remote(f"git+file://{tmp_path}/permission denied.git", scratch).list()
    with git_daemon(tmp_path) as url, pytest.raises(UnavailableError, match=r"git://.* is not a git repository"):
        Remote(f"git+{url}/nothing.git", scratch).list()


def test_a_network_that_is_away_may_be_tried_again(tmp_path: Path, scratch: Path) -> None:
    with git_daemon(tmp_path) as url:
        pass
    with pytest.raises(TransientError, match="does not answer"):
        Remote(f"git+{url}/shared.git", scratch).list()
    with pytest.raises(TransientError, match="does not answer"):
        Remote("git+https://nowhere.invalid/shared.git", scratch).list()


def test_who_may_not_push_is_told_so(tmp_path: Path, scratch: Path) -> None:
    here = bare(tmp_path / "served" / "shared.git")
    with git_daemon(tmp_path / "served", pushes=False) as url:
        remote = Remote(f"git+{url}/shared.git", scratch)
        assert remote.list() == {}
        with pytest.raises(AccessError, match="refuses access"):
            remote.put("a.json", b"one")
    hook = here / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho only on Mondays >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(AccessError, match=r"refuses pushes to 'crdtctl': .*hook declined.*only on Mondays"):
        Remote(str(here), scratch).put("a.json", b"one")


def test_a_repository_that_forbids_to_force_is_pushed_to(tmp_path: Path, scratch: Path) -> None:
    here = bare(tmp_path / "shared.git")
    git(here, "config", "receive.denyNonFastForwards", "true")
    git(here, "config", "receive.denyDeletes", "true")
    git(here, "config", "receive.fsckObjects", "true")
    remote = Remote(str(here), scratch)
    for number in range(3):
        remote.put("a.json", b"%d" % number)
    assert remote.get("a.json") == b"2"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_repository_of_another_user_is_told_as_such(
    tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = bare(tmp_path / "shared.git")
    for path in (here, *here.rglob("*")):
        os.chown(path, 12345, 12345)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    with pytest.raises(AccessError, match=r"belongs to another user.*safe\.directory /"):
        Remote(str(here), scratch).list()
    git_with(tmp_path / "gitconfig", "safe.directory", str(here))
    assert Remote(str(here), scratch).list() == {}


class _Answers(BaseHTTPRequestHandler):
    """Answers each request with the status that is its path."""

    def do_GET(self) -> None:
        self.send_response(int(self.path.split("/")[1]))
        self.send_header("WWW-Authenticate", 'Basic realm="here"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(
    ("status", "failure"),
    [(401, AccessError), (403, AccessError), (404, UnavailableError), (429, TransientError), (503, TransientError)],
)
def test_what_a_server_of_the_web_says_is_told_rightly(
    scratch: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, failure: type[CrdtctlError]
) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            with pytest.raises(failure):
                Remote(f"git+http://127.0.0.1:{server.server_port}/{status}/shared.git", scratch).list()
        finally:
            server.shutdown()
            thread.join()


def test_a_password_comes_from_the_helper_of_git_and_is_never_told(
    tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = bare(tmp_path / "served" / "shared.git")
    git(here, "config", "http.receivepack", "true")
    configuration, kept = tmp_path / "gitconfig", tmp_path / "kept"
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(configuration))
    git_with(configuration, "credential.helper", f"store --file={kept}")
    with git_http(tmp_path / "served") as url:
        remote = Remote(f"git+{url}/shared.git", scratch)
        with pytest.raises(AccessError, match="credential helper"):
            remote.list()
        kept.write_text(url.replace("://", "://counter:wr0ng@") + "\n")
        with pytest.raises(AccessError) as caught:
            remote.list()
        assert "wr0ng" not in str(caught.value)
        kept.write_text(url.replace("://", f"://{USER}:{PASSWORD}@") + "\n")
        for content in (b"one", bytes(range(256)) * 2**13, b"three"):
            remote.put("a.json", content)
            assert remote.get("a.json") == content
        git(here, "config", "http.receivepack", "false")
        with pytest.raises(AccessError) as caught:
            remote.put("a.json", b"four")
        assert PASSWORD not in str(caught.value)
    assert PASSWORD not in "".join(path.read_text("latin-1") for path in scratch.rglob("*") if path.is_file())


def test_a_server_that_says_nothing_is_not_waited_for(scratch: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        remote = Remote(f"git+git://127.0.0.1:{server.getsockname()[1]}/shared.git", scratch)
        with pytest.raises(TransientError, match="--timeout"), remote.open(seconds=1) as transport:
            transport.list()


# From end to end ----------------------------------------------------------------------------------------


@pytest.fixture
def two(shell: Shell, tmp_path: Path) -> tuple[Callable[..., Result], Callable[..., Result]]:
    """Return two replicas, each as a function that runs the program there."""

    def of(name: str) -> Callable[..., Result]:
        place = tmp_path / name
        shell.ok("init", place, "--name", name)
        return lambda *arguments, **others: shell("--replica", place, *arguments, **others)

    return of("left"), of("right")


def test_two_replicas_meet_and_then_nothing_moves(
    two: tuple[Callable[..., Result], Callable[..., Result]], tmp_path: Path, environment: dict[str, str]
) -> None:
    here = bare(tmp_path / "shared.git")
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text(KILLER)
    program.chmod(0o755)
    calls = tmp_path / "calls"
    counted = {"PATH": f"{program.parent}:{environment['PATH']}", "GIT": str(shutil.which("git")), "CALLS": str(calls)}

    def run(who: Callable[..., Result], *arguments: str) -> str:
        ended = who(*arguments, environment={**counted, "AT": "never"})
        assert (ended.status, ended.stderr) == (0, "")
        return ended.stdout

    for number, who in enumerate(two):
        run(who, "remote", "add", "hub", str(here))
        run(who, "increment", f"builds={number + 1}", "pages=5")
    for who in (*two, *two):
        run(who, "sync")
    assert [run(who, "show", name) for who in two for name in ("builds", "pages")] == ["3\n", "10\n"] * 2
    before = git(here, "rev-parse", "crdtctl")
    calls.write_text("")
    for who in two:
        run(who, "sync")
    assert git(here, "rev-parse", "crdtctl") == before
    verbs = [next(word for word in line.split() if word in VERBS) for line in calls.read_text().splitlines()]
    assert [verb for verb in verbs if verb in NETWORK] == ["ls-remote"] * 2
    assert len(verbs) <= 8
    checked = run(two[0], "remote", "check", "--format", "json")
    assert '"ok":false' not in checked.replace(" ", "")


NETWORK = ("ls-remote", "fetch", "push")
VERBS = (*NETWORK, "ls-tree", "check-ref-format", "worktree", "init", "rev-parse", "update-ref", "hash-object")


def test_a_replica_and_a_repository_may_be_named_by_relative_paths(shell: Shell) -> None:
    bare(shell.directory / "shared.git")
    shell.ok("init", "here")
    shell.ok("--replica", "here", "increment", "builds")
    for url in ("./shared.git", "shared.git/", "./shared.git#crdtctl"):
        shell.ok("--replica", "here", "sync", url)
    assert git(shell.directory / "shared.git", "rev-list", "--count", "crdtctl") == "1\n"


def test_marks_of_a_conflict_never_parse(
    two: tuple[Callable[..., Result], Callable[..., Result]], tmp_path: Path, scratch: Path
) -> None:
    here = bare(tmp_path / "shared.git")
    left, right = two
    assert left("increment", "builds=4").status == 0
    assert left("sync", str(here)).status == 0
    remote = Remote(str(here), scratch)
    (name,) = remote.list()
    lines = remote.get(name).splitlines(keepends=True)
    marked = [lines[0], b"<<<<<<< ours\n", lines[1], b"=======\n", lines[1], b">>>>>>> theirs\n", *lines[2:]]
    remote.put("merged.crdt.json", b"".join(marked))
    ended = right("sync", str(here))
    assert ended.status == 3
    assert "merged.crdt.json" in ended.stderr
    assert right("show", "builds").stdout == "4\n"
    assert right("sync", str(here)).status == 3
