"""Programs as remotes: the one in ``examples``, and faulty ones."""

import os
import shlex
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from crdtctl.errors import (
    AccessError,
    CrdtctlError,
    DataError,
    MissingError,
    StorageError,
    TransientError,
    UnavailableError,
    UsageError,
)
from crdtctl.sync.local_files import LocalFile
from crdtctl.sync.schemes import check
from tests.conftest import Shell
from tests.sync.conformance import Conformance, Remote
from tests.sync.meetings import Meetings

EXAMPLE = Path(__file__).parents[2] / "examples" / "exec-transport.sh"


def url_of_example(directory: Path) -> str:
    return f"exec:{shlex.join([str(EXAMPLE), 'sh -c', str(directory)])}"


class TestTheExample(Conformance, Meetings):
    shows_absence = False

    @pytest.fixture
    def remote(self, tmp_path: Path) -> Remote:
        (tmp_path / "scratch").mkdir()
        place = tmp_path / 'a place, it\'s "quoted"'
        return Remote(url_of_example(place), tmp_path / "scratch", place)

    def test_a_put_that_does_not_come_whole_is_not_there(self, remote: Remote) -> None:
        assert remote.behind is not None
        command = [str(EXAMPLE), "sh -c", str(remote.behind), "put", "a.json", "4"]
        done = subprocess.run(command, input=b"thr", capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (75, b"a.json did not come whole\n")
        assert list(remote.behind.iterdir()) == []

    def test_a_name_that_does_not_fit_on_a_line_is_left_out(self, remote: Remote) -> None:
        remote.put("a.json", b"one")
        assert remote.behind is not None
        (remote.behind / "b\n7 v c.json").write_bytes(b"two")
        assert remote.list().keys() == {"a.json"}

    def test_folders_and_links_are_no_files(self, remote: Remote) -> None:
        remote.put("a.json", b"one")
        assert remote.behind is not None
        (remote.behind / "folder").mkdir()
        (remote.behind / "link").symlink_to("a.json")
        assert remote.list().keys() == {"a.json"}

    def test_a_shell_that_is_not_reached_may_be_tried_again(self, tmp_path: Path) -> None:
        shell = tmp_path / "unreachable"
        shell.write_text("#!/bin/sh\nexit 255\n")
        shell.chmod(0o755)
        assert subprocess.run([EXAMPLE, shell, "/nowhere", "list"], check=False).returncode == 75

    def test_it_says_how_it_is_used(self) -> None:
        done = subprocess.run([EXAMPLE], capture_output=True, check=False)
        assert (done.returncode, done.stderr[:26]) == (64, b"usage: exec-transport.sh S")


@pytest.fixture
def remote_of(tmp_path: Path) -> Callable[[str], Remote]:
    """Make a remote of a shell script, which finds the operation in $1 and the name in $2."""

    def make(script: str) -> Remote:
        program = tmp_path / "a program"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        return Remote(f"exec:{shlex.quote(str(program))}", tmp_path)

    return make


Made = Callable[[str], Remote]


def test_a_program_of_five_lines_will_do(remote_of: Made, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    remote = remote_of(f"""
cd {shlex.quote(str(tmp_path / "there"))} && case $1 in
list) find . -type f -printf '%s %T@.%i %f\\n' ;;
get) cat "./$2" ;;
put) cat >".$2" && mv ".$2" "./$2" ;;
delete) rm -f "./$2" ;; esac""")
    remote.put("a b.json", b"one")
    assert remote.list()["a b.json"].size == 3
    assert remote.get("a b.json") == b"one"
    remote.delete("a b.json")
    assert remote.list() == {}


def test_its_words_are_split_as_a_shell_does_and_run_without_one(tmp_path: Path) -> None:
    said = tmp_path / "said"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\nprintf '[%s]' \"$@\" >{said}\n")
    program.chmod(0o755)
    assert Remote(f"""exec:{program} one "two  words" 'it'"'"'s' $(touch pwned) *""", tmp_path).list() == {}
    assert said.read_text() == "[one][two  words][it's][$(touch][pwned)][*][list]"


def test_a_put_is_told_how_many_bytes_come(remote_of: Made, tmp_path: Path) -> None:
    remote_of(f'echo "$@" >{tmp_path}/said; cat >>{tmp_path}/said').put("a.json", b"four")
    assert (tmp_path / "said").read_text() == "put a.json 4\nfour"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (65, DataError),
        (66, MissingError),
        (69, UnavailableError),
        (74, StorageError),
        (75, TransientError),
        (77, AccessError),
        (1, UnavailableError),
        (127, UnavailableError),
    ],
)
def test_its_status_tells_what_failed_and_its_last_words_why(
    remote_of: Made, status: int, kind: type[CrdtctlError]
) -> None:
    remote = remote_of(f"echo 'first' >&2; printf 'the disk\\033[31m is on fire\\n' >&2; exit {status}")
    for operate in (lambda: remote.get("a.json"), lambda: remote.put("a.json", b"one")):
        with pytest.raises(kind, match=r"is on fire") as raised:
            operate()
        assert type(raised.value) is kind
        assert "'a program " in raised.value.message
        assert raised.value.message.isprintable()


