"""Amounts are whole numbers from 0, of at most 100 digits; everything else is refused and nothing is changed."""

import pytest

from crdtctl import Replica
from tests.conftest import Shell
from tests.support.expect import assert_refused, contents

WRONG = [
    "", " ", "-1", "-0", "1.5", "1,5", ".5", "1.", "1.0", "1e3", "0x10", "0b1", "++1", "+", "1 1", "1_000", "\n",
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


@pytest.mark.parametrize(
    ("amount", "digits"),
    [("1,000", "1000"), ("1,234,567", "1234567"), ("1.000.000", "1000000"), ("1'000", "1000"), ("1 000", "1000"),
     ("1_000", "1000"), ("1e3", "1000"), ("1.5e3", "1500"), ("0x10", "16"), ("0b11", "3"), ("٣", "3"), ("１２", "12")],
)  # fmt: skip
def test_a_number_in_another_writing_is_told_its_digits(shell: Shell, amount: str, digits: str) -> None:
    for words in (["builds", amount], [f"builds={amount}"]):
        told = assert_refused(shell("increment", *words), 2)
        assert told.endswith(f"write {digits}\n")
        assert "not a whole number" not in told


def test_an_empty_amount_is_told_of_variables(shell: Shell) -> None:
    for words in (["builds", ""], ["builds="], ["builds", " "]):
        assert "is a variable unset" in assert_refused(shell("increment", *words), 2)
    assert "is a variable unset" in assert_refused(shell("show", "builds", "--min", ""), 2)


@pytest.mark.parametrize("amount", ["+8", "8 ", "      8", "8\n", "8\r\n", "\t8", "008", "+08"])
def test_a_plus_sign_and_white_space_around_an_amount_change_nothing(
    shell: Shell, replica: Replica, amount: str
) -> None:
    shell.ok("increment", "builds", amount)
    shell.ok("increment", f"builds={amount}")
    shell.ok("decrement", "builds", amount)
    assert replica.value("builds") == 50
    assert shell("show", "builds", "--min", amount).status == 0


WRONG_ORDER = {
    ("5", "builds"): "increment builds 5",
    ("builds", "=", "5"): "increment builds=5",
    ("builds=", "5"): "increment builds=5",
    ("builds", "=5"): "increment builds=5",
    ("builds", "=", "5", "tests", "=", "2"): "increment builds=5 tests=2",
    ("builds", "5", "failures", "2"): "increment builds=5 failures=2",
    ("builds", "tests"): "increment builds=1 tests=1",
    ("builds", "tests", "2"): "increment builds=1 tests=2",
    ("builds=5", "tests"): "increment builds=5 tests=1",
    ("two words", "5", "b", "2"): "increment 'two words=5' b=2",
}


@pytest.mark.parametrize("words", WRONG_ORDER, ids=" ".join)
def test_words_in_another_order_are_told_the_right_one(shell: Shell, replica: Replica, words: tuple[str, ...]) -> None:
    before = contents(replica.path)
    assert assert_refused(shell("increment", *words), 2).endswith(f": crdtctl {WRONG_ORDER[words]}\n")
    assert contents(replica.path) == before


@pytest.mark.parametrize(
    ("word", "message"),
    [("http_requests{code=200}", "not in double quotes"), ("/?a=b", "a counter's name cannot hold '='")],
)
def test_an_equals_sign_in_a_name_is_told_as_that(shell: Shell, replica: Replica, word: str, message: str) -> None:
    told = assert_refused(shell("increment", word), 2)
    assert message in told
    assert "not an amount" not in told


def test_leading_zeros_and_100_digits_are_a_number(shell: Shell, replica: Replica) -> None:
    shell.ok("increment", "builds", "007")
    assert shell.ok("show", "builds") == "49\n"
    shell.ok("increment", "atoms", "9" * 100)
    assert shell.ok("show", "atoms") == "9" * 100 + "\n"


@pytest.mark.parametrize("amount", ["1.0", "true", "null", "-1", "1e2", "[1]", '"x"', '"1.0"', '""', "1" * 101])
def test_a_wrong_amount_in_json_counts_nothing(shell: Shell, replica: Replica, amount: str) -> None:
    before = contents(replica.path)
    line = f'{{"name":"builds","amount":{amount}}}\n'
    assert "line 1 of" in assert_refused(shell("increment", "--batch", "-", stdin=line), 2)
    assert contents(replica.path) == before


@pytest.mark.parametrize("verb", ["transfer", "request"])
def test_amount_and_replica_in_another_order_are_told_the_right_one(shell: Shell, replica: Replica, verb: str) -> None:
    replica.create("seats", "bcounter", initial=9)
    told = assert_refused(shell(verb, "seats", "5", "hub"), 2)
    assert told.endswith(f"AMOUNT comes last: crdtctl {verb} seats hub 5\n")


@pytest.mark.parametrize("verb", ["transfer", "request"])
def test_the_suggested_order_has_the_name_as_typed(shell: Shell, replica: Replica, verb: str) -> None:
    ended = shell(verb, "seats", "5", "hub", environment={"CRDTCTL_LABELS": "os=linux"})
    assert ended.stderr.endswith(f"AMOUNT comes last: crdtctl {verb} seats hub 5\n")
