"""Following a file: through rotations, emptying and kills, each line is read once."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdtctl import Replica
from crdtctl.errors import BusyError, UsageError
from crdtctl.store.followed import Position, Step
from crdtctl.store.follower import Follower
from crdtctl.store.requests import increment


class Log:
    """A log that is written and rotated, and the lines that were written to it."""

    def __init__(self, directory: Path, way: str) -> None:
        self.path = directory / "log"
        self.way = way
        self.written: list[str] = []
        self.days = 20260101
        self.unfinished = ""

    def write(self, lines: int, part: bool) -> None:
        with self.path.open("a") as file:
            for _ in range(lines):
                self.written.append(f"line{len(self.written)}")
                file.write(f"{self.written[-1].removeprefix(self.unfinished)}\n")
                self.unfinished = ""
            if part and not self.unfinished:
                self.unfinished = f"line{len(self.written)}"[:3]
                file.write(self.unfinished)

    def rotate(self) -> None:
        if not self.path.exists():
            return
        if self.unfinished:
            self.write(1, part=False)
        if self.way == "date":
            self.days += 1
            self.path.rename(f"{self.path}-{self.days}")
            return
        for number in sorted((int(one.suffix[1:]) for one in self.path.parent.glob("log.*")), reverse=True):
            os.rename(f"{self.path}.{number}", f"{self.path}.{number + 1}")
        if self.way == "copy":
            shutil.copyfile(self.path, f"{self.path}.1")
            os.truncate(self.path, 0)
        else:
            self.path.rename(f"{self.path}.1")


class Reader:
    """A follower that counts into a replica, and that is killed and started again."""

    def __init__(self, directory: Path, log: Path) -> None:
        self.replica = Replica.init(directory / "here", name="here")
        self.path = log
        self.notes: list[str] = []
        self.start()

    def start(self) -> None:
        with self.replica.snapshot() as now:
            text = now.follows.get("increment:log")
        since = Path(self.replica.path, "own.json").stat().st_mtime
        self.waiting: list[bytes] = []
        self.follower = Follower(str(self.path), Position.parse(text) if text else None, since, self.notes.append)

    def kill(self) -> None:
        self.follower.close()
        self.start()

    def read(self) -> bool:
        lines = self.follower.read()
        if self.follower.position is None:
            self.commit(0)
        self.waiting += lines
        return bool(lines)

    def commit(self, count: int) -> None:
        after = self.follower.position_after(count)
        if after is not None:
            step = Step("increment:log", self.follower.position, after)
            self.replica.commit([increment(line.decode()) for line in self.waiting[:count]], step=step)
            self.follower.take(count)
            self.waiting = self.waiting[count:]

    def finish(self) -> None:
        for _ in range(3):
            while self.read():
                pass
        self.commit(len(self.waiting))


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    found = Reader(tmp_path, tmp_path / "log")
    yield found
    found.follower.close()


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(0, 3), st.booleans()),
        st.tuples(st.just("rotate"), st.just(0), st.just(False)),
        st.tuples(st.just("read"), st.just(0), st.just(False)),
        st.tuples(st.just("commit"), st.integers(0, 4), st.just(False)),
        st.tuples(st.just("kill"), st.just(0), st.just(False)),
    ),
    max_size=40,
)


@given(st.sampled_from(["number", "date", "copy"]), ACTIONS)
def test_every_line_counts_once_through_rotations_and_kills(
    tmp_path_factory: pytest.TempPathFactory, way: str, actions: list[tuple[str, int, bool]]
) -> None:
    directory = tmp_path_factory.mktemp("log")
    log, reader = Log(directory, way), Reader(directory, directory / "log")
    log.write(1, part=False)
    reader.finish()
    for action, number, part in actions:
        match action:
            case "write":
                log.write(number, part)
            case "rotate":
                if way == "copy":  # what is copied away before anything was read of it is lost to 'tail -F' as well
                    log.write(1, part=False)
                    reader.finish()
                    log.write(1, part=False)
                log.rotate()
            case "read":
                reader.read()
            case "commit":
                reader.commit(min(number, len(reader.waiting)))
            case _:
                reader.kill()
    log.write(1, part=False)
    reader.finish()
    reader.follower.close()
    assert {one.name: one.value for one in reader.replica.counters()} == dict.fromkeys(log.written, 1)


def test_copy_is_found_on_a_file_system_whose_clock_is_late(reader: Reader) -> None:
    log, copy = reader.path, reader.path.with_name("log.1")
    log.write_text("one\n")
    os.utime(log, (1_000_000, 1_000_000))
    assert reader.read()
    copy.write_text("one\ntwo\n")
    os.utime(copy, (1_000_001, 1_000_001))
    log.write_text("three\n")
    reader.finish()
    assert {one.name: one.value for one in reader.replica.counters()} == {"one": 1, "two": 1, "three": 1}


def test_last_line_waits_for_its_end(reader: Reader) -> None:
    reader.path.write_text("one\ntw")
    assert reader.follower.read() == [b"one"]
    assert reader.follower.read() == []
    with reader.path.open("a") as file:
        file.write("o\n")
    assert reader.follower.read() == [b"two"]


def test_last_line_of_a_rotated_file_needs_no_end(reader: Reader) -> None:
    reader.path.write_text("one\ntwo")
    assert reader.follower.read() == [b"one"]
    reader.path.rename(f"{reader.path}.1")
    reader.path.write_text("")
    assert reader.follower.read() == []
    reader.path.write_text("three\n")
    assert [reader.follower.read(), reader.follower.read()] == [[b"two"], [b"three"]]


def test_renamed_file_is_read_until_the_new_one_has_content(reader: Reader) -> None:
    reader.path.write_text("one\n")
    reader.follower.read()
    reader.path.rename(f"{reader.path}.1")
    reader.path.touch()
    assert reader.follower.read() == []
    with open(f"{reader.path}.1", "a") as file:
        file.write("two\n")
    assert reader.follower.read() == [b"two"]


def test_emptied_file_is_read_from_its_beginning_and_noted(reader: Reader) -> None:
    reader.path.write_text("one\ntwo\n")
    reader.finish()
    reader.path.write_text("three\n")
    reader.finish()
    reader.path.write_text("other lines of the same length or longer, see\n")  # it may grow before it is looked at
    reader.finish()
    assert [one.name for one in reader.replica.counters()] == [
        "one",
        "other lines of the same length or longer, see",
        "three",
        "two",
    ]
    assert [note.rpartition(" ")[0].split("log ")[-1] for note in reader.notes] == ["was emptied; reading from the"] * 2


def test_old_copy_is_not_the_rest_of_an_emptied_file(reader: Reader) -> None:
    reader.path.write_text("a\n")
    Path(f"{reader.path}.1").write_text("a\na\na\n")
    os.utime(f"{reader.path}.1", (1, 1))
    reader.finish()
    reader.path.write_text("")
    reader.finish()
    assert reader.replica.value("a") == 1


def test_file_that_was_deleted_while_nothing_followed_is_noted(reader: Reader) -> None:
    reader.path.write_text("one\ntwo\n")
    reader.finish()
    reader.follower.close()
    reader.path.with_name("keeps-the-inode").hardlink_to(reader.path)
    reader.path.unlink()
    reader.path.write_text("three\n")
    reader.start()
    reader.finish()
    assert reader.replica.value("three") == 1
    assert "after byte 8, was not found" in reader.notes[0]


def test_missing_file_is_waited_for(reader: Reader) -> None:
    assert [reader.follower.read(), reader.follower.read()] == [[], []]
    assert len(reader.notes) == 1
    reader.path.write_text("one\n")
    assert reader.follower.read() == [b"one"]


def test_mark_and_a_very_long_line_have_their_place(reader: Reader) -> None:
    long = b"x" * 200_000
    reader.path.write_bytes(b"\xef\xbb\xbfone\ntwo\n" + long + b"\nthree\n")
    lines = [*reader.follower.read(), *reader.follower.read()]
    assert (lines[:2], len(lines[2]) > 2**16) == ([b"one", b"two"], True)
    offsets = [reader.follower.position_after(count) for count in range(4)]
    assert [one and one.offset for one in offsets] == [0, 7, 11, 200_012]
    assert reader.follower.read() == [b"three"]
    reader.follower.take(3)
    position = reader.follower.position_after(1)
    assert position
    assert position.offset == reader.path.stat().st_size


def test_only_a_regular_file_is_followed(reader: Reader) -> None:
    os.mkfifo(reader.path)
    with pytest.raises(UsageError, match="regular"):
        reader.follower.read()


def test_two_followers_of_one_file_do_not_count_twice(tmp_path: Path, reader: Reader) -> None:
    reader.path.write_text("one\n")
    reader.read()
    other = Follower(str(reader.path), reader.follower.position, 0, reader.notes.append)
    other.read()
    reader.commit(1)
    after = other.position_after(1)
    assert after
    with pytest.raises(BusyError, match="another process follows"):
        reader.replica.commit([increment("one")], step=Step("increment:log", other.position, after))
    other.close()
    assert reader.replica.value("one") == 1


def test_position_is_kept_under_a_new_id_and_is_not_exported(tmp_path: Path, reader: Reader) -> None:
    reader.path.write_text("one\n")
    reader.finish()
    assert b"follows" not in reader.replica.export_bytes()
    with reader.replica.snapshot() as now:
        before = dict(now.follows)
    shutil.copytree(reader.replica.path, tmp_path / "copy")
    copy = Replica(tmp_path / "copy")
    copy.increment("other")
    assert copy.id != reader.replica.id
    with copy.snapshot() as now:
        assert dict(now.follows) == before
