"""The hot path is an optimisation and never a second truth."""

from hypothesis import event, given

from crdtctl import hot
from crdtctl.store import files
from tests.hot import cases
from tests.hot.both import DECLINED, full, hot_alone, hot_first, outcome
from tests.hot.cases import Case


@given(cases.cases())
def test_both_ways_end_alike_say_the_same_and_leave_the_same_files(case: Case) -> None:
    first, second = outcome(case, hot_first), outcome(case, full)
    event(f"status {second.ended.status}")
    assert first == second


@given(cases.cases())
def test_both_ways_agree_on_files_too_large_to_be_summed_up_for_one_line(case: Case) -> None:
    assert outcome(case, hot_first, verify_below=0) == outcome(case, full, verify_below=0)


@given(cases.cases())
def test_the_hot_path_changes_no_state_when_it_declines(case: Case) -> None:
    alone = outcome(case, hot_alone)
    event("declined" if alone.ended.status == DECLINED else "did it")
    if alone.ended.status == DECLINED:
        untouched = outcome(case, lambda _: 0)
        assert (alone.ended.stdout, alone.ended.stderr) == ("", "")
        lock = ".crdtctl/own.lock", "elsewhere/own.lock"
        assert {p: f for p, f in alone.files.items() if p not in lock} == {
            p: f for p, f in untouched.files.items() if p not in lock
        }


def test_both_ways_mean_the_same_by_a_large_file() -> None:
    assert hot._VERIFY_BELOW == files.VERIFY_BELOW
