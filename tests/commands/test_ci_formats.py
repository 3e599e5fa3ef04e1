"""``crdtctl show`` in the formats that CI systems show."""

import json
import shlex
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from crdtctl import Replica
from tests.conftest import Shell
from tests.support.expect import assert_refused

FORMS = ["markdown", "github-summary", "github-output", "dotenv", "badge", "badge-svg"]


@pytest.fixture
def filled(shell: Shell, replica: Replica) -> Shell:
    with replica.batch() as batch:
        batch.create("failures", "gcounter", every="day", keep=400 * 86_400)
        batch.increment("failures", 2)
        batch.increment("a|b", 3)
        batch.increment('runs{os="li#nux"}', 4)
        batch.increment('runs{os="mac"}', 5)
        batch.add("users", "::error::x", "bo")
    return shell


def outputs(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines())


def test_markdown_is_a_table_of_what_is_selected(filled: Shell) -> None:
    assert filled.ok("show", "runs", "--by", "os", "--format", "markdown") == (
        "| name | type | os | value |\n|---|---|---|---:|\n"
        "| `runs` | pncounter | `li#nux` | 4 |\n| `runs` | pncounter | `mac` | 5 |\n"
    )
    assert "<code>a&#124;b</code>" in filled.ok("show", "--format", "markdown")
    assert filled.ok("show", "failures", "--by-replica", "--format", "markdown").count("\n") == 3
    assert "| period | value |" in filled.ok("show", "failures", "--per", "day", "--format", "markdown")


def test_summary_of_a_step_ends_before_the_limit_and_says_so(filled: Shell, tmp_path: Path) -> None:
    summary = tmp_path / "summary"
    summary.write_text("x" * (2**20 - 300))
    near = replace(filled, environment={**filled.environment, "GITHUB_STEP_SUMMARY": str(summary)})
    shown = near.ok("show", "--format", "github-summary")
    assert "more rows are left out" in shown
    assert len(shown) <= 300
    summary.write_text("")
    assert near.ok("show", "--format", "github-summary") == near.ok("show", "--format", "markdown")


def test_outputs_are_one_line_a_figure(filled: Shell) -> None:
    expected = {"failures": "2", "a_b": "3", "runs_os_li_nux": "4", "runs_os_mac": "5", "users": "2"}
    for form in ("github-output", "dotenv"):
        assert outputs(filled.ok("show", "--format", form)) == expected
    assert outputs(filled.ok("show", "failures", "--last", "7d", "--format", "dotenv")) == {"failures": "2"}


def test_elements_are_one_output_with_a_delimiter_of_this_run(filled: Shell) -> None:
    found = [filled.ok("show", "users", "--members", "--format", "github-output").splitlines() for _ in range(2)]
    ends = {lines[0].removeprefix("users<<") for lines in found}
    assert len(ends) == 2
    for first, *values, end in found:
        assert values == ["::error::x", "bo"]
        assert first == f"users<<{end}"
        assert len(end) > 30


def test_clash_of_outputs_is_reported_and_the_others_are_printed(filled: Shell) -> None:
    filled.ok("increment", "x.y=1", "x-y=2")
    done = filled("show", "--format", "github-output")
    assert done.status == 3
    assert "'x-y', 'x.y'" in done.stderr
    assert outputs(done.stdout)["failures"] == "2"


def test_badge_has_the_colour_of_the_bounds(filled: Shell) -> None:
    answer = json.loads(filled.ok("show", "failures", "--format", "badge"))
    assert answer == {"schemaVersion": 1, "label": "failures", "message": "2", "color": "blue"}
    for words in (["--max", "1"], ["--last", "7d", "--max", "1"], ["--per", "day", "--last", "1h", "--max", "1"]):
        done = filled("show", "failures", *words, "--format", "badge" if "--per" not in words else "markdown")
        assert done.status == 1
        assert "--per" in words or json.loads(done.stdout)["color"] == "red"
    within = filled.ok("show", "failures", "--last", "7d", "--max", "2", "--format", "badge")
    assert json.loads(within) == {"schemaVersion": 1, "label": "failures", "message": "2", "color": "brightgreen"}


