"""Forks: one id with several writers is always found where it can be, and never where there was one writer."""

from collections.abc import Sequence

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from crdtctl.crdt import TYPES, branches, forks
from crdtctl.crdt.forks import Fork, ForkWatch, Heads, covers, is_prefix
from crdtctl.crdt.histories import DENSE, SPARSE, ExportMarker, History, divergence, parse, retained
from crdtctl.crdt.histories import text as text_of
from crdtctl.crdt.names import MAX_BYTES, replica_fault
from tests.crdt.writers import ID, OTHER, Known, Writer, departures, expected, receive

# What is kept of a history --------------------------------------------------------------------------------


@given(count=st.integers(0, 5000))
def test_what_is_kept_of_more_departures_was_kept_of_fewer(count: int) -> None:
    assert set(retained(count + 1)) - {count + 1} <= set(retained(count))


@given(count=st.integers(0, 10**9))
def test_the_latest_departures_are_kept_and_few_of_the_older_ones(count: int) -> None:
    kept = retained(count)
    assert list(kept) == sorted(set(kept))
    assert kept[-DENSE:] == tuple(range(max(1, count - DENSE + 1), count + 1))
    assert all(number >= 1 for number in kept)
    assert len(kept) <= DENSE + SPARSE * count.bit_length()


def test_which_departures_are_kept_is_part_of_the_format_and_never_changes() -> None:
    assert retained(0) == ()
    assert retained(16) == tuple(range(1, 17))
    assert retained(100) == (16, 32, 40, 48, 56, 64, 72, 76, 80, *range(84, 101))


@given(count=st.integers(1, 10**6), back=st.integers(0, 19))
def test_of_older_departures_one_is_kept_at_least_every_quarter_of_the_way_back(count: int, back: int) -> None:
    moment = count - 2**back
    assume(moment > 0)
    assert any(moment - 2**back // 4 <= number <= moment for number in (0, *retained(count)))


def history(count: int, tag: str = "abcd") -> History:
    """Return the history of a writer with this many departures, all with one tag."""
    found = History()
    for number in range(1, count + 1):
        found = found.then(ExportMarker(2 * number, tag))
    return found


@given(count=st.integers(0, 300))
def test_a_history_says_which_departures_it_keeps(count: int) -> None:
    found = history(count)
    assert tuple(found.nonces) == retained(count)
    assert set(found.nonces.values()) <= {"abcd"}
    assert found.markers == tuple(ExportMarker(2 * number, "abcd") for number in retained(count))
    assert found.exported == 2 * count


@given(count=st.integers(1, 300))
def test_a_history_is_read_back_as_it_was_written(count: int) -> None:
    assert parse(text_of(history(count))) == history(count)


WRONG_HISTORIES = {
    "nothing": "",
    "no departures": "0",
    "no departures, and yet one": "0 1.abcd",
    "fewer than it says": "2 1.abcd",
    "more than it says": "1 1.abcd 2.abcd",
    "a commit twice": "2 1.abcd 1.efgh",
    "commits that fall": "2 2.abcd 1.efgh",
    "commit 0": "1 0.abcd",
    "a leading zero": "1 01.abcd",
    "a count with a leading zero": "01 1.abcd",
    "a count that is too large": "1" * 17,
    "a sign": "1 +1.abcd",
    "other digits": "1 ١.abcd",
    "no tag": "1 1",
    "an empty tag": "1 1.",
    "a short tag": "1 1.abc",
    "a long tag": "1 1.abcde",
    "a tag with a tilde": "1 1.ab~d",
    "a tag with a line feed": "1 1.abcd\n",
    "two spaces": "1  1.abcd",
    "a space at the end": "1 1.abcd ",
    "words": "one two",
}


@pytest.mark.parametrize("text", WRONG_HISTORIES.values(), ids=WRONG_HISTORIES)
def test_what_is_no_history_is_refused(text: str) -> None:
    with pytest.raises(
        ValueError, match=r"^(the export markers do not belong to one history|malformed nonce|malformed number)"
    ):
        parse(text)


def test_a_history_of_more_departures_than_can_be_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="do not belong to one history"):
        parse(f"{9 * 10**15} 1.abcd")


# Names of branches ----------------------------------------------------------------------------------------

MARKS = st.dictionaries(st.integers(1, 10**15), st.text("09azAZ_-", min_size=4, max_size=4), min_size=1, max_size=20)


