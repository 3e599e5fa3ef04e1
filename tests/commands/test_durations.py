"""Durations on the command line: 90, 30s, 5m, 6h, 2d, alike at every option and in every variable."""

import pytest

from crdtctl.cli.durations import ago, duration, length
from tests.conftest import Shell
from tests.support.expect import assert_refused

OPTIONS = [
    (["--lock-timeout"], ["show"], "CRDTCTL_LOCK_TIMEOUT"),
    (["sync", "--timeout"], ["./hub"], "CRDTCTL_SYNC_TIMEOUT"),
    (["sync", "--retry-lock"], ["./hub"], "CRDTCTL_SYNC_RETRY_LOCK"),
    (["remote", "check", "--timeout"], ["./hub"], "CRDTCTL_REMOTE_CHECK_TIMEOUT"),
]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("0.5", 0.5), ("30s", 30), ("5m", 300), ("6h", 21600), ("2d", 172800), ("1h30m", 5400), ("5M", 300)],
)
def test_a_duration_is_a_number_of_seconds_or_has_units(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize(("before", "after", "variable"), OPTIONS)
def test_every_option_takes_units(shell: Shell, before: list[str], after: list[str], variable: str) -> None:
    shell.ok("init")
    assert shell(*before, "5m", *after).status == 0
    assert shell(*before[:-1], *after, environment={variable: "5m"}).status == 0


@pytest.mark.parametrize("wrong", ["", "soon", "-1", "nan", "inf", "5 m", "m5", "5y", "1e999", "١"])
@pytest.mark.parametrize(("before", "after", "variable"), OPTIONS)
def test_a_wrong_one_is_refused_with_the_words_that_help(
    shell: Shell, before: list[str], after: list[str], variable: str, wrong: str
) -> None:
    shell.ok("init")
    said = assert_refused(shell(*before, wrong, *after), 2)
    assert "write 30s, 5m, 6h or 2d" in said
    assert before[-1] in said


@pytest.mark.parametrize(("before", "after", "variable"), OPTIONS)
def test_a_wrong_one_in_a_variable_is_refused_with_the_name_of_the_variable(
    shell: Shell, before: list[str], after: list[str], variable: str
) -> None:
    shell.ok("init")
    said = assert_refused(shell(*before[:-1], *after, environment={variable: "soon"}), 2)
    assert variable in said


def test_lengths_and_ages_are_shown_in_the_largest_unit_of_which_there_are_two() -> None:
    assert [length(one) for one in (0, 1, 119, 120, 7199, 7200, 172_799, 172_800)] == [
        "0 seconds",
        "1 second",
        "119 seconds",
        "2 minutes",
        "119 minutes",
        "2 hours",
        "47 hours",
        "2 days",
    ]
    assert ago("2026-11-27T00:00:00Z", 1795737600.0 + 3 * 86_400) == "3 days ago"
    assert ago("yesterday") == "yesterday"
