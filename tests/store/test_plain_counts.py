"""Large commits of plain counters: what is done on the lines, as bytes, is what one request after the other does."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdtctl import Replica
from crdtctl.errors import DataError, ExistsError, MissingError
from crdtctl.records import replace
from crdtctl.store.commit import Request
from crdtctl.store.own_file import MANY
from crdtctl.store.plain_counts import without_labels
from crdtctl.store.requests import add, count, reset

#: More counters than a commit may have that is carried out one request after the other.
NAMES = [f"n{number}" for number in range(MANY + 4)]
MANY_NAMES = st.lists(st.sampled_from(NAMES), min_size=MANY + 1, max_size=3 * MANY)
LARGE = 2**53 - 10
#: Counters that no file has, and those with names that others have.
NEW = st.sampled_from(
    ["z1", "z2", 'z1{a="b"}', 'n1{a="b"}', 'say "z"', "zé", "series", 'series{a="b"}', "learned", "other"]
)


def begin(path: Path) -> Replica:
    """Make a replica with plain counters and others."""
    replica = Replica.init(path, name="here")
    with replica.batch() as batch:
        for name in NAMES[::2]:
            batch.increment(name, 3)
        batch.increment(NAMES[2], LARGE)
        batch.increment(NAMES[4], 10**30)
        batch.increment(NAMES[6], 1, once="k")
        batch.increment("grows", 2, tag="gcounter")
        batch.increment("two", 2, tag="gcounter")
        batch.increment('quo"te\\', 2)
        batch.increment("café", 2)
        batch.add("seen", "a")
        batch.increment('series{a="c"}', 2, tag="gcounter")
    replica.commit([reset(NAMES[8])])
    other = Replica.init(path.with_name(f"{path.name}-other"), name="other")
    other.increment("learned", tag="gcounter")
    other.increment('other{a="b"}', tag="gcounter")
    replica.merge_bytes(other.export_bytes())
    replica.increment("two", 1, tag="pncounter", also=True)
    return replica


@st.composite
def operations(draw: st.DrawFn) -> list[Request]:
    found = [count(draw(st.sampled_from(["increment", "decrement"])), name) for name in draw(MANY_NAMES)]
    special = st.one_of(
        st.builds(count, st.just("increment"), st.sampled_from(NAMES), st.sampled_from([0, 1, 20, LARGE, 10**40])),
        st.builds(lambda name: count("increment", name, 2, once="k2"), st.sampled_from(NAMES[7:])),
        st.builds(lambda name: count("decrement", name, 2, tag="pncounter"), st.sampled_from([*NAMES, "two"])),
        st.builds(lambda tag: count("increment", "two", 2, tag=tag), st.sampled_from(["gcounter", "pncounter"])),
        st.builds(count, st.just("increment"), st.sampled_from(["grows", 'quo"te\\', "café", "new"])),
        st.builds(lambda name: count("increment", name, 2), NEW),
        st.builds(lambda name: count("increment", name, 2, tag="gcounter", also=True), NEW),
        st.builds(lambda name: replace(count("increment", name, 2), existing=True), st.sampled_from(NAMES[::2])),
        st.builds(lambda element: add("seen", [element]), st.sampled_from("abc")),
    )
    found += draw(st.lists(special, max_size=20))
    return draw(st.permutations(found))


@given(operations())
def test_large_commit_is_the_same_as_its_requests_one_by_one(
    tmp_path_factory: pytest.TempPathFactory, requests: list[Request]
) -> None:
    directory = tmp_path_factory.mktemp("plain")
    at_once, one_by_one = begin(directory / "a"), begin(directory / "b")
    at_once.commit(requests)
    with_details = one_by_one.commit(requests, details=True)  # the values before and after are asked for
    assert own_lines(at_once) == own_lines(one_by_one)
    assert with_details.seq == at_once.clock()[at_once.id]


def own_lines(replica: Replica) -> list[str]:
    """Return the lines of ``own.json``, without the id of the replica."""
    text = Path(replica.path, "own.json").read_text()
    return text.replace(replica.id, "ID").splitlines()[1:-1]


def test_large_commit_of_an_amount_of_zero_changes_nothing(tmp_path: Path) -> None:
    replica = Replica.init(tmp_path / "here", name="here")
    replica.commit([count("increment", name) for name in NAMES])
    assert replica.commit([count("increment", name, 0) for name in NAMES]).seq is None
    assert replica.clock() == {replica.id: 1}


@pytest.mark.parametrize("amount", [6, 7, LARGE])
def test_large_commit_writes_numbers_that_no_reader_rounds(tmp_path: Path, amount: int) -> None:
    replica = begin(tmp_path / "here")
    replica.commit([count("increment", name, amount) for name in NAMES])
    assert [finding for finding in replica.check() if not finding.ok] == []
    assert replica.value(NAMES[2]) == 3 + LARGE + amount


def test_large_commit_refuses_another_type_of_a_plain_counter(tmp_path: Path) -> None:
    replica = begin(tmp_path / "here")
    before = replica.export_bytes()
    with pytest.raises(ExistsError):
        replica.commit([*(count("increment", name) for name in NAMES), count("increment", NAMES[0], tag="gcounter")])
    assert replica.export_bytes() == before


def new_counters(number: int) -> list[Request]:
    return [count("increment", f"new{at}") for at in range(number)]


def test_large_commit_of_new_counters_follows_the_settings(tmp_path: Path) -> None:
    replica = Replica.init(tmp_path / "here", name="here")
    Path(replica.path, "config.toml").write_text('every = "day"\n')
    replica.commit(new_counters(MANY + 1))
    (one,) = replica.readings("new0")
    assert one.has_periods


def test_large_commit_makes_no_counter_that_must_exist(tmp_path: Path) -> None:
    replica = Replica.init(tmp_path / "here", name="here")
    with pytest.raises(MissingError):
        replica.commit([*new_counters(MANY), replace(count("increment", "missing"), existing=True)])
    assert replica.clock() == {}


def test_names_beside_a_line_that_is_no_counter_are_not_known() -> None:
    assert without_labels([b"a", b'b{c="d"}', b'b{c="e"}']) == {b"a", b"b"}
    assert without_labels([b"=jobs", b"a"]) is None


def test_large_commit_needs_no_other_file_for_counters_that_are_there(tmp_path: Path) -> None:
    replica = begin(tmp_path / "here")
    replica.commit([count("increment", name) for name in NAMES])
    known = Path(replica.path, "known.json")
    whole = known.read_bytes()
    known.write_bytes(whole.replace(b'"other{', b'"kther{'))
    with pytest.raises(DataError):
        replica.commit(new_counters(MANY + 1))
    replica.commit([count("increment", name) for name in NAMES if name not in NAMES[2:9:2]])
    known.write_bytes(whole)
    assert replica.value(NAMES[1]) == 2