@given(marks=MARKS)
def test_the_name_of_a_branch_says_which_id_it_is_one_of_and_where_it_left_the_others(marks: dict[int, str]) -> None:
    name = branches.branch_name(ID, marks)
    assert replica_fault(name) is None
    assert branches.origin(name) == ID
    found = branches.branch_markers(name)
    assert found.items() <= marks.items()
    assert set(found) == set(sorted(marks)[-len(found) :])  # where there is no room for all, the latest
    assert len(found) == len(marks) or len(name.encode()) > MAX_BYTES - 22


@pytest.mark.parametrize("author", [ID, "a~b", "~", "a~1.abc", "a~0.abcd", "a~1.abcd-", "~a", "a~1.abcd "])
def test_any_other_name_stands_for_itself(author: str) -> None:
    assert branches.origin(author) == author
    assert branches.branch_markers(author) == {}


def test_an_id_without_room_for_a_mark_keeps_its_name() -> None:
    author = "x" * (MAX_BYTES - 3)
    assert branches.branch_name(author, {1: "abcd"}) == author
    a, b = (Known({author: seq}, {author: f"1 {seq}.{tag}"}, {}) for seq, tag in ((2, "aaaa"), (3, "bbbb")))
    known, joined = receive([a, b])
    assert known.clock == {author: 3}
    assert joined.forks == [Fork(author, (author,), 0)]


# Joining --------------------------------------------------------------------------------------------------


def grouped(states: Sequence[Known], data: st.DataObject) -> Known:
    """Merge the states as they come, some of them twice, at receivers who merge one another's."""
    waiting = list(data.draw(st.permutations(states)))
    while len(waiting) > 1:
        number = data.draw(st.integers(2, len(waiting)))
        known, _ = receive(waiting[:number])
        waiting = [*waiting[number:], known]
        if data.draw(st.booleans()):
            waiting = [known, *waiting[:-1]]
    return receive([*waiting, *data.draw(st.lists(st.sampled_from(states), max_size=2))])[0]


@given(left=departures(clones=True), data=st.data())
def test_all_who_met_the_same_states_know_the_same_in_whatever_order_and_company_they_came(
    left: list[Writer], data: st.DataObject
) -> None:
    met = data.draw(st.lists(st.sampled_from(left), min_size=1, unique=True))
    known, _ = expected(met)
    states = [writer.state() for writer in met]
    assert receive(states)[0] == known
    assert grouped(states, data) == known
    assert grouped(states, data) == known


@given(left=departures(clones=True), data=st.data())
def test_every_fork_is_found_as_soon_as_two_departures_that_differ_have_met(
    left: list[Writer], data: st.DataObject
) -> None:
    met = data.draw(st.lists(st.sampled_from(left), min_size=1, unique=True))
    _, joined = receive([writer.state() for writer in met])
    assert joined.forks == expected(met)[1]


@given(left=departures(clones=True), data=st.data())
def test_what_has_left_is_in_every_branch_that_goes_back_to_it(left: list[Writer], data: st.DataObject) -> None:
    met = data.draw(st.lists(st.sampled_from(left), min_size=1, unique=True))
    known, _ = expected(met)
    _, joined = receive([writer.state() for writer in met])
    for writer, names in zip(met, joined.names, strict=True):
        branches = names.get(ID, (ID,))
        assert branches == tuple(sorted(set(branches)))
        assert set(branches) == {name for name, row in known.rows.items() if set(writer.commits) <= row}


@given(left=departures(clones=False, most=200), data=st.data())
def test_one_writer_is_never_taken_for_two_however_old_its_states_are(left: list[Writer], data: st.DataObject) -> None:
    met = data.draw(st.lists(st.sampled_from(left), min_size=1, unique=True))
    newest = max(met, key=lambda writer: len(writer.trail))
    known, joined = receive([writer.state() for writer in met])
    assert known == newest.state()
    assert joined.forks == []
    assert not any(joined.names)
    assert grouped([writer.state() for writer in met], data) == known


@given(left=departures(clones=True), data=st.data())
def test_what_is_known_joined_with_what_it_is_made_of_is_unchanged(left: list[Writer], data: st.DataObject) -> None:
    met = data.draw(st.lists(st.sampled_from(left), min_size=1, unique=True))
    known, joined = receive([writer.state() for writer in met])
    some = data.draw(st.lists(st.sampled_from(met)))
    again, found = receive([known, *(writer.state() for writer in some), known])
    assert again == known
    assert found.names[0] == found.names[-1] == {}
    assert [fork.branches for fork in found.forks] == [fork.branches for fork in joined.forks]


