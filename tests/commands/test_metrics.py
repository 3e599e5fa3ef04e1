"""The formats of metrics, as the official parser and promtool read them."""

import shutil
import subprocess
from typing import Any

import pytest

from crdtctl import Replica
from tests.conftest import Shell
from tests.support.expect import assert_refused

HOSTILE = [
    'a"b',
    "back\\slash",
    "9 lives",
    "été",
    "a#b",
    "x.count",
    "le:x",
    "日本",
    "__name__",
    "a,b",
    "# EOF",
    "total",
]


def parsed(text: str, form: str) -> dict[str, Any]:
    """Return the families of a text, by name, as the official parser reads them."""
    module = "prometheus_client.parser" if form == "prom" else "prometheus_client.openmetrics.parser"
    parser = pytest.importorskip(module, reason="the official parser is not installed: prometheus-client")
    return {family.name: family for family in parser.text_string_to_metric_families(text)}


def samples(family: Any) -> list[tuple[str, dict[str, str], float]]:
    return [(one.name, one.labels, one.value) for one in family.samples]


@pytest.fixture
def filled(shell: Shell, replica: Replica) -> Shell:
    shell.ok("increment", "page.views", "5", "--type", "gcounter")
    shell.ok("increment", "page.views", "2", "--label", 'os=a"\\b', "--label", "le=x")
    shell.ok("increment", "stock", "7")
    shell.ok("decrement", "stock", "9")
    shell.ok("add", "visitors", "ada", "bo")
    shell.ok("add", "guests", "ada", "bo", "--type", "hll")
    shell.ok("add", "latency", "0.25", "3", "--type", "hist")
    return shell


def test_prom_is_one_line_a_sample(shell: Shell, replica: Replica) -> None:
    shell.ok("increment", "page.views", "5", "--type", "gcounter")
    shell.ok("increment", 'page.views{os="linux"}', "2")
    shell.ok("increment", "stock", "1")
    shell.ok("decrement", "stock", "3")
    assert shell.ok("show", "--format", "prom") == (
        "# HELP page_views_total page.views (gcounter)\n"
        "# TYPE page_views_total counter\n"
        "page_views_total 5\n"
        'page_views_total{os="linux"} 2\n'
        "# HELP stock stock (pncounter)\n"
        "# TYPE stock gauge\n"
        "stock -2\n"
        "# HELP stock_decrements_total stock (pncounter): decrements\n"
        "# TYPE stock_decrements_total counter\n"
        "stock_decrements_total 3\n"
        "# HELP stock_increments_total stock (pncounter): increments\n"
        "# TYPE stock_increments_total counter\n"
        "stock_increments_total 1\n"
    )


def test_wrong_format_is_answered_with_all_that_there_are(shell: Shell, replica: Replica) -> None:
    replica.increment("builds")
    assert "did you mean 'prom'?" in assert_refused(shell("show", "--format", "promm"), 2)
    assert "badge-svg, prom, openmetrics, gitlab" in assert_refused(shell("show", "--format", "x"), 2)


@pytest.mark.parametrize("form", ["prom", "openmetrics"])
def test_each_type_is_read_by_the_official_parser(filled: Shell, form: str) -> None:
    found = parsed(filled.ok("show", "--format", form), form)
    assert {name: family.type for name, family in found.items()} == {
        "guests": "gauge",
        "guests_standard_error": "gauge",
        "latency": "histogram",
        "page_views": "counter",
        "stock": "gauge",
        "stock_decrements": "counter",
        "stock_increments": "counter",
        "visitors": "gauge",
    }
    assert samples(found["page_views"]) == [
        ("page_views_total", {}, 5),
        ("page_views_total", {"os": 'a"\\b', "exported_le": "x"}, 2),
    ]
    assert samples(found["stock"]) == [("stock", {}, -2)]
    assert samples(found["stock_increments"]) == [("stock_increments_total", {}, 7)]
    assert samples(found["stock_decrements"]) == [("stock_decrements_total", {}, 9)]
    assert samples(found["guests_standard_error"]) == [("guests_standard_error", {}, 0.01625)]
    buckets = [one for one in samples(found["latency"]) if one[0] == "latency_bucket"]
    assert [value for _, _, value in buckets] == [0, 1, 1, 2, 2]  # and the empty bucket below each
    assert [float(labels["le"]) for _, labels, _ in buckets] == sorted(float(labels["le"]) for _, labels, _ in buckets)
    assert ("latency_sum", {}, 3.25) in samples(found["latency"])
    assert ("latency_count", {}, 2) in samples(found["latency"])


