"""The behaviour that all transports share: a class of tests that each transport's own tests inherit.

A transport's tests define the fixture `remote`, a `Remote` that is not there yet, and may say what it cannot do.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from crdtctl.errors import CrdtctlError, MissingError, TransientError
from crdtctl.sync.local_files import LocalFile
from crdtctl.sync.schemes import check, connect
from crdtctl.sync.transport import Deadline, ListedObject, Transport

#: Names that strangers may give to files. Those that a transport cannot have, it need not list.
HOSTILE = [
    "-rf",
    "--help",
    "a b.json",
    "a'b.json",
    'a"b.json',
    "a\\b.json",
    "$(touch pwned)",
    "`touch pwned`",
    "%41.json",
    "%2e%2e",
    "a?b=c&d#e.json",
    "*.json",
    "[x].json",
    "{a,b}.json",
    "büro – 東京.json",
    "a;b|c.json",
    "laptop (1).json",
    "x" * 180 + ".json",
]

#: Puts a file: URL, directory for what the transport keeps, name, path.
PUT = """
import sys
from crdtctl.sync.schemes import check, connect
from crdtctl.sync.transport import Deadline
with connect(check(sys.argv[1]), Deadline(60), sys.argv[2]) as transport:
    transport.list()
    print("now", flush=True)
    transport.put(sys.argv[3], sys.argv[4])
    transport.flush()
