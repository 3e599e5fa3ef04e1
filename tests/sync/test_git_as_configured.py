"""A git remote with settings of the user, the environment or the server."""

import os
import shutil
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from crdtctl.errors import AccessError, ConfigError, UnavailableError
from crdtctl.sync.transports.git import credential_helper as githelper
from tests.conftest import Shell
from tests.support.servers.githttp import PASSWORD, USER, git_http
from tests.support.servers.sshd import serve
from tests.sync.conformance import Remote
from tests.sync.test_git import _Answers, bare, git, git_with

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    made = tmp_path / "scratch"
    made.mkdir()
    return made


@pytest.fixture
def there(tmp_path: Path) -> Path:
    return bare(tmp_path / "shared.git")


@pytest.fixture
def remote(there: Path, scratch: Path) -> Remote:
    return Remote(str(there), scratch, there)


@pytest.fixture
def configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "gitconfig"
    path.touch()
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(path))
    return path


def hook(repository: Path, name: str, script: str) -> None:
    path = repository / "hooks" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def program(path: Path, script: str) -> Path:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def last_commit(repository: Path, form: str) -> str:
    return git(repository, "log", "-1", f"--format={form}", "crdtctl").strip()


# Who commits, and with which message ----------------------------------------------------------------------


def test_a_commit_asks_for_no_pipeline(remote: Remote, there: Path) -> None:
    remote.put("a.json", b"one")
    assert last_commit(there, "%B") == "crdtctl: put 1 file\n\n[skip ci]"


def test_a_server_that_takes_only_known_committers_takes_the_one_that_the_variables_name(
    remote: Remote, there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook(
        there,
        "pre-receive",
        "while read old new ref; do case $(git log -1 --format='%ae %ce' $new) in\n"
        "*@example.org' '*@example.org) ;; *) echo 'who are you?' >&2; exit 1 ;; esac; done",
    )
    with pytest.raises(AccessError, match=r"who are you\?.*GIT_COMMITTER_EMAIL.*CRDTCTL_GIT_MESSAGE"):
        remote.put("a.json", b"one")
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "bot@example.org")
    monkeypatch.setenv("GIT_COMMITTER_NAME", "Bot")
    remote.put("a.json", b"one")
    assert last_commit(there, "%an <%ae> %cn <%ce>") == "crdtctl <bot@example.org> Bot <bot@example.org>"


