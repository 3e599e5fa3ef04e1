"""Replicas that may lack what others forgot or renamed: listed until a file that they wrote shows that they have it."""

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from crdtctl import Options, Replica
from crdtctl.codec.header import Head, encode_head
from crdtctl.codec.reader import Source
from crdtctl.crdt.branches import origin
from crdtctl.errors import MissingError
from crdtctl.store import receipts
from crdtctl.store.inputs import Input
from crdtctl.store.receipts import Unreceived
from tests.support.clones import clone
from tests.support.large import every_replica_is_large
from tests.support.places import quick_directory
from tests.support.unchecked import synchronize

New = Callable[[str], Replica]


@pytest.fixture
def three(new_replica: New) -> tuple[Replica, Replica, Replica]:
    """Return three replicas that have counted the same, and know each other."""
    ann, bob, cat = (new_replica(name) for name in ("ann", "bob", "cat"))
    for one in (ann, bob, cat):
        one.increment("builds")
        one.increment("tmp")
    for one in (ann, bob, cat):
        one.merge_bytes(*(other.export_bytes() for other in (ann, bob, cat) if other is not one))
    return ann, bob, cat


def lacking(replica: Replica) -> dict[str, list[str]]:
    """Return replica that made a notice → names of those that may lack it."""
    return {who(one.author): [who(other) for other in one.replicas] for one in replica.unreceived()}


def who(replica: str) -> str:
    return replica.partition("-")[0]


def forget(replica: Replica, name: str) -> None:
    replica.forget_counters(name)


def rename(replica: Replica, name: str) -> None:
    replica.rename(name, "other")


@pytest.mark.parametrize("act", [forget, rename])
def test_replica_is_listed_until_a_state_of_it_shows_that_it_has_the_notice(
    three: tuple[Replica, Replica, Replica], act: Callable[[Replica, str], None]
) -> None:
    ann, bob, cat = three
    assert lacking(ann) == {}
    act(ann, "tmp")
    assert lacking(ann) == {"ann": ["bob", "cat"]}
    ann.merge_bytes(bob.export_bytes())
    assert lacking(ann) == {"ann": ["bob", "cat"]}
    bob.merge_bytes(ann.export_bytes())
    assert lacking(bob) == {"ann": ["cat"]}
    ann.merge_bytes(bob.export_bytes(since=ann.clock()))
    assert lacking(ann) == {"ann": ["cat"]}
    cat.merge_bytes(bob.export_bytes())
    ann.merge_bytes(cat.export_bytes())
    assert lacking(ann) == lacking(cat) == {}
    act(ann, "builds")
    assert lacking(ann) == {"ann": ["bob", "cat"]}


def test_an_old_state_takes_no_receipt_back(three: tuple[Replica, Replica, Replica]) -> None:
    ann, bob, _ = three
    old = bob.export_bytes()
    ann.forget_counters("tmp")
    bob.merge_bytes(ann.export_bytes())
    ann.merge_bytes(bob.export_bytes())
    ann.merge_bytes(old)
    assert lacking(ann) == {"ann": ["cat"]}


def test_receipts_alone_are_not_a_change(three: tuple[Replica, Replica, Replica]) -> None:
    ann, bob, _ = three
    ann.forget_counters("tmp")
    bob.merge_bytes(ann.export_bytes())
    events = len(ann.log())
    assert not ann.merge_bytes(bob.export_bytes()).changed
    assert len(ann.log()) == events
    assert lacking(ann) == {"ann": ["cat"]}
    known = Path(ann.path, "known.json").read_bytes()
    ann.merge_bytes(bob.export_bytes())
    assert Path(ann.path, "known.json").read_bytes() == known


def test_states_without_notices_have_no_field_for_them(three: tuple[Replica, Replica, Replica]) -> None:
    ann, bob, _ = three
    ann.increment("builds")
    bob.merge_bytes(ann.export_bytes())
    assert b'"received"' not in bob.export_bytes()
    assert b'"rece' not in Path(bob.path, "known.json").read_bytes()


