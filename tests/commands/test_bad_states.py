"""A file that is not a valid state is refused (65) and named, and nothing is changed."""

import json
import os
from pathlib import Path

import pytest

from crdtctl import Replica
from tests.conftest import Shell
from tests.support.expect import assert_refused, contents
from tests.support.handwritten import counted, document, document_with

GOOD = document("other", 7, counted("builds", "other", 7, 42), counted("tests", "other", 3, 5))
HEAD = {"crdtctl": 1, "kind": "state", "replica": "other", "clock": {"other": 7}}
LINE = counted("builds", "other", 7, 42)


def row(text: str, tag: str = "pncounter") -> bytes:
    """Return a state whose only entry is `text`."""
    return document("other", 7, f'"builds":{{"{tag}":{{"other":{text}}}}}')


#: What is wrong → such a file.
BAD = {
    "empty": b"",
    "white space": b" \n",
    "nothing of ours": b"hello\n",
    "an empty object": b"{}",
    "an array": b"[]",
    "no text": b"\x80\x81\x82",
    "zeros": bytes(1000),
    "half a byte order mark": b"\xef\xbb" + GOOD,
    "half of UTF-16": ("\ufeff" + GOOD.decode()).encode("utf-16-le")[:-1],
    "something behind it": GOOD + b"x",
    "without its last line": GOOD[: GOOD.index(b'},"crc32"')],
    "without its last byte but one": GOOD[:-2],
    "in the middle of a line": GOOD[:120],
    "in the header": GOOD[:40],
    "a wrong checksum": GOOD[:-5] + (b"0" if GOOD[-5:-4] != b"0" else b"1") + GOOD[-4:],
    "another number": GOOD.replace(b"42", b"43"),
    "another layout of another number": json.dumps(json.loads(GOOD.replace(b"42", b"43")), indent=1).encode(),
    "a layout without its checksum": json.dumps({k: v for k, v in json.loads(GOOD).items() if k != "crc32"}).encode(),
    "a newer version": document_with({**HEAD, "crdtctl": 2}, LINE),
    "no version": document_with({k: v for k, v in HEAD.items() if k != "crdtctl"}, LINE),
    "a version that is no number": document_with({**HEAD, "crdtctl": True}, LINE),
    "an unknown kind": document_with({**HEAD, "kind": "rumour"}, LINE),
    "one field more": document_with({**HEAD, "mood": "good"}, LINE),
    "a delta without its beginning": document_with({**HEAD, "kind": "delta"}, LINE),
    "an author without a name": document_with({**HEAD, "replica": ""}, LINE),
    "an author with an escape": document_with({**HEAD, "replica": "\x1b[31m"}, LINE),
    "a clock with a zero": document_with({**HEAD, "clock": {"other": 7, "zero": 0}}, LINE),
    "a clock with a fraction": document_with({**HEAD, "clock": {"other": 7.0}}, LINE),
    "an unsorted clock": document_with({**HEAD, "clock": {"zoe": 1, "other": 7}}, LINE),
    "newer than its clock": document("other", 6, LINE),
    "by a stranger": document("other", 7, counted("builds", "stranger", 1, 1)),
    "commit 0": row("[0,1,0]"),
    "a negative number": row("[7,-1,0]"),
    "a fraction": row("[7,1.0,0]"),
    "an exponent": row("[7,1e3,0]"),
    "true for 1": row("[7,true,0]"),
    "null": row("[7,null,0]"),
    "not a number": row("[7,NaN,0]"),
    "a number in a string that fits": row('[7,"42",0]'),
    "a number beyond 2^53-1": row("[7,9007199254740992,0]"),
    "a number of 101 digits": row(f'[7,"{"1" * 101}",0]'),
    "a number of 5,000 digits": row(f"[7,{'1' * 5000},0]"),
    "too short a row": row("[7,1]"),
    "too long a row": row("[7,1,0,{},{},{},{}]"),
    "marks that are empty": row("[7,1,0,{},{}]"),
    "an empty map of keys": row("[7,1,0,{}]"),
    "a row that is none": row("7"),
    "spaces": row("[7, 1, 0]"),
    "two equal authors": row('[7,1,0],"other":[7,2,0]'),
    "an unknown type": row("[7,1,0]", tag="abacus"),
    "a name that is wrong": document("other", 7, counted(" builds", "other", 7, 1)),
    "a name with an equals sign": document("other", 7, counted("a=b", "other", 7, 1)),
    "unsorted lines": document("other", 7, counted("b", "other", 7, 1), counted("a", "other", 7, 1)),
    "a line twice": document("other", 7, LINE, LINE),
    "a counter without a type": document("other", 7, '"builds":{}'),
    "a type without a entry": document("other", 7, '"builds":{"pncounter":{}}'),
    "unsorted elements": row('[7,{"b":1,"a":1}]', tag="gset"),
    "an element twice": row('[7,{"a":1,"a":1}]', tag="gset"),
    "an element with an escape": row('[7,{"\\u001b":1}]', tag="gset"),
    "half a character": row('[7,{"\\ud800":1}]', tag="gset"),
    "deep nesting": b"[" * 200_000,
    "deep nesting in a line": row("[" * 200_000),
    "deep nesting in the header": b'{"crdtctl":1,"kind":"state","replica":' + b"[" * 200_000,
    "deep TOML": b"crdtctl = " + b"[" * 100_000,
}


