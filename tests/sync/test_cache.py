"""The cache of a remote's objects: it is read as it was saved, small, and never an obstacle."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdtctl.sync import cache
from crdtctl.sync.plan import CachedObject, ObjectSummary
from crdtctl.sync.transport import ListedObject
from tests.support.places import quick_directory

URL = "s3://bucket/counts"

authors = st.sampled_from(["a", "b", "ü", "a~1.k3Xa"])
clocks = st.dictionaries(authors, st.integers(1, 2**53 - 1))
entries = st.builds(ListedObject, st.text(min_size=1, max_size=9), st.integers(0, 2**40), st.text(max_size=9))


@st.composite
def helds(draw: st.DrawFn) -> ObjectSummary:
    clock = draw(clocks)
    histories = {author: f"1 1.{author[0] * 4}" for author in clock if draw(st.booleans())}
    return ObjectSummary(draw(authors), clock, histories, draw(st.booleans()), draw(st.booleans()))


memos = st.builds(
    CachedObject, entries, st.text(max_size=9), st.none() | helds(), st.text(max_size=9), st.text(max_size=9)
)


@given(st.lists(memos, unique_by=lambda memo: memo.entry.name))
def test_what_was_remembered_is_what_is_read_again(found: list[CachedObject]) -> None:
    by_name = {memo.entry.name: memo for memo in found}
    with quick_directory() as place:
        cache.save(str(place), URL, by_name)
        assert cache.load(str(place), URL) == {name: memo for name, memo in by_name.items() if name.isprintable()}
        assert cache.load(str(place), f"{URL}/other") == {}


def test_what_many_objects_hold_of_the_same_authors_is_written_once(tmp_path: Path) -> None:
    clock = {f"author-{number:04}-00112233445566778899aabbccddeeff": number + 1 for number in range(100)}
    histories = dict.fromkeys(clock, "16 " + " ".join(f"{number}.abcd" for number in range(1, 17)))

    def size(objects: int) -> int:
        found = {
            name: CachedObject(ListedObject(name, 9, "etag"), "0" * 32, ObjectSummary(name, clock, histories))
            for name in (f"object-{number}" for number in range(objects))
        }
        cache.save(str(tmp_path), URL, found)
        assert cache.load(str(tmp_path), URL) == found
        (file,) = tmp_path.iterdir()
        return file.stat().st_size

    assert size(101) < 4 * size(1)


ONE = (
    b'{"crdtctl_sync":1,"url":"s3://bucket/counts","facts":[["a",1,""]],"objects":[{"entry":{"name":"a","size":1,'
    b'"version":""},"digest":"","mark":"","fault":"","owner":"a","is_whole":true,"held":[0]}]}'
)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        ONE[:-1],
        b"\xff",
        b"[]",
        b"[" * 10**5,
        ONE.replace(b"[0]", b"[1]"),
        ONE.replace(b"[0]", b"[-1]"),
        ONE.replace(b'sync":1', b'sync":2'),
    ],
    ids=["empty", "cut", "no text", "another", "deep", "a fact that is not there", "a fact before the first", "newer"],
)
def test_what_is_damaged_is_forgotten(tmp_path: Path, text: bytes) -> None:
    cache.save(str(tmp_path), URL, {})
    (file,) = tmp_path.iterdir()
    file.write_bytes(ONE)
    assert cache.load(str(tmp_path), URL) == {"a": CachedObject(ListedObject("a", 1), "", ObjectSummary("a", {"a": 1}))}
    file.write_bytes(text)
    assert cache.load(str(tmp_path), URL) == {}