def test_sync_brings_receipts_although_objects_hold_no_whole_clocks(
    three: tuple[Replica, Replica, Replica], tmp_path: Path
) -> None:
    ann, bob, cat = three
    place = f"{tmp_path}/hub"
    for one in three:
        synchronize(one, place)
    ann.forget_counters("tmp")
    synchronize(ann, place)
    assert lacking(ann) == {"ann": ["bob", "cat"]}
    assert synchronize(bob, place, options=Options(dry_run=True)).remotes[0].put is not None
    for one in (bob, cat, ann, bob):
        synchronize(one, place)
    assert lacking(ann) == lacking(bob) == lacking(cat) == {}
    assert not any(synchronize(one, place).changed for one in three)


def test_replica_that_learns_of_a_notice_without_its_commit_does_not_state_that_it_has_it(
    three: tuple[Replica, Replica, Replica],
) -> None:
    ann, bob, cat = three
    ann.forget_counters("tmp")
    bob.merge_bytes(ann.export_bytes())
    part: list[bytes] = []
    bob.share(part.append, [])
    cat.merge_bytes(b"".join(part))
    assert lacking(cat) == {}
    ann.merge_bytes(bob.export_bytes(), cat.export_bytes())
    assert lacking(ann) == {"ann": ["cat"]}


def test_many_states_joined_in_rounds_bring_their_receipts(
    three: tuple[Replica, Replica, Replica], monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, bob, cat = three
    ann.forget_counters("tmp")
    files = []
    for one in (bob, cat):
        one.merge_bytes(ann.export_bytes())
        files += [one.export_bytes()] * 3
    monkeypatch.setattr("crdtctl.store.merge.limits.GROUP_SMALL", 2)
    ann.merge_inputs(Input(f"{number}", data=data) for number, data in enumerate(files))
    assert lacking(ann) == {}


def test_retired_replicas_and_earlier_ids_are_not_listed(three: tuple[Replica, Replica, Replica]) -> None:
    ann, bob, cat = three
    ann.forget_counters("tmp")
    ann.retire(bob.id)
    cat.seal()
    ann.merge_bytes(cat.export_bytes())
    assert lacking(ann) == {}


def test_absorbing_makes_the_notice_one_of_the_absorber(three: tuple[Replica, Replica, Replica]) -> None:
    ann, bob, cat = three
    bob.forget_counters("tmp")
    bob.merge_bytes(ann.export_bytes(), cat.export_bytes())
    bob.seal()
    ann.absorb([Input("bob", data=bob.export_bytes())])
    assert lacking(ann) == {"ann": ["cat"]}
    cat.merge_bytes(ann.export_bytes())
    assert lacking(cat) == {}
    ann.merge_bytes(cat.export_bytes())
    assert lacking(ann) == {}


def test_copied_replica_keeps_the_notices_of_its_earlier_id(
    three: tuple[Replica, Replica, Replica], tmp_path: Path
) -> None:
    ann, bob, _ = three
    ann.forget_counters("tmp")
    bob.merge_bytes(ann.export_bytes())
    ann.merge_bytes(bob.export_bytes())
    shutil.copytree(ann.path, tmp_path / "copy")
    copy = Replica(tmp_path / "copy")
    copy.increment("builds")
    assert copy.id != ann.id
    assert lacking(copy) == {"ann": ["cat"]}


def test_statements_of_an_id_with_two_writers_do_not_count(
    three: tuple[Replica, Replica, Replica], tmp_path: Path
) -> None:
    ann, bob, _ = three
    secret = tmp_path / "secret"
    clone(Path(bob.path), secret)
    twin = Replica(secret)
    for one in (bob, twin):
        one.increment("builds")
        one.export_bytes()
    ann.forget_counters("tmp")
    bob.merge_bytes(ann.export_bytes())
    ann.merge_bytes(bob.export_bytes())
    assert lacking(ann) == {"ann": ["cat"]}
    ann.merge_bytes(twin.export_bytes(), check=False)
    assert lacking(ann) == {"ann": ["bob", "bob", "cat"]}
    ann.merge_bytes(bob.export_bytes(), check=False)
    assert lacking(ann) == {"ann": ["bob", "bob", "cat"]}
    ann.settle(bob.id)
    assert lacking(ann) == {"ann": ["cat"]}


def test_large_own_file_keeps_its_notice(new_replica: New, three: tuple[Replica, Replica, Replica]) -> None:
    large, (ann, *_) = new_replica("dan"), three
    with every_replica_is_large():
        large.increment("tmp")
        large.merge_bytes(ann.export_bytes())
        large.forget_counters("tmp")
        large.increment("builds")
        assert Path(large.path, "own.recent.json").exists()
    assert lacking(large)["dan"] == ["ann", "bob", "cat"]


def test_line_lists_ten_replicas() -> None:
    names = tuple(f"r{number}" for number in range(12))
    assert str(Unreceived("ann", 7, names)).startswith("r0, r1, r2, r3, r4, r5, r6, r7, r8, r9 and 2 more may not")
    assert str(Unreceived("ann", 7, names[:1])).startswith("r0 may not have received what ann forgot or renamed")


clocks = st.dictionaries(st.sampled_from("abcd"), st.integers(1, 4), max_size=4)


@given(
    st.dictionaries(st.sampled_from("abcd"), clocks, max_size=3),
    st.lists(st.tuples(st.sampled_from("abcd"), clocks)),
    clocks,
)
def test_receipts_are_kept_of_the_latest_notices_alone(
    before: dict[str, dict[str, int]], statements: list[tuple[str, dict[str, int]]], notices: dict[str, int]
) -> None:
    found = receipts.collected(before, statements, notices, "abc")
    assert receipts.collected(found, [*statements, *statements], notices, "abc") == found
    for author, part in found.items():
        assert part
        assert author not in part
        assert part.keys() <= {*"abc"}
        assert min(part.values()) >= notices[author]


def test_head_with_receipts_is_sorted() -> None:
    head = Head(
        "known", "a", {"b": 2, "c": 1}, received={"c": 1, "b": 2}, receipts={"c": {"b": 1}, "b": {"d": 2, "c": 3}}
    )
    assert b'"received":{"b":2,"c":1},"receipts":{"b":{"c":3,"d":2},"c":{"b":1}}' in encode_head(head)


STEPS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.sampled_from("ifrsdopk")), min_size=4, max_size=30)


