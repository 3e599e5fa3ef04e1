"""``own.recent.json``: the latest changes of a large ``own.json``, which both are read with as one file."""

import errno
import itertools
import os
import re
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdtctl import Replica, fastpath
from crdtctl.cli.main import main
from crdtctl.codec.header import FileKind, Head, encode_head
from crdtctl.codec.layout import TRAILER_SIZE, InMemory, assemble
from crdtctl.codec.reader import Part, Source
from crdtctl.errors import DataError
from crdtctl.store import durable, recent
from crdtctl.store.check import check_replica
from crdtctl.store.joined import Joined
from tests.support.forked import child
from tests.support.large import COUNT, NAME, every_replica_is_large, grow, lines_in, recent_of
from tests.support.places import quick_directory

FIRST, SECOND = NAME.format(1), NAME.format(2)


def own_of(replica: Replica) -> Path:
    return Path(replica.path, "own.json")


@pytest.fixture
def large(tmp_path: Path) -> Replica:
    """Return a replica with an ``own.recent.json``, that has one change."""
    replica = Replica.init(tmp_path / "large", name="large")
    grow(replica)
    assert fast("increment", FIRST, replica)
    return replica


def fast(verb: str, name: str, replica: Replica) -> bool:
    """Do something by the fast path; return whether it did not decline."""
    return fastpath.run([verb, name, "--replica", replica.path]) == 0


def test_own_json_of_a_small_replica_is_alone(replica: Replica) -> None:
    replica.increment("builds")
    assert fast("increment", "builds", replica)
    assert not recent_of(replica).exists()
    assert b'"base"' not in own_of(replica).read_bytes()


def test_own_json_that_was_large_before_gets_an_own_recent_json(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(durable, "LARGE", 2**30)  # as in a version without own.recent.json
        with pytest.raises(AssertionError):
            grow(replica)
        assert fast("increment", FIRST, replica)
    assert not recent_of(replica).exists()
    assert not fast("increment", FIRST, replica)
    replica.increment(FIRST)
    assert recent_of(replica).exists()
    assert fast("increment", FIRST, replica)
    assert replica.value(FIRST) == 4


@pytest.mark.parametrize("witness", [True, False])
def test_own_json_without_a_witness_is_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, witness: bool) -> None:
    if not witness:
        monkeypatch.setenv("XDG_STATE_HOME", "/dev/null/nowhere")
    replica = Replica.init(tmp_path / "here", name="here")
    with replica.batch() as batch:
        for number in range(COUNT):
            batch.increment(NAME.format(number))
    assert recent_of(replica).exists() == witness
    assert fast("increment", FIRST, replica)
    assert replica.value(FIRST) == 2


@pytest.mark.parametrize("way", ["fast", "full"])
def test_an_increment_of_a_large_replica_replaces_own_recent_json_alone(
    large: Replica, way: str, capfd: pytest.CaptureFixture[str]
) -> None:
    before = own_of(large).read_bytes(), own_of(large).stat().st_ino
    for name in (SECOND, FIRST):
        if way == "fast":
            assert fast("increment", name, large)
        else:
            large.increment(name)
    assert (own_of(large).read_bytes(), own_of(large).stat().st_ino) == before
    assert lines_in(recent_of(large)) == [FIRST, SECOND]
    assert (large.value(FIRST), large.value(SECOND), large.value(NAME.format(3))) == (3, 2, 1)
    assert [fast("show", NAME.format(number), large) for number in (1, 2, 3)] == [True] * 3
    assert capfd.readouterr().out == "3\n2\n1\n"
    assert len(list(large.counters())) == COUNT


@pytest.mark.parametrize("is_recent", [True, False])
def test_show_of_a_name_with_series_in_either_file_declines(replica: Replica, is_recent: bool) -> None:
    if is_recent:
        grow(replica)
    replica.increment('builds{os="linux"}', 2)
    replica.increment("builds")
    if not is_recent:
        grow(replica)
    assert lines_in(recent_of(replica)) == (["builds", 'builds{os=\\"linux\\"}'] if is_recent else [])
    assert not fast("show", "builds", replica)
    assert fastpath.run(["inc", 'builds{os="linux"}', "--replica", replica.path]) == 0
    assert [one.value for one in replica.counters() if one.name.startswith("builds")] == [1, 3]


