"""States as they come: through pipes, compressed, one after the other, with byte order marks; and what is no state."""

import bz2
import gzip
import lzma
import os
import socket
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from backports import zstd

from crdtctl import Replica
from crdtctl.errors import DataError
from tests.conftest import PROGRAM, Result, Shell
from tests.support.expect import assert_refused, contents
from tests.support.handwritten import counted, document
from tests.support.installed import run_words
from tests.support.sh import command, in_sh

ONE = document("one", 7, counted("builds", "one", 7, 40))
TWO = document("two", 3, counted("builds", "two", 3, 2), counted("tests", "two", 3, 5))
LARGE = document("large", 9, *(counted(f"name {number:06}", "large", 9, 1) for number in range(3000)))


def in_bash(shell: Shell, script: str) -> Result:
    """Run a script in bash, which has ``<(…)``."""
    words = command(script)
    done = subprocess.run(
        ["bash", *words[1:]], capture_output=True, text=True, cwd=shell.directory, env=shell.environment, check=False
    )
    return Result(done.returncode, done.stdout, done.stderr)


@pytest.fixture(autouse=True)
def _files(shell: Shell) -> None:
    for name, data in (("one.json", ONE), ("two.json", TWO), ("large.json", LARGE)):
        (shell.directory / name).write_bytes(data)


# Streams -----------------------------------------------------------------------------------------------


def test_process_substitution_is_read_like_a_pipe(shell: Shell, replica: Replica) -> None:
    assert in_bash(shell, "crdtctl merge <(cat one.json) <(cat two.json) <(cat large.json)") == Result(0, "", "")
    assert (replica.value("builds"), replica.value("name 002999")) == (42, 1)
    assert in_bash(shell, "crdtctl compare <(cat one.json)").stdout == "ahead\n"
    assert in_bash(shell, "crdtctl check <(cat one.json) <(cat large.json)").status == 0
    assert in_bash(shell, "crdtctl show builds --require <(cat one.json)").stdout == "42\n"
    assert in_bash(shell, "crdtctl export --since <(crdtctl clock)").status == 0
    assert in_bash(shell, "crdtctl increment --batch <(printf 'plain\\n')").status == 0
    assert in_bash(shell, "crdtctl merge --files-from <(printf 'one.json\\ntwo.json\\n')").status == 0