def test_the_good_state_is_taken(shell: Shell, replica: Replica) -> None:
    shell.ok("merge", "-", stdin=GOOD)
    assert replica.value("builds") == 42


def test_no_bad_state_is_taken_and_every_one_is_named(shell: Shell, replica: Replica) -> None:
    replica.increment("builds")
    replica.merge_bytes(document("friend", 1, counted("builds", "friend", 1, 1)))
    files = {f"bad {number:02}.json": what for number, what in enumerate(BAD)}
    for file, what in files.items():
        (shell.directory / file).write_bytes(BAD[what])
    before = contents(replica.path)
    ended = shell("merge", *files)
    assert (ended.status, ended.stdout) == (65, "")
    *refusals, summary = ended.stderr.splitlines()
    assert f"{len(BAD)} of {len(BAD)}" in summary
    assert all(line.isprintable() for line in refusals)
    named = {line.removeprefix("crdtctl: ").partition(" is not a valid state: ")[0] for line in refusals}
    assert {what for file, what in files.items() if file not in named} == set()
    assert contents(replica.path) == before


def test_check_finds_a_fault_in_every_one(shell: Shell) -> None:
    files = {f"bad {number:02}.json": what for number, what in enumerate(BAD)}
    for file, what in files.items():
        (shell.directory / file).write_bytes(BAD[what])
    ended = shell("check", *files)
    assert ended.status == 1
    for (file, what), line in zip(files.items(), ended.stdout.splitlines(), strict=True):
        assert line.startswith(f"{file}\tFAULT\t"), what


@pytest.mark.parametrize("what", ["empty", "zeros", "in the header", "a newer version", "deep nesting", "a fraction"])
def test_on_standard_input_it_is_refused_too(shell: Shell, replica: Replica, what: str) -> None:
    before = contents(replica.path)
    assert "standard input" in assert_refused(shell("merge", "-", stdin=BAD[what]), 65)
    assert contents(replica.path) == before


def test_a_newer_version_is_told_to_upgrade(shell: Shell, replica: Replica) -> None:
    assert "upgrade" in assert_refused(shell("merge", "-", stdin=BAD["a newer version"]), 65)


def test_a_state_that_is_cut_anywhere_is_refused(shell: Shell, replica: Replica) -> None:
    before = contents(replica.path)
    files = []
    for size in range(len(GOOD) - 1):  # without the last line feed alone, it is the same state in another layout
        files.append(f"{size}.json")
        (shell.directory / files[-1]).write_bytes(GOOD[:size])
    ended = shell("merge", *files)
    assert (ended.status, ended.stdout) == (65, "")
    assert len(ended.stderr.splitlines()) == len(files) + 1
    assert contents(replica.path) == before


@pytest.mark.parametrize("verb", ["merge", "compare"])
def test_what_is_no_regular_file_is_refused_and_never_waited_for(shell: Shell, replica: Replica, verb: str) -> None:
    os.mkfifo(shell.directory / "pipe")
    before = contents(replica.path)
    for path in ("pipe", "/dev/null", "/dev/zero", ".", ".crdtctl"):
        assert path in assert_refused(shell(verb, path), 65)
    assert "missing.json" in assert_refused(shell(verb, "missing.json"), 66)
    assert contents(replica.path) == before


def test_a_link_to_a_state_is_as_good_as_the_state(shell: Shell, replica: Replica) -> None:
    (shell.directory / "state.json").write_bytes(GOOD)
    (shell.directory / "link.json").symlink_to("state.json")
    shell.ok("merge", "link.json")
    assert replica.value("builds") == 42
    Path(shell.directory, "state.json").unlink()
    assert_refused(shell("merge", "link.json"), 66)