@given(STEPS)
def test_no_replica_that_lacks_a_notice_is_missing_in_any_list(steps: list[tuple[int, int, str]]) -> None:
    with quick_directory() as place:
        replicas = [Replica.init(f"{place}/{name}", name=name) for name in "abcd"]
        notices: dict[str, int] = {}
        files: list[bytes] = []
        for one in replicas:
            one.increment("tmp")
        for here, there, step in steps:
            replica, other = replicas[here], replicas[there]
            match step:
                case "i":
                    replica.increment("tmp")
                case "f" | "r":
                    before = replica.commits
                    if step == "r":
                        with suppress(MissingError):  # it may be forgotten
                            replica.rename("tmp", f"to {here}")
                    elif "tmp" in (one.name for one in replica.counters()):
                        replica.forget_counters("tmp")
                    if replica.commits > before:
                        notices[replica.id] = replica.commits
                case "s":
                    files.append(other.export_bytes())
                    replica.merge_bytes(files[-1])
                case "d":
                    replica.merge_bytes(other.export_bytes(since=replica.clock()))
                case "p":
                    part: list[bytes] = []
                    other.share(part.append, [])
                    files.append(b"".join(part))
                    replica.merge_bytes(files[-1])
                case "o" if files:
                    replica.merge_bytes(files[there % len(files)])
                case _:
                    replica.merge_bytes(*(one.export_bytes() for one in replicas))
        clocks = {one.id: one.clock() for one in replicas}
        for one in replicas:
            listed = {late.author: late for late in one.unreceived()}
            for author, commit in notices.items():
                if one.clock().get(author, 0) >= commit:
                    for who in one.clock().keys() - {one.id, author}:
                        has_it = clocks[origin(who)].get(author, 0) >= commit
                        event(f"has it: {has_it}")
                        assert has_it or who in listed[author].replicas


def test_files_of_earlier_versions_have_no_receipts(three: tuple[Replica, Replica, Replica]) -> None:
    ann, *_ = three
    with ann.snapshot() as now:
        assert isinstance(now.own, Source)
        assert now.head().received == {}
        assert now.unreceived() == []
