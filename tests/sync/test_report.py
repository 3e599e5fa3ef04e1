"""The reports of several merges in one sync are combined into one."""

from crdtctl.errors import DataError
from crdtctl.records import as_dict
from crdtctl.store.changes import Change
from crdtctl.store.merge import MergeReport
from crdtctl.sync.report import add_merge


def test_no_part_of_a_report_is_left_out() -> None:
    one, total = MergeReport(), MergeReport()
    for part in as_dict(MergeReport()):
        empty = getattr(one, part)
        full = {dict: {"a": 1}, list: ["a"], bool: True, int: 3}[type(empty)]
        setattr(one, part, full)
    one.changes, one.handoffs = [], []  # which are more than words
    add_merge(total, one)
    assert total == one


def test_a_counter_that_changed_twice_is_one_change() -> None:
    total = MergeReport(taken=["a"], counters=2, changes=[Change("x", "pncounter", None, 1), Change("y", "gset", 1, 2)])
    add_merge(total, MergeReport(taken=["b"], counters=1, changes=[Change("x", "pncounter", 1, 5)]))
    assert (total.counters, total.taken) == (2, ["a", "b"])
    assert total.changes == [Change("x", "pncounter", None, 5), Change("y", "gset", 1, 2)]


def test_what_was_refused_before_stays_so() -> None:
    total = MergeReport(refused={"a": DataError("half")})
    add_merge(total, MergeReport(taken=["b"]))
    assert list(total.refused) == ["a"]
