"""Which generation of a source a reading belongs to, and what readings add to a counter."""

import pytest

from crdtctl.crdt import TYPES
from crdtctl.crdt.base import Entries, Entry, Operation, OperationContext, Refused
from crdtctl.crdt.reading_parts import generation_fault, source_fault
from crdtctl.crdt.readings import Fall, OnDrop, Readings, observed, standing_reading

KIND = TYPES["pncounter"]
COUNTERS = pytest.mark.parametrize("tag", ["gcounter", "pncounter"])


def reads(mine: Readings, reading: int, on_drop: OnDrop = "refuse", *others: Readings) -> Readings:
    """Return the readings of a replica after it read one source."""
    return observed(mine, others, [("m", reading)], on_drop)


def made(*readings: tuple[int, ...]) -> Readings:
    """Return a source with these generations, from the first on."""
    return {"m": {str(number): row for number, row in enumerate(readings)}}


class TestOneObserver:
    def test_a_larger_reading_takes_the_place_of_the_last_one(self) -> None:
        assert reads({}, 7) == made((7,))
        assert reads(made((7,)), 9) == made((9,))

    @pytest.mark.parametrize("on_drop", ["refuse", "restart", "ignore"])
    def test_an_equal_reading_changes_nothing(self, on_drop: OnDrop) -> None:
        assert reads(made((7,)), 7, on_drop) == made((7,))

    @pytest.mark.parametrize("on_drop", ["refuse", "restart", "ignore"])
    def test_a_first_reading_of_0_changes_nothing(self, on_drop: OnDrop) -> None:
        assert reads({}, 0, on_drop) == {}

    def test_a_reading_that_falls_is_refused_with_both_numbers(self) -> None:
        with pytest.raises(Fall, match="'m' reads 2, below the 7 that was read before") as found:
            reads(made((7,)), 2)
        assert (found.value.source, found.value.reading, found.value.known) == ("m", 2, 7)

    def test_a_reading_that_falls_can_be_ignored(self) -> None:
        assert reads(made((7,)), 2, "ignore") == made((7,))

    def test_a_source_that_restarted_counts_beside_its_past(self) -> None:
        after = reads(made((7,)), 2, "restart")
        assert after == made((7,), (2,))
        assert reads(after, 5) == made((7,), (5,))
        assert reads(after, 1, "restart") == made((7,), (2,), (1,))

    def test_a_source_that_restarted_at_0_is_not_compared_with_its_past(self) -> None:
        after = reads(made((7,)), 0, "restart")
        assert after == made((7,), (0, 0, 1))
        assert reads(after, 0, "restart") == after
        assert reads(after, 9) == made((7,), (9, 0, 1))

    def test_readings_of_one_operation_come_one_after_another(self) -> None:
        assert observed({}, [], [("m", 5), ("n", 3), ("m", 2), ("m", 4)], "restart") == {
            "m": {"0": (5,), "1": (4,)},
            "n": {"0": (3,)},
        }

    def test_the_last_possible_generation_is_not_followed_by_another(self) -> None:
        last = {"m": {"9" * 16: (7,)}}
        with pytest.raises(Fall):
            reads(last, 2, "restart")


class TestBatch:
    def test_those_that_fall_can_be_left_out_and_are_reported_with_their_places(self) -> None:
        fallen: list[tuple[int, str]] = []
        asked = [("m", 5), ("m", 2), ("n", 3), ("m", 4), ("m", 6)]
        after = observed({}, [], asked, "refuse", lambda place, fall: fallen.append((place, str(fall))))
        assert after == {"m": {"0": (6,)}, "n": {"0": (3,)}}
        assert [place for place, _ in fallen] == [1, 3]
        assert fallen[0][1] == "'m' reads 2, below the 5 that was read before"

    @pytest.mark.parametrize("on_drop", ["refuse", "restart", "ignore"])
    def test_the_reading_that_stands_changes_nothing(self, on_drop: OnDrop) -> None:
        cases: list[tuple[dict[str, tuple[int, ...]], dict[str, tuple[int, ...]]]] = [
            ({"0": (7,)}, {}),
            ({"0": (7,), "1": (3,)}, {"0": (9,)}),
            ({"0": (4,)}, {"0": (7,)}),
            ({}, {"0": (7,)}),
            ({"0": (7,)}, {"1": (2,)}),
            ({"0": (0, 7)}, {}),
        ]
        for own, theirs in cases:
            stands = standing_reading(own, [theirs] if theirs else [], on_drop)
            if stands is not None:
                assert reads({"m": own} if own else {}, stands, on_drop, {"m": theirs} if theirs else {}) == (
                    {"m": own} if own else {}
                )
        assert standing_reading({"0": (4,)}, [{"0": (7,)}], on_drop) == 7
        assert standing_reading({}, [{"0": (7,)}], on_drop) == (None if on_drop == "restart" else 7)
        assert standing_reading({}, [], on_drop) is None