@pytest.mark.parametrize("path", ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0", "-"])
def test_standard_input_has_several_names(shell: Shell, replica: Replica, path: str) -> None:
    for source in ("cat large.json |", "<large.json"):
        script = f"{source} crdtctl VERB" if source.endswith("|") else f"crdtctl VERB {source}"
        for verb in (f"merge {path}", f"compare {path}", f"check {path}", f"show --require {path} 'name 000001'"):
            assert in_sh(shell, script.replace("VERB", verb)).status == 0
    assert replica.value("name 000001") == 1


def test_a_named_pipe_is_read_to_its_end(shell: Shell, replica: Replica) -> None:
    for verb in ("merge", "compare", "check"):
        ended = in_sh(shell, f"mkfifo p; cat large.json > p & crdtctl {verb} p; status=$?; rm p; exit $status")
        assert ended.status == 0
    assert replica.value("name 000001") == 1
    ended = in_sh(shell, "mkfifo p; cat one.json > p & crdtctl absorb p")
    assert (ended.status, "no sealed replica" in ended.stderr) == (4, True)


def test_a_slow_writer_of_a_named_pipe_is_waited_for_and_nobody_is_not(shell: Shell, replica: Replica) -> None:
    script = "mkfifo p; (exec > p; sleep 6; cat one.json) & crdtctl merge p"
    assert in_sh(shell, script).status == 0
    assert replica.value("builds") == 40
    assert "is a pipe without a writer" in assert_refused(shell("merge", "p"), 65)


def test_a_stream_that_cannot_be_read_is_one_bad_file_among_others(shell: Shell, replica: Replica) -> None:
    os.mkfifo(shell.directory / "p")
    checked = shell("check", "one.json", "p", "two.json")
    assert (checked.status, checked.stderr) == (1, "crdtctl: 1 fault found\n")
    verdicts = [line.split("\t")[:2] for line in checked.stdout.splitlines()]
    assert verdicts == [["one.json", "ok"], ["p", "FAULT"], ["two.json", "ok"]]
    merged = shell("merge", "one.json", "/dev/zero", "two.json")
    assert (merged.status, merged.stdout) == (3, "")
    assert "1 of 3 files refused, 2 taken" in merged.stderr
    assert replica.value("builds") == 42
    assert in_bash(shell, "crdtctl check one.json - <&-").stdout.splitlines()[1].startswith("standard input\tFAULT\t")
    assert shell("merge", "--all-or-nothing", "one.json", "/dev/zero").status == 65


def test_a_socket_as_standard_input_is_read(shell: Shell, replica: Replica) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(ONE)
        ours.shutdown(socket.SHUT_WR)
        done = subprocess.run(
            command("crdtctl merge /dev/stdin"),
            stdin=theirs.fileno(),
            cwd=shell.directory,
            env=shell.environment,
            check=False,
        )
    assert (done.returncode, replica.value("builds")) == (0, 40)


def test_the_library_reads_a_pipe_as_well(shell: Shell, replica: Replica) -> None:
    reading, writing = os.pipe()
    os.write(writing, ONE + TWO)
    os.close(writing)
    replica.merge(f"/dev/fd/{reading}")
    os.close(reading)
    assert replica.value("builds") == 42


# Several states ----------------------------------------------------------------------------------------

JOINED = {
    "one after the other": ONE + TWO,
    "blank lines between": ONE + b"\n\n" + TWO + b"\n",
    "as in DOS": (ONE + TWO).replace(b"\n", b"\r\n"),
    "byte order marks": b"\xef\xbb\xbf" + ONE + b"\xef\xbb\xbf" + TWO,
    "UTF-16": ("\ufeff" + (ONE + TWO).decode()).encode("utf-16-le"),
    "without ends of lines": ONE.strip() + TWO.strip(),
    "gzip": gzip.compress(ONE + TWO),
    "two of gzip": gzip.compress(ONE) + gzip.compress(TWO),
    "two of zstd": zstd.compress(ONE) + zstd.compress(TWO),
    "an old and a new one": ONE + document("one", 2, counted("builds", "one", 2, 30)) + TWO,
    "with a large one": ONE + LARGE + TWO,
    "gzip with a large one": gzip.compress(LARGE + ONE + TWO),
}


@pytest.mark.parametrize("how", JOINED)
@pytest.mark.parametrize("path", ["-", "all.json"])
def test_several_states_in_one_file_are_merged(shell: Shell, replica: Replica, how: str, path: str) -> None:
    (shell.directory / "all.json").write_bytes(JOINED[how])
    shell.ok("merge", path, stdin=JOINED[how])
    assert (replica.value("builds"), replica.value("tests")) == (42, 5)
    assert replica.commits == 0
    assert shell.ok("compare", path, stdin=JOINED[how]) == "equal\n"
    checked = shell.ok("check", path, stdin=JOINED[how]).splitlines()
    assert len(checked) == JOINED[how].count(b'"crdtctl"') or how in (
        "UTF-16",
        "gzip",
        "two of gzip",
        "two of zstd",
        "gzip with a large one",
    )
    assert shell.ok("show", "builds", "--require", path, stdin=JOINED[how]) == "42\n"
    replica.merge(JOINED[how])


def test_export_can_be_appended(shell: Shell, replica: Replica, new_replica: Callable[[str], Replica]) -> None:
    for _ in range(3):
        replica.increment("builds")
        assert in_sh(shell, "crdtctl export >> all.json").status == 0
    other = new_replica("other")
    other.merge(shell.directory / "all.json")
    assert other.value("builds") == 3


def test_sealed_states_in_one_file_are_absorbed(
    shell: Shell, replica: Replica, new_replica: Callable[[str], Replica]
) -> None:
    data = b""
    for number in range(3):
        job = new_replica(f"job{number}")
        job.increment("builds", 10**number)
        job.seal()
        data += job.export_bytes()
    for path, content in (("-", data), ("jobs.json.gz", gzip.compress(data))):
        (shell.directory / "jobs.json.gz").write_bytes(content)
        shell.ok("absorb", path, stdin=content)
        assert replica.reading("builds").shares == {replica.id: 111}


def test_a_bad_one_of_several_is_named_and_the_others_are_taken(shell: Shell, replica: Replica) -> None:
    (shell.directory / "all.json").write_bytes(ONE + TWO.replace(b"[3,5,0]", b"[3,6,0]") + LARGE)
    ended = shell("merge", "all.json")
    assert ended.status == 3
    assert "all.json, state 2 of 3 is not a valid state: its checksum" in ended.stderr
    assert (replica.value("builds"), replica.value("name 000000")) == (40, 1)
    assert shell("merge", "--all-or-nothing", "all.json").status == 65


# Compressed, and other layouts -------------------------------------------------------------------------


@pytest.mark.parametrize("compress", [gzip.compress, zstd.compress], ids=["gzip", "zstd"])
@pytest.mark.parametrize("data", [ONE, LARGE], ids=["small", "large"])
def test_compressed_state_is_read(
    shell: Shell, replica: Replica, data: bytes, compress: Callable[[bytes], bytes]
) -> None:
    packed = compress(data)
    (shell.directory / "state.json.packed").write_bytes(packed)
    before = contents(replica.path)
    for path in ("state.json.packed", "-"):
        shell.ok("check", path, stdin=packed)
        assert shell.ok("compare", path, stdin=packed) == "behind\n"
        shell.ok("merge", "--dry-run", path, stdin=packed)
        assert contents(replica.path) == before
    shell.ok("merge", "state.json.packed", "one.json", "two.json")
    assert replica.value("builds") == 42


def test_two_hundred_gzip_files_are_merged_with_few_descriptors(shell: Shell, replica: Replica) -> None:
    files = []
    for number in range(200):
        lines = [counted(f"{number} {line:04}", f"job{number}", 1, 1) for line in range(1000)]
        files.append(f"{number}.json.gz")
        (shell.directory / files[-1]).write_bytes(gzip.compress(document(f"job{number}", 1, *lines), 1))
    (shell.directory / "list").write_text("\n".join(files))
    assert in_sh(shell, "ulimit -n 160; crdtctl merge --files-from list").status == 0
    assert replica.value("199 0999") == 1


DAMAGED = {
    "cut": gzip.compress(LARGE)[:-20],
    "changed": gzip.compress(LARGE)[:60] + b"\0\0\0\0" + gzip.compress(LARGE)[64:],
    "zeros": gzip.compress(bytes(80 * 2**20)),
    "twice": gzip.compress(gzip.compress(ONE)),
    "no state": gzip.compress(b"hello"),
    "zstd, cut": zstd.compress(LARGE)[:-20],
    "zstd, only its beginning": b"\x28\xb5\x2f\xfd",
    "zstd, changed": b"\x28\xb5\x2f\xfd" + ONE,
    "zstd, zeros": zstd.compress(bytes(80 * 2**20)),
    "zstd in gzip": gzip.compress(zstd.compress(ONE)),
}


@pytest.mark.parametrize("how", DAMAGED)
def test_wrong_compressed_file_is_refused(shell: Shell, replica: Replica, how: str) -> None:
    (shell.directory / "state.gz").write_bytes(DAMAGED[how])
    before = contents(replica.path)
    for path in ("state.gz", "-"):
        told = assert_refused(shell("merge", path, stdin=DAMAGED[how]), 65)
        assert "not a valid state" in told
        assert shell("check", path, stdin=DAMAGED[how]).status == 1
    assert contents(replica.path) == before


def test_zstd_without_its_package_is_refused_with_what_to_do(
    shell: Shell, replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, zstd.__name__, None)
    (shell.directory / "s.zst").write_bytes(zstd.compress(ONE))
    with pytest.raises(DataError, match="it is compressed with zstd") as raised:
        replica.merge(shell.directory / "s.zst")
    assert str(raised.value).endswith("s.zst; or run: pip install 'crdtctl[zstd]'")
    assert "unpack it first: zstd -d" in str(raised.value)


# Directories -------------------------------------------------------------------------------------------


def test_directory_stands_for_the_state_files_below_it(shell: Shell, replica: Replica) -> None:
    jobs = shell.directory / "jobs"
    for path, data in {
        "a/one.json": ONE,
        "b/c/two.json.gz": gzip.compress(TWO),
        "b/large.json.zst": zstd.compress(LARGE),
        "b/report.xml": b"<testsuite/>",
        ".cache/old.json": b"damaged",
        "b/.hidden.json": b"damaged",
    }.items():
        (jobs / path).parent.mkdir(parents=True, exist_ok=True)
        (jobs / path).write_bytes(data)
    (jobs / "loop").symlink_to(jobs)
    assert shell.ok("check", "jobs").count("\n") == 3
    shell.ok("merge", "jobs")
    assert (replica.value("builds"), replica.value("name 002999")) == (42, 1)
    (jobs / "a" / "bad.json").write_bytes(ONE[:-20])
    ended = shell("merge", "jobs", "two.json")
    assert ended.status == 3
    assert "jobs/a/bad.json is not a valid state" in ended.stderr


def test_directory_in_a_list_is_read_as_well(shell: Shell, replica: Replica) -> None:
    (shell.directory / "jobs").mkdir()
    (shell.directory / "jobs" / "one.json").write_bytes(ONE)
    shell.ok("merge", "--files-from", "-", stdin="jobs\ntwo.json\n")
    assert replica.value("builds") == 42


def test_sealed_states_of_a_directory_are_absorbed(
    shell: Shell, replica: Replica, new_replica: Callable[[str], Replica]
) -> None:
    (shell.directory / "jobs").mkdir()
    for number in range(3):
        job = new_replica(f"job{number}")
        job.increment("builds", 10**number)
        job.seal()
        (shell.directory / "jobs" / f"{number}.json").write_bytes(job.export_bytes())
    shell.ok("absorb", "jobs")
    assert replica.reading("builds").shares == {replica.id: 111}


def test_directory_without_state_files_is_refused(shell: Shell, replica: Replica) -> None:
    (shell.directory / "plain").mkdir()
    (shell.directory / "plain" / "report.txt").write_text("42\n")
    for verb in ("merge", "absorb"):
        assert "plain contains no state file" in assert_refused(shell(verb, "plain"), 66)
    ended = shell("merge", "plain", "two.json")
    assert (ended.status, replica.value("builds")) == (3, 2)
    assert "plain contains no state file" in ended.stderr
    assert "plain\tFAULT\tplain contains no state file" in shell("check", "plain", "two.json").stdout


def test_directory_with_very_many_other_files_is_refused(shell: Shell, replica: Replica) -> None:
    for number in range(101):
        (shell.directory / "home" / str(number)).mkdir(parents=True)
        for name in range(100):
            (shell.directory / "home" / str(number) / str(name)).touch()
    (shell.directory / "home" / "0" / "two.json").write_bytes(TWO)
    assert "home contains more than 10,000 files" in assert_refused(shell("merge", "home"), 65)


def test_replica_in_a_directory_is_not_left_out_silently(shell: Shell, replica: Replica) -> None:
    other = Replica.init(shell.directory / "machines" / "a" / ".crdtctl", name="a")
    other.increment("builds", 7)
    (shell.directory / "machines" / "two.json").write_bytes(TWO)
    ended = shell("merge", "machines")
    assert (ended.status, replica.value("builds")) == (3, 2)
    assert "machines/a is a replica's directory; type: crdtctl exchange machines/a" in ended.stderr


def test_directory_that_cannot_be_read_is_named(shell: Shell, replica: Replica) -> None:
    (shell.directory / "jobs" / "secret").mkdir(parents=True)
    (shell.directory / "jobs" / "secret").chmod(0)
    (shell.directory / "jobs" / "two.json").write_bytes(TWO)
    obeying = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    ended = run_words(shell, [*obeying, *PROGRAM, "merge", "jobs"])
    assert (ended.status, replica.value("builds")) == (3, 2)
    assert "cannot read jobs/secret" in ended.stderr


OTHER_LAYOUTS = {
    "UTF-8 with a mark": b"\xef\xbb\xbf" + ONE,
    "UTF-8 with a mark, as in DOS": b"\xef\xbb\xbf" + ONE.replace(b"\n", b"\r\n"),
    "as in DOS": ONE.replace(b"\n", b"\r\n"),
    "UTF-16": ("\ufeff" + ONE.decode()).encode("utf-16-le"),
    "UTF-16, the other way": ("\ufeff" + ONE.decode()).encode("utf-16-be"),
    "UTF-16, as in DOS": ("\ufeff" + ONE.decode().replace("\n", "\r\n")).encode("utf-16-le"),
    "gzip of UTF-16": gzip.compress(("\ufeff" + ONE.decode()).encode("utf-16-le")),
}


@pytest.mark.parametrize("how", OTHER_LAYOUTS)
def test_a_state_that_other_programs_wrote_again_is_the_same(shell: Shell, replica: Replica, how: str) -> None:
    shell.ok("merge", "-", stdin=OTHER_LAYOUTS[how])
    assert shell.ok("compare", "one.json") == "equal\n"
    assert shell.ok("export", "--since", "-", stdin=OTHER_LAYOUTS[how])
    assert replica.value("builds") == 40


def test_toml_with_a_mark_and_as_in_dos_is_taken(shell: Shell, replica: Replica) -> None:
    replica.merge_bytes(ONE)
    text = shell.ok("export", "--format", "toml")
    for data in (f"\ufeff{text}", text.replace("\n", "\r\n"), f"\ufeff{text}".replace("\n", "\r\n")):
        assert shell.ok("compare", "-", stdin=data) == "equal\n"
        assert shell.ok("compare", "-", stdin=data.encode("utf-16")) == "equal\n" if data[0] != "\ufeff" else True
    assert shell.ok("compare", "-", stdin=text + text) == "equal\n"


# What is no state --------------------------------------------------------------------------------------


def _archives(directory: Path) -> None:
    (directory / "s.xz").write_bytes(lzma.compress(ONE))
    (directory / "s.bz2").write_bytes(bz2.compress(ONE))
    (directory / "s.lz4").write_bytes(b"\x04\x22\x4d\x18" + ONE)
    with tarfile.open(directory / "s.tar", "w") as tar:
        tar.add(directory / "one.json")
    with zipfile.ZipFile(directory / "s.zip", "w") as zipped:
        zipped.writestr("one.json", ONE)


@pytest.mark.parametrize(
    ("file", "hint"),
    [("s.xz", "xz -dk s.xz"), ("s.bz2", "bzip2 -dk s.bz2"), ("s.lz4", "lz4 -d s.lz4"),
     ("s.tar", "tar -xf s.tar"), ("s.zip", "unzip s.zip")],
)  # fmt: skip
def test_other_compression_is_told_what_to_type(shell: Shell, replica: Replica, file: str, hint: str) -> None:
    _archives(shell.directory)
    assert assert_refused(shell("merge", file), 65).endswith(f"; unpack it first: {hint}\n")
    data = (shell.directory / file).read_bytes()
    assert "unpack it first" in assert_refused(shell("merge", "-", stdin=data), 65)
    if hint.split()[0] in ("xz", "bzip2", "tar"):
        for name in ("one.json", "s"):
            (shell.directory / name).unlink(missing_ok=True)
        assert in_sh(shell, hint).status == 0


STRANGERS = {
    "": "it is empty",
    "<!DOCTYPE html>\n<html>": "an HTML page",
    "\n <HTML><head>": "an HTML page",
    "<?xml version='1.0'?><Error/>": "XML",
    "version https://git-lfs.github.com/spec/v1\noid sha256:0\n": "git lfs pull",
    "/annex/objects/SHA256E-s3--x.json\n": "git annex get",
    "../.git/annex/objects/a/b/SHA256E-s3--x.json": "git annex get",
    f"<<<<<<< HEAD\n{ONE.decode()}=======\n{TWO.decode()}>>>>>>> other\n": "conflict markers",
    ONE.decode().replace('\n"', '\n<<<<<<< HEAD\n"', 1): "conflict markers",
    '{"one":7,"two":3}\n': "it is a clock",
    '{"schema":1,"replica":"x","counters":[]}\n': "it is a report",
    "builds\tpncounter\t42\n": "not a file of crdtctl",
    "crdtctl: cannot read x: No such file\n": "a message of crdtctl",
    "age-encryption.org/v1\n": "age -d",
}


@pytest.mark.parametrize("text", STRANGERS, ids=repr)
def test_what_is_no_state_is_told_as_what_it_is(shell: Shell, replica: Replica, text: str) -> None:
    (shell.directory / "strange").write_text(text)
    before = contents(replica.path)
    told = assert_refused(shell("merge", "strange"), 65)
    assert STRANGERS[text] in told
    assert "exported again" not in told
    assert STRANGERS[text] in assert_refused(shell("compare", "strange"), 65) or text == ""
    assert shell("check", "strange").status == 1
    assert contents(replica.path) == before


def test_directories_urls_and_places_elsewhere_are_told_the_right_command(
    shell: Shell, replica: Replica, new_replica: Callable[[str], Replica]
) -> None:
    other = new_replica("hub")
    assert f"crdtctl exchange {other.path}" in assert_refused(shell("merge", other.path), 65)
    told = assert_refused(shell("merge", "https://example.org/hub.json"), 66)
    assert "crdtctl sync https://example.org/hub.json" in told
    assert "curl -sSfL https://example.org/hub.json | crdtctl merge -" in told
    assert "crdtctl sync s3://bucket/x" in assert_refused(shell("merge", "s3://bucket/x"), 66)
    assert "ssh me@hub cat /srv/x.json | crdtctl merge -" in assert_refused(shell("merge", "me@hub:/srv/x.json"), 66)
    assert "no file matches" in assert_refused(shell("merge", "jobs/*.json"), 66)
    assert "crdtctl merge -" in assert_refused(shell("merge", stdin=ONE), 2)
    assert "crdtctl export -o mine.json" in assert_refused(shell("export", "mine.json"), 2)


# Lists of files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "listed"),
    [
        (["--files-from"], b"one.json\ntwo.json\n"),
        (["--files-from"], b"\n./one.json\r\n\ntwo.json"),
        (["--files-from"], b"\xef\xbb\xbfone.json\ntwo.json\n"),
        (["-0", "--files-from"], b"one.json\0two.json\0"),
        (["--null", "--files-from"], b"one.json\0two.json"),
    ],
)
def test_files_come_from_a_list(shell: Shell, replica: Replica, options: list[str], listed: bytes) -> None:
    (shell.directory / "list").write_bytes(listed)
    shell.ok("merge", *options, "list")
    assert replica.value("builds") == 42
    assert len(shell.ok("check", *options, "-", "large.json", stdin=listed).splitlines()) == 3
    assert shell("absorb", *options, "-", stdin=listed).status == 4