@given(left=departures(clones=True, most=400), data=st.data())
def test_of_branches_far_apart_too_the_order_does_not_matter_and_receivers_agree_once_they_have_met(
    left: list[Writer], data: st.DataObject
) -> None:
    states = [writer.state() for writer in left]
    assert receive(data.draw(st.permutations(states)))[0] == receive(states)[0]
    a, b, c = (grouped(states, data) for _ in range(3))
    together = receive([a, b, c])[0]
    assert receive([c, a, b, a])[0] == together
    assert receive([together, together])[0] == together


# A branch of few departures against one of many: what is known of the fork stays known.
def branch(tag: str, count: int, shared: int = 2) -> Known:
    """Return a state of one of the writers that had the first departures together."""
    found = History()
    for number in range(1, count + 1):
        found = found.then(ExportMarker(number, "same" if number <= shared else tag))
    return Known({ID: count}, {ID: text_of(found)}, {ID: frozenset([count])})


def test_a_fork_that_was_found_keeps_its_name_while_its_branches_grow() -> None:
    known, joined = receive([branch("aaaa", 3), branch("bbbb", 3)])
    assert joined.forks == [Fork(ID, (f"{ID}~3.aaaa", f"{ID}~3.bbbb"), 2)]
    for count in range(4, 300):
        known, joined = receive([known, branch("aaaa", count)])
        assert joined.forks[0].branches == (f"{ID}~3.aaaa", f"{ID}~3.bbbb")
    assert known.clock == {f"{ID}~3.aaaa": 299, f"{ID}~3.bbbb": 3}
    assert parse(known.histories[f"{ID}~3.aaaa"]).count == 299


def test_branches_are_never_put_together_even_where_a_later_state_could_be_of_either() -> None:
    known, _ = receive([branch("aaaa", 3), branch("bbbb", 3)])
    later = branch("bbbb", 300)  # keeps nothing that tells
    after, joined = receive([known, later])
    assert len(joined.forks[0].branches) == len(after.clock) == 2
    assert max(after.clock.values()) == 300


def test_a_fork_is_found_by_any_two_states_of_one_merge_and_not_only_by_the_newest() -> None:
    for order in ([3, 300, -3], [300, 3, -3], [-3, 3, 300]):
        _, joined = receive([branch("aaaa" if count > 0 else "bbbb", abs(count)) for count in order])
        assert len(joined.forks) == 1


def test_others_are_joined_as_ever_beside_a_fork() -> None:
    a, b = branch("aaaa", 3), branch("bbbb", 3)
    a.clock[OTHER], b.clock[OTHER] = 5, 7
    b.histories[OTHER] = "1 7.zzzz"
    known, joined = receive([a, b])
    assert known.clock == {f"{ID}~3.aaaa": 3, f"{ID}~3.bbbb": 3, OTHER: 7}
    assert known.histories[OTHER] == "1 7.zzzz"
    assert all(OTHER not in names for names in joined.names)


def test_a_state_without_a_history_goes_with_every_branch() -> None:
    bare = Known({ID: 1}, {}, {ID: frozenset([1])})
    known, joined = receive([branch("aaaa", 3), bare, branch("bbbb", 3)])
    assert joined.names[1] == {ID: (f"{ID}~3.aaaa", f"{ID}~3.bbbb")}
    assert known.rows[f"{ID}~3.aaaa"] == {1, 3}


def test_a_branch_that_comes_alone_keeps_its_name() -> None:
    alone = f"{ID}~3.aaaa"
    for histories in ({}, {alone: "3 1.same 2.same 3.aaaa"}):
        joined = forks.join([({alone: 3}, histories), ({ID: 1}, {})])
        assert joined.clock == {alone: 3}
        assert joined.histories == histories
        assert joined.names == [{}, {ID: (alone,)}]
        assert joined.forks == [Fork(ID, (alone,), 0)]


TAGS = st.sampled_from(["aaaa", "bbbb"])
AUTHORS = st.builds(
    lambda who, marks: who + "".join(f"~{number}.{tag}" for number, tag in marks),
    st.sampled_from(["a", "", "b" * 190, "a~"]),
    st.lists(st.tuples(st.integers(1, 40), TAGS), max_size=3),
).filter(bool)


@st.composite
def heads(draw: st.DrawFn) -> list[tuple[dict[str, int], dict[str, str]]]:
    """Return what strangers may say, which no writers ever did."""
    found = []
    for _ in range(draw(st.integers(1, 5))):
        clock = dict.fromkeys(draw(st.lists(AUTHORS, max_size=4)), 99)
        histories = {}
        for author in clock:
            made = History()
            for _ in range(draw(st.integers(0, 3) | st.integers(0, 40))):
                made = made.then(ExportMarker(made.exported + draw(st.integers(1, 2)), draw(TAGS)))
            if made.count:
                histories[author] = text_of(made)
        found.append((clock, histories))
    return found


