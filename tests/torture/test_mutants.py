"""The program with one thing done wrong on purpose: the tests notice."""

import pytest

from tests.torture.mutants import FAILED, MUTANTS, PASSED, SKIPPED, Edit, Mutant, run

QUICK = [mutant for mutant in MUTANTS if mutant.quick]


@pytest.mark.parametrize("mutant", QUICK, ids=lambda mutant: mutant.name)
def test_a_mutant_fails_the_test_that_is_there_for_it(mutant: Mutant) -> None:
    ended = mutant.tried()
    if ended == SKIPPED:
        pytest.skip(f"skipped here: {mutant.test}")
    assert ended == FAILED


def test_a_mutant_whose_piece_of_source_is_gone_is_not_taken_for_caught() -> None:
    gone = Mutant("gone", (Edit("fastpath/commit.py", "no such piece of source", ""),), QUICK[0].test)
    with pytest.raises(AssertionError, match="holds 0 times"):
        gone.tried()


def test_without_a_mutant_such_a_test_passes() -> None:
    assert run(QUICK[0].test) == PASSED