class TestTwoObservers:
    """The other one is `theirs`, as far as this replica has heard."""

    @pytest.mark.parametrize("on_drop", ["refuse", "ignore"])
    def test_an_equal_reading_of_another_replica_needs_no_commit(self, on_drop: OnDrop) -> None:
        assert reads({}, 7, on_drop, made((7,))) == {}
        assert reads(made((4,)), 7, on_drop, made((7,))) == made((4,))

    @pytest.mark.parametrize("on_drop", ["refuse", "restart", "ignore"])
    def test_a_reading_between_this_replicas_last_one_and_another_ones_is_late(self, on_drop: OnDrop) -> None:
        assert reads(made((4,)), 6, on_drop, made((7,))) == made((4,))

    def test_a_reading_below_what_another_replica_read_falls(self) -> None:
        with pytest.raises(Fall, match="below the 7 "):
            reads({}, 6, "refuse", made((7,)))
        with pytest.raises(Fall, match="below the 7 "):
            reads(made((4,)), 3, "refuse", made((7,)))

    def test_both_open_the_same_generation_without_having_heard_of_each_other(self) -> None:
        ann, bob = reads(made((7,)), 2, "restart"), reads(made((7,)), 3, "restart")
        assert (ann, bob) == (made((7,), (2,)), made((7,), (3,)))

    def test_a_restart_that_another_replica_saw_is_not_another_one(self) -> None:
        theirs = made((7,), (20,))
        assert reads(made((70,)), 35, "restart", theirs) == made((70,), (35,))
        assert reads({}, 35, "restart", theirs) == {"m": {"1": (35,)}}

    def test_a_late_first_reading_after_a_restart_that_another_replica_saw_opens_no_generation(self) -> None:
        theirs = made((70,), (20,))
        after = reads(made((70,)), 15, "restart", theirs)
        assert after == made((70,), (15,))
        assert reads(after, 18, "restart", theirs) == after  # late again
        assert reads(after, 25, "restart", theirs) == made((70,), (25,))
        assert reads(after, 10, "restart", theirs) == made((70,), (15,), (10,))  # below its own last: a second restart

    def test_one_that_missed_two_restarts_goes_on_in_the_newest_generation(self) -> None:
        theirs = made((70,), (20,), (5,))
        assert reads(made((70,)), 3, "restart", theirs) == {"m": {"0": (70,), "2": (3,)}}
        assert reads(made((70,)), 9, "refuse", theirs) == {"m": {"0": (70,), "2": (9,)}}

    def test_with_restart_the_first_reading_is_kept_so_that_a_late_one_opens_no_generation(self) -> None:
        after = reads({}, 7, "restart", made((7,)))
        assert after == made((7,))
        assert reads(after, 8, "restart", made((9,))) == after

    def test_a_first_reading_below_what_is_known_is_a_restart_if_so_asked(self) -> None:
        """A machine was installed again, and its meter restarted. A late first reading looks the same."""
        assert reads({}, 5, "restart", made((70,))) == {"m": {"1": (5,)}}

    def test_what_a_reset_saw_is_known_also_without_the_reading(self) -> None:
        with pytest.raises(Fall, match="below the 7 "):
            reads({}, 6, "refuse", {"m": {"0": (0, 7)}})
        assert reads({"m": {"0": (0, 7)}}, 6, "restart") == {"m": {"0": (0, 7), "1": (6,)}}
        assert reads({"m": {"0": (0, 7)}}, 9) == {"m": {"0": (9, 7)}}