def test_credentials_in_what_it_says_are_not_told(remote_of: Made) -> None:
    remote = remote_of("echo 'no https://ann:hunter2@example.org/a?sig=hunter2&b=1 there' >&2; exit 1")
    with pytest.raises(UnavailableError, match=r"failed: no https://example\.org/a there") as raised:
        remote.list()
    assert "hunter2" not in str(raised.value)


def test_what_is_not_there_is_nothing_to_list_and_nothing_to_delete(remote_of: Made) -> None:
    remote = remote_of("exit 66")
    assert remote.list() == {}
    remote.delete("a.json")


def test_what_dies_amid_a_file_gives_none_of_it(remote_of: Made, tmp_path: Path) -> None:
    remote = remote_of("case $1 in list) echo '9 v a.json' ;; get) printf half; kill -9 $$ ;; esac")
    pieces: list[bytes] = []
    with remote.open() as transport, pytest.raises(UnavailableError, match="status -9"):
        transport.get("a.json", pieces.append)
    assert pieces == []
    with remote.open() as transport:
        [(_, found)] = transport.fetch(transport.list(), str(tmp_path))
    assert isinstance(found, UnavailableError)


def test_a_file_shorter_than_listed_is_none_though_all_went_well(remote_of: Made, tmp_path: Path) -> None:
    remote = remote_of("case $1 in list) echo '9 v a.json' ;; get) printf half ;; esac")
    with remote.open() as transport:
        [(_, found)] = transport.fetch(transport.list(), str(tmp_path))
    assert isinstance(found, TransientError)
    assert "get a.json' printed 4 bytes instead of the 9 from 'list'" in found.message


@pytest.mark.parametrize(
    "printed",
    [
        "hello",
        "a.json",
        "12",
        "12 v",
        "-1 v a.json",
        "1e3 v a.json",
        "12  a.json",
        r"12 v \0377.json",
        "99999999999999999999 v a",
        "12 v folder/a.json",
        "12 v ..",
    ],
)
def test_a_listing_that_is_none_is_told(remote_of: Made, printed: str) -> None:
    remote = remote_of(f"printf '12 v a.json\\n'; printf '%b\\n' '{printed}'")
    with pytest.raises(UnavailableError, match="it must print SIZE VERSION NAME"):
        remote.list()


@pytest.mark.parametrize(
    "printed",
    [
        r"12 v a.json\r\n3 w b.json\r\n",
        r"12 v a.json\r\n\r\n3 w b.json",
        r"\0357\0273\027712 v a.json\r\n3 w b.json\n",
        r"\0377\0376" + "".join(rf"\0{ord(c):o}\0000" for c in "12 v a.json\r\n3 w b.json\r\n"),
    ],
    ids=["CRLF", "blank", "UTF-8 with a mark", "UTF-16"],
)
def test_a_listing_of_a_program_of_windows_is_read(remote_of: Made, printed: str) -> None:
    found = remote_of(f"printf '%b' '{printed}'").list()
    assert {name: (entry.size, entry.version) for name, entry in found.items()} == {
        "a.json": (12, "v"),
        "b.json": (3, "w"),
    }


def test_a_name_with_a_control_character_is_named_and_not_read(remote_of: Made, tmp_path: Path) -> None:
    remote = remote_of(r"case $1 in list) printf '3 v a\033b.json\n3 v a.json\n' ;; get) printf one ;; esac")
    with remote.open() as transport:
        found = dict(transport.fetch(transport.list(), str(tmp_path)))
    assert [type(one) for one in found.values()] == [DataError, LocalFile]
    assert r"a\x1bb.json" in str(next(iter(found.values())))


def test_a_program_that_adds_carriage_returns_to_a_file_is_told_so(remote_of: Made, tmp_path: Path) -> None:
    remote = remote_of(r"case $1 in list) echo '8 v a.json' ;; get) printf 'one\r\ntwo\r\n' ;; esac")
    with remote.open() as transport:
        [(_, found)] = transport.fetch(transport.list(), str(tmp_path))
    assert isinstance(found, UnavailableError)
    assert "10 bytes" in str(found)
    assert "binary mode" in str(found)


def test_a_line_of_a_listing_is_divided_by_a_space_or_a_tab(remote_of: Made) -> None:
    found = remote_of("printf '1 - a.json\\n2\\tv\\t b  c\\n3 \"etag\" d\\n'").list()
    assert [(entry.size, entry.version, name) for name, entry in found.items()] == [
        (1, "-", "a.json"),
        (2, "v", " b  c"),
        (3, '"etag"', "d"),
    ]


def test_one_that_hangs_is_killed_with_what_it_started(remote_of: Made, tmp_path: Path) -> None:
    remote = remote_of(f"sleep 1000 & echo $! >{tmp_path}/started; wait")
    with remote.open(seconds=1) as transport, pytest.raises(TransientError, match="--timeout"):
        transport.list()
    started = int((tmp_path / "started").read_text())
    while _is_running(started):
        time.sleep(0.01)