"""


def content_of(fetched: LocalFile | CrdtctlError) -> bytes:
    """Return the content of a fetched file, which was no failure."""
    assert isinstance(fetched, LocalFile)
    return fetched.read()


@dataclass
class Remote:
    """A place at a server that runs: its URL, and where its files are found behind its back, if they are."""

    url: str
    scratch: Path
    behind: Path | None = None

    @contextmanager
    def open(self, seconds: float = 60) -> Iterator[Transport]:
        """Connect anew."""
        with connect(check(self.url), Deadline(seconds), str(self.scratch / "state")) as transport:
            yield transport

    def put(self, name: str, data: bytes) -> None:
        """Put a file, as one client does from beginning to end."""
        path = self.scratch / "outgoing"
        path.write_bytes(data)
        with self.open() as transport:
            transport.put(name, str(path))
            transport.flush()

    def get(self, name: str) -> bytes:
        """Get a file, as another client."""
        pieces: list[bytes] = []
        with self.open() as transport:
            transport.list()
            transport.get(name, pieces.append)
        return b"".join(pieces)

    def list(self) -> dict[str, ListedObject]:
        """List the files, as another client."""
        with self.open() as transport:
            return {entry.name: entry for entry in transport.list()}

    def delete(self, *names: str) -> None:
        """Delete files, as another client."""
        with self.open() as transport:
            transport.list()
            for name in names:
                transport.delete(name)
            transport.flush()


class Conformance:
    """The tests. Real servers, real processes; what is there is looked at by a client of its own each time."""

    #: Names that this transport, or what it is tested against, cannot have.
    impossible: frozenset[str] = frozenset()
    #: Whether a listing shows that the place does not exist.
    shows_absence = True

    @pytest.fixture
    def remote(self) -> Remote:
        raise NotImplementedError

    def test_a_place_that_is_not_there_yet_holds_nothing(self, remote: Remote) -> None:
        assert remote.list() == {}

    def test_place_is_absent_until_a_file_is_put(self, remote: Remote) -> None:
        path = remote.scratch / "first"
        path.write_bytes(b"one")
        with remote.open() as transport:
            transport.list()
            assert transport.is_absent == self.shows_absence
            transport.put("a.json", str(path))
            transport.flush()
            transport.list()
            assert not transport.is_absent

    def test_what_was_put_is_listed_and_is_what_is_got(self, remote: Remote) -> None:
        for data in (b"", b"one\n", bytes(range(256)) * 5000):
            remote.put("a.json", data)
            found = remote.list()
            assert {name: entry.size for name, entry in found.items()} == {"a.json": len(data)}
            assert remote.get("a.json") == data

    def test_a_listing_is_the_same_until_something_is_put(self, remote: Remote) -> None:
        remote.put("a.json", b"one")
        remote.put("b.json", b"two")
        before = remote.list()
        assert remote.list() == before
        remote.put("b.json", b"three")
        after = remote.list()
        assert after["a.json"] == before["a.json"]
        assert after["b.json"] != before["b.json"]

    def test_a_put_replaces_what_was_there(self, remote: Remote) -> None:
        remote.put("a.json", b"a longer one that was there before")
        remote.put("a.json", b"short")
        assert remote.get("a.json") == b"short"

    def test_what_is_deleted_is_gone_and_may_be_deleted_again(self, remote: Remote) -> None:
        remote.put("a.json", b"one")
        remote.put("b.json", b"two")
        remote.delete("a.json")
        remote.delete("a.json")
        assert remote.list().keys() == {"b.json"}
        with pytest.raises(MissingError):
            remote.get("a.json")

    def test_what_is_deleted_while_others_are_read_is_missing_alone(self, remote: Remote, tmp_path: Path) -> None:
        for name in ("a.json", "b.json", "c.json"):
            remote.put(name, name.encode())
        with remote.open() as transport:
            listing = sorted(transport.list(), key=lambda entry: entry.name)
        remote.delete("b.json")
        into = tmp_path / "into"
        into.mkdir()
        with remote.open() as transport:
            transport.list()
            found = {entry.name: path for entry, path in transport.fetch(listing, str(into))}
        assert {name: path.read() for name, path in found.items() if isinstance(path, LocalFile)} == {
            "a.json": b"a.json",
            "c.json": b"c.json",
        }
        assert isinstance(found["b.json"], MissingError)

    def test_many_files_are_read_at_once(self, remote: Remote, tmp_path: Path) -> None:
        with remote.open() as transport:
            for number in range(20):
                path = tmp_path / "outgoing"
                path.write_bytes(b"%d" % number)
                transport.put(f"{number}.json", str(path))
            transport.flush()
        into = tmp_path / "into"
        into.mkdir()
        with remote.open() as transport:
            listing = transport.list()
            found = {entry.name: path for entry, path in transport.fetch(listing, str(into))}
        assert {name: content_of(path) for name, path in found.items()} == {
            f"{number}.json": b"%d" % number for number in range(20)
        }

    def test_two_writers_at_once_lose_nothing_of_each_other(self, remote: Remote, tmp_path: Path) -> None:
        mine, yours = tmp_path / "mine", tmp_path / "yours"
        mine.write_bytes(b"mine")
        yours.write_bytes(b"yours")
        remote.put("first.json", b"first")
        with remote.open() as one, remote.open() as other:
            one.list()
            other.list()
            one.put("mine.json", str(mine))
            other.put("yours.json", str(yours))
            one.delete("first.json")
            other.flush()
            one.flush()
        assert remote.list().keys() == {"mine.json", "yours.json"}
        assert (remote.get("mine.json"), remote.get("yours.json")) == (b"mine", b"yours")

    def test_a_put_that_is_killed_leaves_the_old_one_and_of_the_new_one_all_or_nothing(self, remote: Remote) -> None:
        old, new = b"old" * 1000, bytes(range(256)) * 2**15
        remote.put("old.json", old)
        path = remote.scratch / "outgoing"
        path.write_bytes(new)
        for delay in (0.0, 0.01, 0.03, 0.1):
            with remote.open() as transport:
                is_atomic = transport.atomic
            put = subprocess.Popen(
                [sys.executable, "-c", PUT, remote.url, str(remote.scratch / "state"), "new.json", str(path)],
                stdout=subprocess.PIPE,
                start_new_session=True,
            )
            assert put.stdout is not None
            put.stdout.read(1)  # it is about to put
            time.sleep(delay)
            os.killpg(put.pid, signal.SIGKILL)
            put.wait()
            put.stdout.close()
            assert remote.get("old.json") == old
            with suppress(MissingError):
                found = remote.get("new.json")
                assert new.startswith(found)
                assert found == new or not is_atomic

    @pytest.mark.parametrize("name", HOSTILE, ids=lambda name: name[:24])
    def test_a_hostile_name_is_a_name_like_others(self, remote: Remote, name: str) -> None:
        if name in self.impossible:
            pytest.skip("there is no such name at this kind of place")
        remote.put("a.json", b"innocent")
        remote.put(name, b"hostile")
        assert remote.list().keys() == {"a.json", name}
        assert remote.get(name) == b"hostile"
        assert remote.get("a.json") == b"innocent"
        remote.delete(name)
        assert remote.list().keys() == {"a.json"}

    @pytest.mark.parametrize("name", ["../out.json", "/etc/out.json", "a/b.json", "..", "."])
    def test_a_name_never_leads_out_of_the_place(self, remote: Remote, name: str, tmp_path: Path) -> None:
        remote.put("a.json", b"here")
        with pytest.raises(CrdtctlError):
            remote.put(name, b"out")
        with pytest.raises(CrdtctlError):
            remote.get(name)
        assert remote.list().keys() == {"a.json"}

    def test_when_time_is_over_it_says_so_and_that_it_may_be_tried_again(self, remote: Remote) -> None:
        remote.put("a.json", b"one")
        with pytest.raises(TransientError, match="--timeout"), remote.open(seconds=0) as transport:
            transport.list()