def test_badge_of_a_quantile_and_of_a_missing_counter(filled: Shell) -> None:
    filled.ok("add", "latency", "1", "2", "--type", "hist")
    done = filled("show", "latency", "--quantile", "0.5", "--max", "0.5", "--format", "badge")
    assert (done.status, json.loads(done.stdout)["color"]) == (1, "red")
    default = filled.ok("show", "none", "--last", "7d", "--default", "0", "--max", "0", "--format", "badge")
    assert json.loads(default)["color"] == "brightgreen"


def test_badge_svg_is_a_picture(filled: Shell) -> None:
    tree = ET.fromstring(filled.ok("show", "a|b", "--exact", "--format", "badge-svg"))
    assert tree.get("aria-label") == "a|b: 3"


@pytest.mark.parametrize("form", ["badge", "badge-svg"])
def test_badge_of_several_values_is_refused(filled: Shell, form: str) -> None:
    assert "one value" in assert_refused(filled("show", "--format", form), 2)


def test_gitlab_reads_a_value_a_line(filled: Shell) -> None:
    filled.ok("add", "latency", "1", "2", "--type", "hist")
    lines = filled.ok("show", "--format", "gitlab").splitlines()
    assert dict(shlex.split(line, comments=True) for line in lines) == {
        "a_b": "3",
        "failures_total": "2",
        "latency_sum": "3",
        "latency_count": "2",
        "runs{os=li%23nux}": "4",
        "runs{os=mac}": "5",
        "users": "2",
    }


@pytest.mark.parametrize("form", [*FORMS, "gitlab"])
def test_variable_with_a_format_for_jobs_applies_to_show_alone(filled: Shell, form: str) -> None:
    there = replace(filled, environment={**filled.environment, "CRDTCTL_FORMAT": form})
    there.ok("status")
    assert there.ok("show", "failures") == "2\n"


# Bounds of periods ---------------------------------------------------------------------------------------


@pytest.fixture
def dated(shell: Shell, replica: Replica) -> Shell:
    with replica.batch() as batch:
        batch.create("failures", "gcounter", every="day", keep=400 * 86_400)
    for day, amount in (("2026-01-05", "3"), ("2026-01-06", "8"), ("2026-01-07", "1")):
        shell.ok("increment", "failures", amount, "--at", day)
    return shell


WEEK = ("show", "failures", "--per", "day", "--since", "2026-01-05", "--until", "2026-01-07")


def test_each_period_is_within_bounds_or_the_first_that_is_not_is_named(dated: Shell) -> None:
    dated.ok(*WEEK, "--max", "8", "--min", "1")
    above = dated(*WEEK, "--max", "7")
    assert (above.status, above.stdout.count("\n")) == (1, 3)
    assert "8 in the day 2026-01-06, above 7" in above.stderr
    below = dated(*WEEK, "--min", "2")
    assert below.status == 1
    assert "1 in the day 2026-01-07, below 2" in below.stderr


def test_period_that_has_not_ended_may_be_below_the_lower_bound(dated: Shell) -> None:
    dated.ok("increment", "failures")
    dated.ok("show", "failures", "--per", "month", "--last", "1h", "--min", "99")
    assert dated("show", "failures", "--per", "month", "--last", "1h", "--max", "0").status == 1


def test_default_is_the_amount_of_each_period(dated: Shell) -> None:
    words = ("show", "none", *WEEK[2:], "--default", "0")
    assert dated.ok(*words, "--max", "0").splitlines() == [f"2026-01-0{day}\t0" for day in (5, 6, 7)]
    assert dated(*words, "--min", "1").status == 1


def test_quantile_of_each_period_is_within_bounds(shell: Shell, replica: Replica) -> None:
    shell.ok("create", "latency", "--type", "hist", "--every", "day")
    shell.ok("add", "latency", "5", "--type", "hist")
    words = ("show", "latency", "--per", "day", "--last", "3d", "--quantile", "0.5")
    shell.ok(*words, "--max", "6")
    assert "above 4" in shell(*words, "--max", "4").stderr


@pytest.mark.parametrize("option", ["--min", "--max", "--default"])
def test_rates_have_no_bounds(dated: Shell, option: str) -> None:
    assert "--rate" in assert_refused(dated(*WEEK, "--rate", option, "1"), 2)