def _is_running(pid: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def test_one_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match=r"cannot run '/not/here': No such file or directory; install it"):
        Remote("exec:/not/here", tmp_path).list()


def test_one_that_cannot_be_run_is_told_with_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("echo\n")
    for mode, place, told in ((0o644, "", r"chmod \+x"), (0o755, "", "#!/bin/sh"), (0o755, "/inner", "PATH")):
        file.chmod(mode)
        with pytest.raises(UnavailableError, match=f"cannot run '{file}{place}'.*{told}"):
            Remote(f"exec:{file}{place}", tmp_path).list()


def test_what_fails_comes_with_what_to_do(remote_of: Made) -> None:
    for status, told in ((1, "by hand"), (75, "try again")):
        with pytest.raises(CrdtctlError, match=told):
            remote_of(f"exit {status}").list()


def test_it_has_no_terminal_and_reads_nothing_but_what_is_put(remote_of: Made) -> None:
    remote = remote_of("cat; (: </dev/tty) 2>/dev/null && echo 'a terminal'; exit 0")
    assert remote.list() == {}


@pytest.mark.parametrize(
    "command",
    [
        "up --password=hunter2",
        "up --token hunter2",
        "env API_KEY=hunter2 up",
        "up --db-password hunter2 there",
        "curl https://ann:hunter2@example.org",
        "curl -H 'Authorization: Bearer hunter2'",
        "env AWS_SECRET_ACCESS_KEY=hunter2 up",
    ],
)
def test_a_command_that_tells_a_secret_is_refused(command: str) -> None:
    with pytest.raises(UsageError, match="must not contain a credential; keep it in the program's own") as raised:
        check(f"exec:{command}")
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    "command", ["up --password-file /run/secret", "pass show token", "up --tokens", "curl https://ann@example.org"]
)
def test_a_command_that_only_speaks_of_secrets_is_not_refused(command: str) -> None:
    assert check(f"exec:{command}") == f"exec:{command}"


def test_only_a_word_that_chooses_a_transport_does(tmp_path: Path) -> None:
    for url in ("exec:/a/program", "exec:program", "https://example.org/a", "ssh://example.org/a", "rclone:a:b"):
        assert check(url) == url
    assert check("./c:/a") == os.path.abspath("c:/a")
    with pytest.raises(UsageError, match="the scheme 'other' is not known"):
        check("other:a")


@pytest.mark.parametrize("command", ["'open", '"', "''", "'' x"])
def test_what_is_no_command_is_refused(command: str) -> None:
    with pytest.raises(UsageError, match="exec:"):
        check(f"exec:{command}")


def test_ssh_is_refused_as_it_would_run_what_strangers_call_their_files() -> None:
    with pytest.raises(UsageError, match="use ssh://"):
        check("exec:/usr/bin/ssh box /usr/local/bin/transport")


def test_two_replicas_meet_on_the_command_line(shell: Shell, tmp_path: Path) -> None:
    url = url_of_example(tmp_path / "there")
    for name, count in (("one", "2"), ("two", "3")):
        shell.ok("--replica", name, "init", "--name", name)
        shell.ok("--replica", name, "increment", "hits", count)
        shell.ok("--replica", name, "remote", "add", "there", url)
    for name in ("one", "two", "one"):
        assert shell.ok("--replica", name, "sync") == ""
    assert [shell.ok("--replica", name, "show", "hits") for name in ("one", "two")] == ["5\n", "5\n"]
    assert "atomic" in shell.ok("--replica", "one", "remote", "check", "there")


def test_two_replicas_meet_at_a_program_whose_lines_end_as_on_windows(shell: Shell, tmp_path: Path) -> None:
    program = tmp_path / "program"
    inner = shlex.join([str(EXAMPLE), "sh -c", str(tmp_path / "there")])
    program.write_text(f"#!/bin/sh\nif [ $1 = list ]; then {inner} list | sed 's/$/\\r/'; else {inner} \"$@\"; fi\n")
    program.chmod(0o755)
    for name, count in (("one", "2"), ("two", "40")):
        shell.ok("init", name)
        shell.ok("--replica", name, "increment", "hits", count)
    for name in ("one", "two", "one"):
        shell.ok("--replica", name, "sync", f"exec:{program}")
    assert [shell.ok("--replica", name, "show", "hits") for name in ("one", "two")] == ["42\n", "42\n"]


def test_on_the_command_line_it_is_told_in_one_line(shell: Shell, remote_of: Made) -> None:
    shell.ok("init")
    shell.ok("increment", "hits")
    ended = shell("sync", remote_of("echo 'out of paper' >&2; exit 1").url)
    assert (ended.status, ended.stdout, ended.stderr.count("\n")) == (69, "", 1)
    assert "out of paper" in ended.stderr
    ended = shell("sync", remote_of("exit 77").url)
    assert ended.status == 77


def test_the_example_is_what_shellcheck_accepts() -> None:
    try:
        done = subprocess.run(["shellcheck", EXAMPLE], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no shellcheck")
    assert (done.returncode, done.stdout) == (0, "")


def test_the_example_can_be_run() -> None:
    assert os.access(EXAMPLE, os.X_OK)