def observe(mine: Entry | None, seq: int, *readings: tuple[str, int], others: Entries | None = None) -> Entry:
    """Return the entry of ann after an operation; an entry without numbers if it changes nothing."""
    operation = Operation("observe", 0, readings=readings)
    return KIND.apply(mine, operation, OperationContext("ann", seq, lambda: others or {})) or ()


class TestCounter:
    def test_a_total_counts_once_whoever_reads_it_and_however_often(self) -> None:
        ann = observe(None, 1, ("m", 7))
        assert observe(ann, 2, ("m", 7)) == ()
        assert KIND.value({"ann": ann, "bob": ann, "čen": (4, 0, 0, {}, {}, {}, {}, 0, made((5,)))}) == 7

    def test_branches_of_a_fork_count_their_largest_reading_whichever_is_newer(self) -> None:
        older: Entry = (5, 0, 0, {}, {}, {}, {}, 0, made((9,)))
        newer: Entry = (8, 0, 0, {}, {}, {}, {}, 0, made((7,)))
        assert KIND.value({"ann~1.abcd": older, "ann~1.efgh": newer}) == 9

    def test_a_reset_cancels_what_it_saw_and_later_growth_counts(self) -> None:
        ann = observe(None, 1, ("m", 7), ("n", 2))
        reset = KIND.apply(None, Operation("reset"), OperationContext("bob", 1, lambda: {"ann": ann})) or ()
        assert KIND.value({"ann": ann, "bob": reset}) == 0
        assert KIND.value({"ann": observe(ann, 2, ("m", 9)), "bob": reset}) == 2
        again = KIND.apply(reset, Operation("reset"), OperationContext("bob", 2, lambda: {"ann": ann}))
        assert again is None

    def test_a_reset_of_a_reading_that_has_not_arrived_here_takes_nothing_else_away(self) -> None:
        reset: Entry = (1, 0, 0, {}, {}, {}, {}, 0, made((0, 7)))
        assert KIND.value({"ann": observe(None, 1, ("m", 5), ("n", 2)), "bob": reset}) == 2

    def test_readings_do_not_expire(self) -> None:
        ann = observe(None, 1, ("m", 7))
        expire = Operation("expire", clock=(("ann", 1),))
        assert KIND.apply(None, expire, OperationContext("hub", 1, lambda: {"ann": ann})) is None

    def test_the_readings_of_an_entry_are_those_of_its_replica(self) -> None:
        assert KIND.readings_of(observe(None, 1, ("m", 7))) == made((7,))
        assert TYPES["gset"].readings_of((1, {})) == {}

    def test_what_is_known_already_makes_no_entry(self) -> None:
        assert observe(None, 1, ("m", 7), others={"bob": observe(None, 1, ("m", 7))}) == ()

    def test_a_reading_of_0_makes_a_counter_known(self) -> None:
        assert observe(None, 1, ("m", 0)) == (1, 0, 0)

    @COUNTERS
    def test_a_counter_can_begin_with_a_reading(self, tag: str) -> None:
        begun = TYPES[tag].apply(None, Operation("create", readings=(("m", 7),)), OperationContext("ann", 1)) or ()
        assert TYPES[tag].value({"ann": begun, "bob": begun}) == 7

    @pytest.mark.parametrize("tag", sorted(TYPES.keys() - {"gcounter", "pncounter"}))
    def test_other_types_refuse_readings(self, tag: str) -> None:
        with pytest.raises(Refused, match="has no readings"):
            TYPES[tag].apply(None, Operation("observe", 0, readings=(("m", 7),)), OperationContext("ann", 1))
        assert TYPES[tag].readings({}) == {}


def test_a_generation_is_a_number_in_its_shortest_form() -> None:
    assert [text for text in ("0", "1", "10", "9" * 16) if generation_fault(text)] == []
    wrong = ("", "00", "01", "-1", "1" * 17, "x", "²", "१")
    assert [text for text in wrong if generation_fault(text) is None] == []


def test_a_source_is_a_name() -> None:
    assert source_fault("log of host/a") is None
    assert source_fault(" a") is not None
