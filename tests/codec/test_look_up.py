"""One counter is found without reading the others."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdtctl.codec import reader
from crdtctl.codec.header import Head
from crdtctl.codec.invalid import Invalid
from crdtctl.codec.layout import InMemory, search
from crdtctl.codec.lines import encode_line
from crdtctl.codec.reader import Part, Source
from crdtctl.crdt import TYPES
from crdtctl.crdt.counter import Counter
from tests.codec.files import file_with, opened, written
from tests.codec.states import NAMES, states

HEAD = Head("state", "ann", {"ann": 1})
HEAD_TEXT = '{"crdtctl":1,"kind":"state","replica":"ann","clock":{"ann":1}'


def file_of(sizes: dict[str, int]) -> bytes:
    """Return a file of sets with so many elements."""
    sets = {name: {f"element {n:06}": 1 for n in range(size)} for name, size in sizes.items()}
    return written(HEAD, {name: {"gset": {"ann": (1, elements)}} for name, elements in sets.items()})


def name_on(line: bytes) -> bytes:
    """Return the name on a line, read as JSON."""
    (name,) = json.loads(b"{%b}" % line)
    assert isinstance(name, str)
    return name.encode()


def places(data: bytes) -> dict[bytes, tuple[int, int]]:
    """Return where each line of a file begins and ends, found by reading all of it."""
    found: dict[bytes, tuple[int, int]] = {}
    offset = data.index(b"\n") + 1
    for line in data[offset:].splitlines(keepends=True)[:-1]:
        text = line.rstrip(b"\n").removesuffix(b",")
        found[name_on(text)] = offset, offset + len(text)
        offset += len(line)
    return found


@given(state=states(max_size=12), others=st.lists(NAMES))
def test_a_counter_is_found_if_it_is_there_and_only_then(
    state: tuple[Head, dict[str, Counter]], others: list[str]
) -> None:
    head, counters = state
    source = opened(written(head, counters))
    for name in [*counters, *others, "!", "~", "\U0010fffd"]:
        expected = counters.get(name, {})
        assert source.counter(name) == expected
        assert source.line(name) == (encode_line(name, expected) if expected else None)


def test_a_file_has_a_line_if_its_counter_is_there() -> None:
    source = opened(file_of({"a": 1, 'm{os="linux"}': 0, "z": 300}))
    assert [name for name in ("a", "b", "m", 'm{os="linux"}', "z", "", "\udcff") if source.has(name)] == [
        "a",
        'm{os="linux"}',
        "z",
    ]


@given(state=states(max_size=12), size=st.integers(1, 200))
def test_the_names_of_a_type_are_those_of_its_counters_wherever_blocks_end(
    state: tuple[Head, dict[str, Counter]], size: int
) -> None:
    head, counters = state
    source = opened(written(head, counters))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "READ_SIZE", size)
        for tag in TYPES:
            assert list(source.names_of(tag)) == [name for name in sorted(counters) if tag in counters[name]]


def test_a_counter_that_is_called_like_a_type_is_not_of_it() -> None:
    source = opened(written(HEAD, {"gset": {"gcounter": {"ann": (1, 1)}}, "x": {"gset": {"ann": (1, {})}}}))
    assert list(source.names_of("gset")) == ["x"]
    assert list(source.names_of("gcounter")) == ["gset"]


@given(state=states(max_size=12), others=st.lists(NAMES))
def test_where_a_counter_stands_or_would_have_to_is_found(
    state: tuple[Head, dict[str, Counter]], others: list[str]
) -> None:
    head, counters = state
    data = written(head, counters)
    source = opened(data)
    found = places(data)
    assert len(found) == len(counters)
    for name in map(str.encode, [*counters, *others, "!", "\U0010fffd"]):
        after = min((start for other, (start, _) in found.items() if other > name), default=source.end)
        assert search(source.pages, source.start, source.end, name) == found.get(name, (after, after))


@pytest.mark.parametrize(
    "sizes",
    [
        {},
        {"m": 0},
        {"m": 4000},
        {"a": 4000, "m": 0, "z": 0},
        {"a": 0, "m": 4000, "z": 0},
        {"a": 0, "m": 0, "z": 4000},
        {"a": 300, "b": 300, "c": 5000, "d": 300},
        {f"{n:03}": n % 7 * 90 for n in range(100)},
    ],
    ids=["no line", "one line", "one long", "first long", "middle long", "last long", "longer", "many"],
)
def test_counters_are_found_among_lines_of_any_length(sizes: dict[str, int]) -> None:
    data = file_of(sizes)
    source = opened(data)
    found = places(data)
    for name in sizes:
        start, end = found[name.encode()]
        assert source.line(name) == data[start:end]
        assert len(source.counter(name)["gset"]["ann"][1]) == sizes[name]
        for absent in ("!" + name, name + "!", name[:-1] + "\U0010fffd"):
            assert source.line(absent) is None
            assert source.counter(absent) == {}


class Counted(InMemory):
    """Pages that count what is read of them."""

    reads = 0
    bytes_read = 0

    def read(self, start: int, size: int) -> bytes:
        """Read, and count it."""
        self.reads += 1
        found = super().read(start, size)
        self.bytes_read += len(found)
        return found


def test_a_few_pages_are_read_however_many_lines_there_are() -> None:
    data = file_of({f"counter {n:06}": 1 for n in range(20_000)})
    pages = Counted(data)
    source = Source(pages, len(data))
    for name in ("counter 000000", "counter 012345", "counter 019999", "counter 012345x", "!", "~"):
        pages.reads = pages.bytes_read = 0
        source.line(name)
        assert pages.reads <= 64
        assert pages.bytes_read <= len(data) // 5


@pytest.mark.parametrize(
    "lines",
    [
        ["nothing"],
        ['"a":[1]', '"b":[1]', '"c":[1]'],
        ['"a":{"gcounter":{"ann":[1,1]}}', "garbage", '"c":{"gcounter":{"ann":[1,1]}}'],
        ["x" * 10_000],
    ],
    ids=["words", "no types", "between lines", "a long one"],
)
def test_a_damaged_line_that_the_search_meets_is_reported(lines: list[str]) -> None:
    source = opened(file_with(HEAD_TEXT, *lines))
    with pytest.raises(Invalid, match="a line is damaged"):
        source.line("b")


def test_a_line_without_an_end_is_reported() -> None:
    line = b'"a":{"gcounter":{"ann":[1,1]}}'
    for text in (line, line + b" " * 10_000):
        with pytest.raises(ValueError, match="without an end"):
            search(InMemory(text), 0, len(text), b"a")


def test_a_file_that_became_shorter_while_it_is_read_is_reported() -> None:
    line = b'"a":{"gcounter":{"ann":[1,1]}}'
    with pytest.raises(ValueError, match="without an end"):
        search(InMemory(line), 0, len(line) + 100, b"b")


def test_twin_of_a_source_reads_the_same_lines_under_other_names() -> None:
    counters: dict[str, Counter] = {"builds": {"pncounter": {"hub": (2, 1, 0)}}}
    source = opened(written(Head("state", "hub", {"hub": 2}), counters))
    twin = source.twin()
    twin.names = {"hub": ("hub|1",)}
    assert source.counter("builds") == counters["builds"]
    assert twin.counter("builds") == {"pncounter": {"hub|1": (2, 1, 0)}}


def test_sources_with_the_same_lines_differ_in_their_header_at_most() -> None:
    counters: dict[str, Counter] = {"builds": {"pncounter": {"hub": (2, 1, 0)}}}
    source, same, other = (
        opened(written(Head("state", replica, {"hub": 2}), {**counters, **more}))
        for replica, more in (("hub", {}), ("pi", {}), ("hub", {"visits": counters["builds"]}))
    )
    assert source.has_size_of(same)
    assert source.text() == same.text() == encode_line("builds", counters["builds"]) + b"\n"
    assert not source.has_size_of(other)


@pytest.mark.parametrize("names", [[], ["a", "b"], ["a", "=jobs"], ["=", "b"], ["a\n=", "b", '\n"=']])
def test_a_reserved_line_is_seen_without_reading_lines(names: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    counters: dict[str, Counter] = {name: {"pncounter": {"hub": (2, 1, 0)}} for name in names}
    source = opened(written(Head("state", "hub", {"hub": 2}), counters))
    assert source.may_have_reserved() == (names not in ([], ["a", "b"], ["a\n=", "b", '\n"=']))
    monkeypatch.setattr(reader, "READ_SIZE", 5)
    assert source.may_have_reserved() == (names != [])


@pytest.mark.parametrize("names", [["a", "x", 'x":{"pncounter'], ["a", "x", "y"], ["x", "x\\y", "z"], ["b"], []])
@pytest.mark.parametrize("first", ["", "a", "x", 'x":{"pncounter', "x\\y", "y"])
@pytest.mark.parametrize("beyond", ["", "x", 'x":{"pncounter', "y", "zz"])
def test_a_part_of_a_file_has_the_names_between_its_limits(names: list[str], first: str, beyond: str) -> None:
    counters: dict[str, Counter] = {name: {"pncounter": {"hub": (2, 1, 0)}} for name in names}
    source = opened(written(Head("state", "hub", {"hub": 2}), counters))
    expected = [name for name in names if first <= name and (not beyond or name < beyond)]
    assert [name.decode() for name, _ in source.lines(Part(first.encode(), beyond.encode()))] == expected


def test_a_large_header_is_decoded_once_while_it_is_one_of_the_last() -> None:
    heads = [Head("state", "hub", {f"{kind}-{number:032}": 1 for number in range(200)}) for kind in "abc"]
    files = [written(head, {}) for head in heads]
    first = opened(files[0]).head
    assert first == heads[0]
    assert opened(files[0]).head is first
    assert [opened(data).head for data in files[1:]] == heads[1:]
    assert opened(files[0]).head == first
    with pytest.raises(Invalid, match="canonical"):
        opened(files[0].replace(b'"kind"', b' "kind"'))


def test_a_header_that_many_files_have_is_decoded_once() -> None:
    heads: reader.Heads = {}
    files = [written(HEAD, {name: {"gcounter": {"ann": (1, 1)}}}) for name in "ab"]
    files.append(written(Head("state", "ann", {"ann": 2}), {}))
    first, same, other = (Source(InMemory(data), len(data), heads=heads) for data in files)
    assert first.head == HEAD
    assert same.head is first.head
    assert other.head.clock == {"ann": 2}
    assert {id(head) for head in heads.values()} == {id(first.head), id(other.head)}