@pytest.mark.parametrize("form", ["prom", "openmetrics"])
def test_negative_numbers_of_a_hist_are_read(shell: Shell, replica: Replica, form: str) -> None:
    shell.ok("add", "balance", "--type", "hist", "--", "-3", "0", "1", "1000000", "1e-20")
    found = samples(parsed(shell.ok("show", "--format", form), form)["balance"])
    assert found[-1 if form == "openmetrics" else -3] == ("balance_bucket", {"le": "+Inf"}, 5)


@pytest.mark.parametrize("form", ["prom", "openmetrics"])
def test_hostile_names_are_read(shell: Shell, replica: Replica, form: str) -> None:
    with replica.batch() as batch:
        for name in HOSTILE:
            batch.create(name, "gcounter")
            batch.increment(name, 3, labels={"__key": name})
    text = shell("show", "--format", form).stdout
    found = parsed(text, form)
    assert found
    for family in found.values():
        assert family.documentation.removesuffix(" (gcounter)") in HOSTILE
        assert samples(family)[-1][1:] == ({"exported___key": family.documentation.removesuffix(" (gcounter)")}, 3)
    assert ("# EOF\n" in text) == (form == "openmetrics")


def test_names_that_clash_are_left_out_and_reported(shell: Shell, replica: Replica) -> None:
    shell.ok("increment", "a.b=1", "a-b=1", "other=1", "--type", "gcounter")
    done = shell("show", "--format", "prom")
    assert done.status == 3
    assert "'a-b', 'a.b'" in done.stderr
    assert [line for line in done.stdout.splitlines() if not line.startswith("#")] == ["other_total 1"]


def test_names_of_further_metrics_and_of_metrics_of_the_replica_clash_too(shell: Shell, replica: Replica) -> None:
    shell.ok("increment", "stock=1", "crdtctl.up=1")
    shell.ok("increment", "stock.increments", "--type", "gcounter")
    done = shell("show", "--format", "prom")
    assert (done.status, done.stdout) == (3, "")
    assert "'crdtctl.up', 'stock', 'stock.increments'; see 'crdtctl help metrics'" in done.stderr


@pytest.mark.parametrize("words", ["status", "log", "show builds --by-replica", "show builds --max 9", "sync", "bogus"])
def test_variable_with_a_format_of_metrics_has_no_effect_elsewhere(shell: Shell, replica: Replica, words: str) -> None:
    shell.ok("increment", "builds")
    usual = shell(*words.split())
    assert shell(*words.split(), environment={"CRDTCTL_FORMAT": "prom"}) == usual
    assert shell("show", environment={"CRDTCTL_FORMAT": "prom"}).stdout == shell.ok("show", "--format", "prom")
    assert shell("status", environment={"CRDTCTL_STATUS_FORM": "prom"}).status == 2


def test_different_totals_with_the_same_labels_are_left_out_and_reported(filled: Shell) -> None:
    done = filled("show", "page.views", 'page.views{os!=""}', "stock", "--format", "prom")
    assert done.status == 3
    assert "left out" in done.stderr
    assert [line for line in done.stdout.splitlines() if not line.startswith("# ")] == [
        "stock -2",
        "stock_decrements_total 9",
        "stock_increments_total 7",
    ]


def test_a_sample_of_one_metric_is_no_name_of_another(shell: Shell, replica: Replica) -> None:
    shell.ok("add", "latency", "1", "--type", "hist")
    shell.ok("increment", "latency.count", "--type", "pncounter")
    found = parsed(shell.ok("show", "--format", "openmetrics"), "openmetrics")
    assert samples(found["latency_count_value"]) == [("latency_count_value", {}, 1)]


def test_selectors_and_groups_choose_the_samples(filled: Shell) -> None:
    assert "stock" not in filled.ok("show", "page.views", "--format", "prom")
    assert filled.ok("show", "page.views", "page.views", "--format", "prom").splitlines()[2:] == ["page_views_total 7"]
    assert filled.ok("show", "page.views", "--by", "le", "--format", "prom").splitlines()[2:] == [
        "page_views_total 5",
        'page_views_total{exported_le="x"} 2',
    ]


@pytest.mark.parametrize("option", ["--by-replica", "--members", "--state", "--min=1", "--default=0", "--distribution"])
def test_options_about_parts_are_refused(filled: Shell, option: str) -> None:
    assert "shows whole values only" in assert_refused(filled("show", "stock", option, "--format", "prom"), 2)


def test_promtool_accepts_the_text(filled: Shell) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed: Debian's package prometheus")
    text = filled.ok("show", "--format", "prom")
    done = subprocess.run(["promtool", "check", "metrics"], input=text, text=True, capture_output=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