def test_names_with_line_feeds_and_bytes_that_are_no_text_are_listed_with_zero_bytes(
    shell: Shell, replica: Replica
) -> None:
    for name, data in ((b"a\nb", ONE), (b"\xff\xfe", TWO)):
        Path(os.fsdecode(os.fsencode(shell.directory) + b"/" + name)).write_bytes(data)
    shell.ok("merge", "-0", "--files-from", "-", stdin=b"a\nb\0\xff\xfe\0")
    assert replica.value("builds") == 42


def test_lists_that_are_wrong_are_refused(shell: Shell, replica: Replica) -> None:
    before = contents(replica.path)
    for verb in ("merge", "absorb", "check"):
        assert "names no file" in assert_refused(shell(verb, "--files-from", "-"), 66)
        assert "missing" in assert_refused(shell(verb, "--files-from", "missing"), 66)
        assert "-0" in assert_refused(shell(verb, "--files-from", "-", stdin=b"one.json\0two.json\0"), 2)
        assert "--files-from" in assert_refused(shell(verb, "-0", "one.json"), 2)
        assert "standard input" in assert_refused(shell(verb, "--files-from", "-", stdin=b"-\n"), 2)
    ended = shell("merge", "--files-from", "-", stdin=b"one.json\nmissing.json\n")
    assert (ended.status, "missing.json" in ended.stderr, replica.value("builds")) == (3, True, 40)
    assert contents(replica.path) != before


def test_a_file_of_several_states_is_not_replaced_while_one_of_them_is_not_known_here(
    shell: Shell, replica: Replica
) -> None:
    replica.increment("builds")
    for data in (ONE + TWO, replica.export_bytes() + TWO):
        (shell.directory / "all.json").write_bytes(data)
        assert "commits of " in assert_refused(shell("export", "-o", "all.json"), 73)
        assert (shell.directory / "all.json").read_bytes() == data
    shell.ok("merge", "all.json", "one.json")
    shell.ok("export", "-o", "all.json")
    assert (shell.directory / "all.json").read_bytes() == replica.export_bytes()