@given(heads=heads(), data=st.data())
def test_whatever_strangers_say_is_joined_alike_in_any_order_and_nothing_is_left_out(
    heads: list[tuple[dict[str, int], dict[str, str]]], data: st.DataObject
) -> None:
    joined = forks.join(heads)
    other = forks.join(data.draw(st.permutations(heads)))
    assert (other.clock, other.histories, other.forks) == (joined.clock, joined.histories, joined.forks)
    for (clock, _), names in zip(heads, joined.names, strict=True):
        for author, seq in clock.items():
            for name in names.get(author, (author,)):
                assert joined.clock[name] >= seq
    assert joined.histories.keys() <= joined.clock.keys()
    assert all(replica_fault(name) is None for name in joined.clock if len(branches.branch_markers(name)) != 0)
    assert {name for fork in joined.forks for name in fork.branches} <= joined.clock.keys()


def test_nothing_joined_is_nothing() -> None:
    nothing: Heads = []
    assert forks.join(nothing).clock == {}
    assert forks.join([({}, {})]).names == [{}]


# Older and newer ------------------------------------------------------------------------------------------


@given(left=departures(clones=True), data=st.data())
def test_a_history_is_where_another_began_if_its_departures_were_the_others_first(
    left: list[Writer], data: st.DataObject
) -> None:
    a, b = data.draw(st.sampled_from(left)), data.draw(st.sampled_from(left))
    was_first = b.trail[: len(a.trail)] == a.trail
    assert is_prefix(text_of(a.history), text_of(b.history)) == was_first
    assert bool(divergence(a.history.nonces, b.history.nonces)) == (
        not was_first and a.trail[: len(b.trail)] != b.trail
    )


def test_no_history_is_where_every_history_began() -> None:
    assert is_prefix("", "")
    assert is_prefix("", "1 1.aaaa")
    assert not is_prefix("1 1.aaaa", "")


@given(left=departures(clones=True), data=st.data())
def test_a_receiver_covers_what_it_met_and_not_another_branch(left: list[Writer], data: st.DataObject) -> None:
    met = data.draw(st.lists(st.sampled_from(left), min_size=1, unique=True))
    asked = data.draw(st.sampled_from(left))
    known, _ = receive([writer.state() for writer in met])
    covered = covers(known.clock, known.histories, ID, len(asked.commits), text_of(asked.history))
    if any(writer.trail[: len(asked.trail)] == asked.trail for writer in met):
        assert covered
    elif len(known.clock) > 1:
        assert not covered
    assert covers(known.clock, known.histories, OTHER, 0, "")
    assert not covers(known.clock, known.histories, OTHER, 1, "")


# Reading --------------------------------------------------------------------------------------------------


def test_on_read_the_branches_of_an_id_are_joined_and_their_common_beginning_counts_once() -> None:
    kind = TYPES["gcounter"]
    rows = {f"{ID}~3.aaaa": (4, 10), f"{ID}~3.bbbb": (3, 12), OTHER: (1, 5)}
    joined = branches.merge_branches(kind.record, rows)
    assert joined == {ID: (4, 12), OTHER: (1, 5)}
    assert kind.value(rows) == 17
    assert branches.merge_branches(kind.record, joined) is joined
    assert branches.merge_branches(kind.record, {"a~b": (1, 2)}) == {"a~b": (1, 2)}


def test_results_stay_right_after_more_of_them_than_are_kept() -> None:
    first = retained(1)
    assert all(retained(count)[-1] == count for count in range(1, 5000))
    assert retained(1) == first == (1,)


def test_fork_is_found_although_the_texts_of_histories_were_forgotten() -> None:
    watch = ForkWatch()
    watch.add({"ann": 2}, {"ann": "1 2.aaaa"})
    watch.add({"ann": 3}, {"ann": "2 2.aaaa 3.bbbb"})
    watch.forget_texts()
    watch.add({"ann": 2}, {"ann": "1 2.aaaa"})
    assert (watch.forked, watch.histories) == (set(), {"ann": "2 2.aaaa 3.bbbb"})
    watch.add({"ann": 3}, {"ann": "2 2.aaaa 3.cccc"})
    assert watch.forked == {"ann"}