def test_both_ways_leave_the_same_own_recent_json(new_replica: Callable[[str], Replica]) -> None:
    names = [NAME.format(number) for number in (700, 2, 1299, 0, 2, 13, 1)]
    found = []
    for name, way in (("here", fastpath.run), ("also", main)):
        replica = new_replica(name)
        grow(replica)
        for name in names:
            with child(partial(way, ["increment", name, "--replica", replica.path])) as ended:
                assert ended().status == 0
        found.append(_without_ids(replica))
    assert found[0] == found[1]
    assert b'"kind":"recent"' in found[0]


def _without_ids(replica: Replica) -> bytes:
    """Return ``own.recent.json`` without its base, id, file identity and checksum."""
    data = recent_of(replica).read_bytes()[:-TRAILER_SIZE].replace(replica.id.encode(), b"ID")
    return re.sub(rb'"(base|binding|witness)":"[^"]*"', b"", data)


def test_a_commit_beyond_the_limit_moves_all_changes_to_own_json(large: Replica) -> None:
    base = own_of(large).read_bytes()
    commits = 0
    while fast("increment", NAME.format(commits), large):
        assert own_of(large).read_bytes() == base
        commits += 1
        assert recent_of(large).stat().st_size <= recent.MAX_LINES + 1000
    assert commits > 100
    large.increment(NAME.format(commits))
    assert own_of(large).read_bytes() != base
    assert lines_in(recent_of(large)) == []
    assert large.value(NAME.format(commits)) == 2
    assert fast("increment", NAME.format(commits), large)
    assert sum(one.value for one in large.counters()) == COUNT + commits + 3


def test_an_export_marker_of_a_large_replica_is_written_to_own_recent_json(large: Replica) -> None:
    before = own_of(large).read_bytes()
    state = large.export_bytes()
    assert own_of(large).read_bytes() == before
    assert b'"tags"' in recent_of(large).read_bytes()
    assert fast("increment", FIRST, large)
    assert large.export_bytes() != state