def test_a_server_that_wants_a_form_of_message_gets_it(
    remote: Remote, there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook(
        there,
        "pre-receive",
        'while read old new ref; do git log -1 --format=%B $new | grep -Eq "^ABC-[0-9]+" || exit 1; done',
    )
    with pytest.raises(AccessError, match="CRDTCTL_GIT_MESSAGE"):
        remote.put("a.json", b"one")
    monkeypatch.setenv("CRDTCTL_GIT_MESSAGE", "ABC-7 count\n\n[skip ci] büro")
    remote.put("a.json", b"one")
    assert last_commit(there, "%B") == "ABC-7 count\n\n[skip ci] büro"


def test_variables_that_name_nobody_are_told_as_such(remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_COMMITTER_NAME", "<>")
    with pytest.raises(ConfigError, match="GIT_COMMITTER_NAME"):
        remote.put("a.json", b"one")


def test_options_of_a_push_reach_a_server_that_takes_them(
    remote: Remote, there: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("COUNT", "1"), ("KEY_0", "push.pushOption"), ("VALUE_0", "ci.skip")):
        monkeypatch.setenv(f"GIT_CONFIG_{name}", value)
    hook(there, "pre-receive", f'echo "$GIT_PUSH_OPTION_0" > {tmp_path}/said')
    with pytest.raises(UnavailableError, match=r"does not accept push options.*push\.pushOption"):
        remote.put("a.json", b"one")
    git(there, "config", "receive.advertisePushOptions", "true")
    remote.put("a.json", b"one")
    assert (tmp_path / "said").read_text() == "ci.skip\n"


# Nobody is asked -----------------------------------------------------------------------------------------


@pytest.fixture
def closed() -> Iterator[str]:
    """Serve nothing but the wish for a user and a password."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"git+http://127.0.0.1:{server.server_port}/401/shared.git"
        server.shutdown()
        thread.join()


def test_a_helper_that_would_open_a_window_is_told_not_to(scratch: Path, closed: str, configuration: Path) -> None:
    git_with(configuration, "credential.helper", '!f() { [ "$GCM_INTERACTIVE" = never ] || sleep 600; }; f')
    with pytest.raises(AccessError, match="check git's credential helper"):
        Remote(closed, scratch).list()


@pytest.mark.parametrize("asked", ["helper", "GIT_ASKPASS", "core.askPass", "SSH_ASKPASS"])
def test_a_helper_that_gives_no_answer_is_not_waited_for(
    scratch: Path, closed: str, configuration: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    monkeypatch.setattr(githelper, "PATIENCE", 0.5)
    sleeper = program(tmp_path / "git-credential-window", "sleep 600")
    match asked:
        case "helper":
            git_with(configuration, "credential.helper", str(sleeper))
            told = "the credential helper 'window' gives no answer"
        case "core.askPass":
            git_with(configuration, asked, str(sleeper))
            told = "the program 'git-credential-window', as GIT_ASKPASS or core.askPass has it, gives no answer"
        case "GIT_ASKPASS":
            monkeypatch.setenv(asked, str(sleeper))
            told = "the program 'git-credential-window'"
        case _:
            monkeypatch.setenv(asked, str(sleeper))
            told = "refuses access"
    with pytest.raises(AccessError, match=told):
        Remote(closed, scratch).list()
    assert not list(scratch.rglob("trace"))


def test_a_helper_that_is_asked_when_time_is_over_is_the_reason(
    scratch: Path, closed: str, configuration: Path
) -> None:
    git_with(configuration, "credential.helper", "!sleep 600; :")
    with pytest.raises(AccessError, match="gives no answer"), Remote(closed, scratch).open(seconds=1) as transport:
        transport.list()


def test_a_program_that_answers_for_a_person_is_asked(
    there: Path, scratch: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(there, "config", "http.receivepack", "true")
    answers = f"case $1 in User*) echo {USER} ;; *) echo {PASSWORD} ;; esac"
    monkeypatch.setenv("GIT_ASKPASS", str(program(tmp_path / "answers", answers)))
    with git_http(tmp_path) as url:
        Remote(f"git+{url}/shared.git", scratch).put("a.json", b"one")
        assert Remote(f"git+{url}/shared.git", scratch).get("a.json") == b"one"


# Settings that are wrong ---------------------------------------------------------------------------------


def test_settings_of_the_user_that_cannot_be_read_are_told_as_such(
    remote: Remote, configuration: Path, shell: Shell
) -> None:
    remote.put("a.json", b"one")
    for text, told in (("[broken\n", "bad config line 1"), ("[core]\ncompression = much\n", "bad numeric config")):
        configuration.write_text(text)
        for scratch in (remote.scratch, remote.scratch / "new"):
            scratch.mkdir(exist_ok=True)
            with pytest.raises(ConfigError, match=f"{told}.*git config --list --show-origin"):
                Remote(remote.url, scratch).put("b.json", b"two")
    shell.ok("init")
    ended = shell("sync", remote.url, environment={"GIT_CONFIG_GLOBAL": str(configuration)})
    assert ended.status == 78


def test_settings_of_the_repository_there_that_cannot_be_read_are_not_taken_for_those_of_the_user(
    remote: Remote, there: Path
) -> None:
    remote.put("a.json", b"one")
    (there / "config").write_text("[broken\n")
    with pytest.raises(UnavailableError, match=r"settings of the repository .*bad config line 1.*correct"):
        remote.list()


def test_another_address_that_the_user_has_for_a_repository_is_used(
    there: Path, scratch: Path, configuration: Path
) -> None:
    git_with(configuration, f"url.file://{there.parent}/.insteadOf", "https://example.org/")
    git_with(configuration, "protocol.file.allow", "always")
    remote = Remote("git+https://example.org/shared.git", scratch)
    remote.put("a.json", b"one")
    assert git(there, "ls-tree", "--name-only", "crdtctl") == "a.json\n"


@pytest.mark.parametrize("kind", ["linked", "shallow", "submodule"])
def test_repositories_of_every_kind_are_found_by_their_path(
    there: Path, scratch: Path, tmp_path: Path, kind: str
) -> None:
    work = tmp_path / "work"
    git(tmp_path, "clone", "--quiet", str(there), str(work))
    for number in range(3):
        git(work, "commit", "--quiet", "--allow-empty", "-m", str(number))
    place = tmp_path / kind
    match kind:
        case "linked":
            git(work, "worktree", "add", "--quiet", "-b", "linked", str(place))
        case "shallow":
            git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{work}", str(place))
        case _:
            git(tmp_path, "init", "--quiet", "outer")
            source = ("-c", "protocol.file.allow=always", "submodule", "add", "--quiet", f"file://{work}", "inner")
            git(tmp_path / "outer", *source)
            place = tmp_path / "outer" / "inner"
    before = git(place, "status", "--porcelain")
    remote = Remote(str(place), scratch)
    for data in (b"one", b"two"):
        remote.put("a.json", data)
        assert remote.get("a.json") == data
    assert git(place, "ls-tree", "--name-only", "crdtctl") == "a.json\n"
    assert git(place, "status", "--porcelain") == before
    assert not (place / "a.json").exists()
    branch = git(place, "symbolic-ref", "--short", "HEAD").strip()
    with pytest.raises(UnavailableError, match="is checked out"):
        Remote(f"{place}#{branch}", scratch).list()


def test_bytes_are_what_they_were_whatever_the_attributes_say(remote: Remote, there: Path, configuration: Path) -> None:
    attributes = b"* text=auto eol=crlf ident filter=upper working-tree-encoding=UTF-16\n"
    git_with(configuration, "filter.upper.clean", "tr a-z A-Z")
    git_with(configuration, "filter.upper.smudge", "tr a-z A-Z")
    git_with(configuration, "core.attributesFile", str(configuration.parent / "attributes"))
    (configuration.parent / "attributes").write_bytes(attributes)
    (there / "info").mkdir(exist_ok=True)
    (there / "info" / "attributes").write_bytes(attributes)
    remote.put(".gitattributes", attributes)
    for data in (b"one\r\ntwo\n$Id$\n", b"\xff\xfe\n"):
        remote.put("a.json", data)
        assert remote.get("a.json") == data
        assert remote.list()["a.json"].size == len(data)


def test_programs_that_the_user_has_git_run_elsewhere_are_not_run(
    remote: Remote, there: Path, configuration: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spy = program(tmp_path / "spy", f'echo "$0 $*" >> {tmp_path}/ran\nexit 1')
    template = tmp_path / "template"
    for name in ("pre-push", "reference-transaction", "post-index-change", "fsmonitor-watchman", "pre-auto-gc"):
        hook(template, name, f"echo {name} >> {tmp_path}/ran; exit 1")
    for name, value in {
        "init.templateDir": str(template),
        "core.fsmonitor": str(spy),
        "core.editor": str(spy),
        "core.pager": str(spy),
        "gpg.program": str(spy),
        "diff.external": str(spy),
        "alias.push": f"!{spy}",
        "push.negotiate": "true",
        "push.useForceIfIncludes": "true",
        "protocol.version": "0",
        "i18n.commitEncoding": "UTF-16",
        "core.compression": "0",
        "core.sharedRepository": "0600",
        "fetch.fsckObjects": "true",
        "receive.denyCurrentBranch": "refuse",
        "transfer.unpackLimit": "1",
        "core.quotePath": "false",
        "core.precomposeUnicode": "true",
        "core.ignoreCase": "true",
    }.items():
        git_with(configuration, name, value)
    for name in ("GIT_EDITOR", "GIT_PAGER", "GIT_EXTERNAL_DIFF", "GIT_SEQUENCE_EDITOR", "PAGER", "EDITOR"):
        monkeypatch.setenv(name, str(spy))
    monkeypatch.setenv("GIT_TEMPLATE_DIR", str(template))
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    monkeypatch.setenv("LANGUAGE", "de:fr")
    for name, data in (("a.json", b"one\r\n"), ("A.json", b"two"), ("büro.json", b"three")):
        remote.put(name, data)
        assert remote.get(name) == data
    assert remote.list().keys() == {"a.json", "A.json", "büro.json"}
    assert not (tmp_path / "ran").exists()


def test_git_over_ssh_runs_what_it_is_to_run_whatever_the_settings_of_ssh_say(
    there: Path, scratch: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = shutil.which("ssh")
    for name in ("GIT_SSH", "GIT_SSH_COMMAND"):
        monkeypatch.delenv(name, raising=False)
    with serve(tmp_path / "server") as server:
        settings = f"RemoteCommand echo something else\nRequestTTY force\n{server.config.read_text()}"
        (tmp_path / "ssh_config").write_text(settings)
        (tmp_path / "bin").mkdir()
        program(tmp_path / "bin" / "ssh", f'exec {real} -F {tmp_path}/ssh_config "$@"')
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
        remote = Remote(f"git+ssh://127.0.0.1:{server.port}{there}", scratch)
        data = bytes(range(256)) * 100
        remote.put("a.json", data)
        assert remote.get("a.json") == data


def test_a_shell_that_prints_at_login_is_told_as_such(
    there: Path, scratch: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chatty = program(tmp_path / "chatty", 'echo Welcome to this machine\nfor last; do :; done\nexec sh -c "$last"')
    monkeypatch.setenv("GIT_SSH_COMMAND", str(chatty))
    monkeypatch.setenv("GIT_SSH_VARIANT", "ssh")
    with pytest.raises(UnavailableError, match=r"the shell prints text at login.*bashrc"):
        Remote(f"git+ssh://example.org{there}", scratch).list()
