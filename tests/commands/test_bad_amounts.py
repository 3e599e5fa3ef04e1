"""Amounts are whole numbers from 1, of at most 100 digits; everything else is refused and nothing is changed."""

import pytest

from crdtctl import Replica
from tests.commands.expect import assert_refused, contents
from tests.conftest import Shell

WRONG = [
    "", "0", "-1", "00", "1.5", "1,5", ".5", "1.", "1.0", "1e3", "0x10", "0b1", "+1", " 1", "1 ", "1_000", "1\n",
    "٣", "１", "²", "½", "inf", "nan", "one", "1" * 101, "9" * 5000,
]  # fmt: skip


@pytest.fixture(autouse=True)
def _counted(replica: Replica) -> None:
    replica.increment("builds", 42)


@pytest.mark.parametrize("amount", WRONG)
def test_a_wrong_amount_counts_nothing(shell: Shell, replica: Replica, amount: str) -> None:
    before = contents(replica.path)
    assert_refused(shell("increment", "builds", amount), 2)
    assert_refused(shell("decrement", "fine=1", f"builds={amount}"), 2)
    assert contents(replica.path) == before


@pytest.mark.parametrize("amount", [amount for amount in WRONG if "\n" not in amount])
def test_a_wrong_amount_in_a_batch_counts_nothing(shell: Shell, replica: Replica, amount: str) -> None:
    before = contents(replica.path)
    words = f"fine 1\nbuilds\t{amount}\n"
    assert "line 2 of" in assert_refused(shell("increment", "--batch", "-", stdin=words), 2)
    assert contents(replica.path) == before


def test_a_negative_amount_is_told_of_decrement(shell: Shell) -> None:
    for words in (["builds", "-1"], ["--", "builds", "-1"], ["builds=-1"]):
        assert "decrement" in assert_refused(shell("increment", *words), 2)


def test_a_fraction_is_told_of_smaller_units(shell: Shell) -> None:
    for amount in ("1.5", "0,99"):
        assert "smaller unit" in assert_refused(shell("increment", "euros", amount), 2)


def test_leading_zeros_and_100_digits_are_a_number(shell: Shell, replica: Replica) -> None:
    shell.ok("increment", "builds", "007")
    assert shell.ok("show", "builds") == "49\n"
    shell.ok("increment", "atoms", "9" * 100)
    assert shell.ok("show", "atoms") == "9" * 100 + "\n"


@pytest.mark.parametrize("amount", ["1.0", "true", "null", "-1", "0", "1e2", "[1]", '"x"', '"1.0"', '""', "1" * 101])
def test_a_wrong_amount_in_json_counts_nothing(shell: Shell, replica: Replica, amount: str) -> None:
    before = contents(replica.path)
    line = f'{{"name":"builds","amount":{amount}}}\n'
    assert "line 1 of" in assert_refused(shell("increment", "--batch", "-", stdin=line), 2)
    assert contents(replica.path) == before