@pytest.mark.parametrize("way", ["fast", "full"])
def test_changes_that_moved_to_own_json_count_once_if_nothing_happened_after_that(
    large: Replica, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = os.rename

    def fail_in_the_end(old: str, new: str, **places: int) -> None:
        if new == "own.recent.json":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        rename(old, new, **places)

    with monkeypatch.context() as patched:
        patched.setattr(os, "rename", fail_in_the_end)
        grow(large)
    assert lines_in(recent_of(large)) == [FIRST]
    assert (large.value(FIRST), large.value(SECOND)) == (3, 2)
    assert [one.value for one in large.counters()].count(2) == COUNT - 1
    assert not fast("show", FIRST, large)
    before = own_of(large).read_bytes()
    if way == "full" or not fast("increment", SECOND, large):
        large.increment(SECOND)
    assert own_of(large).read_bytes() == before
    assert lines_in(recent_of(large)) == [SECOND]
    assert (large.value(FIRST), large.value(SECOND)) == (3, 3)
    assert fast("increment", FIRST, large)
    assert large.past() == []


# Files that do not belong together ---------------------------------------------------------------------


def _delete(one: Replica, _: Path) -> None:
    recent_of(one).unlink()


def _copy(one: Replica, place: Path) -> None:
    shutil.copy2(recent_of(one), place / "copied")
    os.replace(place / "copied", recent_of(one))


def _truncate(one: Replica, _: Path) -> None:
    recent_of(one).write_bytes(recent_of(one).read_bytes()[:-40])


def _damage(one: Replica, _: Path) -> None:
    data = bytearray(recent_of(one).read_bytes())
    data[-TRAILER_SIZE - 4] ^= 1
    recent_of(one).write_bytes(data)


def _empty(one: Replica, _: Path) -> None:
    recent_of(one).write_bytes(b"")


def _of_another(one: Replica, place: Path) -> None:
    other = Replica.init(place / "other", name="other")
    grow(other)
    os.replace(recent_of(other), recent_of(one))
    shutil.rmtree(other.path)


def _own_of_another(one: Replica, place: Path) -> None:
    other = Replica.init(place / "other", name="other")
    grow(other)
    os.replace(own_of(other), own_of(one))
    shutil.rmtree(other.path)


def _put_back(*names: str, in_place: bool, later: bool) -> Callable[[Replica, Path], None]:
    """Return a deed: put older versions back of these files; `later`: after own.json has been replaced since."""

    def put_back(one: Replica, place: Path) -> None:
        for name in names:
            shutil.copy2(f"{one.path}/{name}", place / name)
        if later:
            grow(one)
        one.increment(FIRST, 100)
        for name in names:
            if in_place:
                Path(one.path, name).write_bytes((place / name).read_bytes())
            else:
                os.replace(place / name, f"{one.path}/{name}")

    return put_back


REFUSED: dict[str, Callable[[Replica, Path], None]] = {
    "truncated": _truncate,
    "damaged": _damage,
    "empty": _empty,
    "of another replica": _of_another,
    "an older own.json": _put_back("own.json", in_place=False, later=True),
    "an older own.json, in place": _put_back("own.json", in_place=True, later=True),
}
#: The next write continues under a new id.
NOTICED: dict[str, Callable[[Replica, Path], None]] = {
    "deleted": _delete,
    **{
        f"an older {' and '.join(names)}{', in place' if in_place else ''}{', after more' if later else ''}": _put_back(
            *names, in_place=in_place, later=later
        )
        for names in (["own.recent.json"], ["own.json", "own.recent.json"])
        for in_place in (False, True)
        for later in (False, True)
    },
    "an equal own.json": _put_back("own.json", in_place=False, later=False),
    "an equal own.recent.json": _copy,
}


@pytest.mark.harms_replicas
@pytest.mark.parametrize("deed", REFUSED)
def test_files_that_do_not_belong_together_are_refused_by_every_command(
    large: Replica, tmp_path: Path, deed: str
) -> None:
    REFUSED[deed](large, tmp_path)
    before = own_of(large).read_bytes(), recent_of(large).read_bytes()
    assert not fast("increment", FIRST, large)
    assert not fast("show", FIRST, large)
    for use in (
        lambda: large.increment(FIRST),
        lambda: large.value(FIRST),
        lambda: list(large.counters()),
        large.export_bytes,
        lambda: large.merge_bytes(b"", check=False),
    ):
        with pytest.raises(DataError, match=r"own\.recent\.json"):
            use()
    assert (own_of(large).read_bytes(), recent_of(large).read_bytes()) == before
    faults = [one for one in check_replica(large.path) if not one.ok]
    assert faults
    assert any("one backup" in one.found for one in faults), "it says what to do"
    assert all("own.recent.json" in one.path + one.found for one in faults)


@pytest.mark.harms_replicas
@pytest.mark.parametrize("deed", NOTICED)
def test_an_older_version_of_the_files_gets_a_new_id(large: Replica, tmp_path: Path, deed: str) -> None:
    NOTICED[deed](large, tmp_path)
    before = large.id if deed != "deleted" else ""
    assert not fast("increment", SECOND, large)
    large.increment(SECOND)
    assert large.id != before
    assert large.past()
    assert large.value(SECOND) >= 2
    assert not recent_of(large).exists()
    assert [one.found for one in check_replica(large.path) if not one.ok] == []


@pytest.mark.harms_replicas
def test_a_file_that_was_put_back_too_late_is_reported_until_its_counts_are_merged(
    large: Replica, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(large.path, tmp_path / "backup")
    away = recent_of(large).rename(tmp_path / "away")
    large.increment(FIRST, 100)
    away.rename(recent_of(large))
    assert large.value(FIRST) == 101
    assert main(["check", "--replica", large.path]) == 1
    fault = next(one for one in check_replica(large.path) if not one.ok)
    assert (Path(fault.path).name, "commits 2 to 2" in fault.found) == ("own.recent.json", True)
    assert fault.found.endswith("see 'crdtctl help identity'")
    capfd.readouterr()
    assert main(["status", "--format", "table", "--replica", large.path]) == 0
    assert "own.recent.json" in capfd.readouterr().out
    large.merge_bytes(Replica(tmp_path / "backup").export_bytes())
    assert large.value(FIRST) == 102
    assert main(["check", "--replica", large.path]) == 0
    assert [one.found for one in check_replica(large.path) if one.path.endswith("recent.json")] == [
        "it is not used: its counts are in the other files; it may be deleted"
    ]
    capfd.readouterr()
    assert main(["status", "--format", "table", "--replica", large.path]) == 0
    assert "own.recent.json" not in capfd.readouterr().out


@pytest.mark.harms_replicas
def test_a_missing_file_is_reported_by_every_reader(large: Replica) -> None:
    recent_of(large).unlink()
    assert not fast("show", FIRST, large)
    for read in (lambda: large.value(FIRST), lambda: list(large.counters()), large.clock):
        with pytest.raises(DataError, match="is missing: it holds the latest counts"):
            read()
    assert any("is missing" in one.found for one in check_replica(large.path) if not one.ok)


@pytest.mark.harms_replicas
def test_a_damaged_block_of_own_json_is_never_counted_on(large: Replica) -> None:
    data = own_of(large).read_bytes()
    start = data.index(SECOND.encode())
    at = data.index(b",1,0]", start)
    own_of(large).write_bytes(data[:at] + b",9,0]" + data[at + 5 :])
    assert not fast("increment", SECOND, large)
    assert not fast("show", SECOND, large)
    with pytest.raises(DataError, match="checksum"):
        large.increment(SECOND)
    assert fast("increment", FIRST, large)  # its line is in the other file


def test_a_copy_of_a_large_replica_gets_a_new_id_and_counts_all(large: Replica, tmp_path: Path) -> None:
    shutil.copytree(large.path, tmp_path / "copy")
    copy = Replica(tmp_path / "copy")
    assert not fast("increment", FIRST, copy)
    copy.increment(FIRST)
    assert copy.id != large.id
    assert (copy.value(FIRST), large.value(FIRST)) == (3, 2)


def test_own_recent_json_is_not_merged_as_a_state(large: Replica, new_replica: Callable[[str], Replica]) -> None:
    with pytest.raises(DataError, match="holds only the latest changes"):
        new_replica("other").merge(recent_of(large))


def test_own_recent_json_has_the_mode_of_own_json(replica: Replica) -> None:
    replica.increment("builds")
    own_of(replica).chmod(0o640)
    grow(replica)
    assert recent_of(replica).stat().st_mode & 0o777 == 0o640


# Any order of operations -------------------------------------------------------------------------------

_OPERATIONS = st.one_of(
    st.tuples(st.just("increment"), st.sampled_from("abcdefgh"), st.integers(1, 9)),
    st.tuples(st.just("decrement"), st.sampled_from("abcd"), st.integers(1, 9)),
    st.tuples(st.just("once"), st.sampled_from("abij"), st.sampled_from(["job-1", "job-2"])),
    st.tuples(st.just("batch"), st.sampled_from(["abc", "hgfedcba", "klmnopqrst"]), st.integers(1, 3)),
    st.tuples(st.just("reset"), st.sampled_from("abcd"), st.just(0)),
    st.tuples(st.sampled_from(["export", "copy", "merge"]), st.just(""), st.integers(1, 9)),
)


@given(operations=st.lists(_OPERATIONS, min_size=1, max_size=30), limit=st.sampled_from([1, 150, 400, 2000]))
def test_a_replica_with_and_without_own_recent_json_hold_the_same(
    operations: list[tuple[str, str, int]], limit: int
) -> None:
    with quick_directory() as place:
        pair = [Replica.init(f"{place}/{name}", name=name) for name in ("plain", "large")]
        for operation in operations:
            _do(pair[0], operation)
            with every_replica_is_large(limit):
                _do(pair[1], operation)
        with every_replica_is_large(limit):
            readings = [[(one.name, one.tag, one.value) for one in replica.counters()] for replica in pair]
            assert readings[0] == readings[1]
            assert [pair[0].value(name) for name, _, _ in readings[0]] == [
                pair[1].value(name) for name, _, _ in readings[0]
            ]
            lines = [_lines(replica) for replica in pair]
            assert lines[0] == lines[1]
            assert pair[0].commits == pair[1].commits
            assert [one.found for one in check_replica(pair[1].path) if not one.ok] == []


def _do(replica: Replica, operation: tuple[str, str, int]) -> None:
    what, name, amount = operation
    match what:
        case "increment" | "decrement":
            if fastpath.run([what, name, str(amount), "--replica", replica.path]) is None:
                getattr(replica, what)(name, amount)
        case "once":
            replica.increment(name, 2, once=str(amount))
        case "batch":
            with replica.batch() as batch:
                for one in name:
                    batch.increment(one, amount)
        case "reset":
            if replica.tags(name):
                replica.reset(name)
        case "export":
            replica.export_bytes()
        case "copy":
            shutil.copytree(replica.path, f"{replica.path}.new")
            shutil.rmtree(replica.path)
            os.rename(f"{replica.path}.new", replica.path)
            replica.increment("after")
        case _:
            other = Replica.init(f"{replica.path}-other-{os.urandom(4).hex()}", name="other")
            other.increment("a", amount)
            replica.merge_bytes(other.export_bytes())


def _lines(replica: Replica) -> list[bytes]:
    """Return the exported lines, without what differs between two replicas."""
    return [line.split(b'":{')[0] for line in replica.export_bytes().splitlines()[1:-1]]


_NAMES = st.lists(st.sampled_from([b"%c%c" % pair for pair in itertools.product(b"abc", b"xyz")]), unique=True)


@given(own=_NAMES, recent_names=_NAMES, part=st.tuples(*[st.sampled_from([b"", b"a", b"ay", b"b", b"by", b"d"])] * 2))
def test_lines_of_both_files_are_those_of_one(
    own: list[bytes], recent_names: list[bytes], part: tuple[bytes, bytes]
) -> None:
    old, new = _source(own, 1, "own"), _source(recent_names, 2, "recent")
    whole = Joined(old, new)
    expected = sorted({**dict(old.lines()), **dict(new.lines())}.items())
    chosen = [one for one in expected if part[0] <= one[0] and (not part[1] or one[0] < part[1])]
    assert list(whole.lines(Part(*part))) == chosen
    assert list(whole.lines()) == expected
    assert (
        whole.pages.read(0, whole.size)[:-TRAILER_SIZE]
        == assemble(encode_head(whole.head), [line for _, line in expected])[:-TRAILER_SIZE]
    )
    for name, _ in expected:
        assert whole.line(name.decode()) == dict(expected)[name]


def _source(names: list[bytes], seq: int, kind: FileKind) -> Source:
    """Return a file of a replica with these counters, changed in commit `seq`."""
    lines = [b'"%b":{"pncounter":{"here":[%d,1,0]}}' % (name, seq) for name in sorted(names)]
    head = Head(kind, "here", {"here": 2}, base="0" * 12 + (" 1 1 00000000" if kind == "recent" else ""))
    data = assemble(encode_head(head), lines)
    return Source(InMemory(data), len(data), ours=True)


# Many processes ----------------------------------------------------------------------------------------


def test_readers_see_whole_states_that_never_go_back_while_changes_move_to_own_json(
    new_replica: Callable[[str], Replica],
) -> None:
    replica = new_replica("here")
    writes = 150
    with every_replica_is_large(), ExitStack() as stack:
        with replica.batch() as batch:
            for name in "abcdefgh":
                batch.increment(name)

        def count() -> None:
            for number in range(writes):
                name = "abcdefgh"[number % 8]
                if fastpath.run(["increment", name, "--replica", replica.path]) is None:
                    replica.increment(name)

        ends = [stack.enter_context(child(count)) for _ in range(3)]
        before: dict[str, int] = {}
        total = folds = 0
        base = b""
        while total < 3 * writes + 8:
            now = {one.name: one.value for one in replica.counters()}
            assert all(now[name] >= value for name, value in before.items())
            assert sum(now.values()) >= total
            total, before = sum(now.values()), now
            with replica.snapshot() as snapshot:
                values = [snapshot.value(name) for name in "abcdefgh"]
                assert sum(values) == sum(one.value for one in snapshot.counters()) == snapshot.commits + 7
            later = own_of(replica).read_bytes()[:48]
            folds, base = folds + (later != base), later
        for end in ends:
            assert end().status == 0, end().stderr
    assert folds > 3
    assert total == 3 * writes + 8
