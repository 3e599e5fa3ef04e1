"""Metrics of counters with any names and labels, as the official parser reads them. promtool checks some of them."""

import shutil
import subprocess
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdtctl.cli import exposition
from crdtctl.crdt import TYPES
from crdtctl.crdt.base import Operation, OperationContext
from crdtctl.crdt.distribution import of as distribution_of
from crdtctl.crdt.series import key_fault, series_fault, spelled
from crdtctl.store.reading import Reading
from crdtctl.store.totals import Total, alone

ID = "ann-00112233445566778899aabbccddeeff"
ADDS = {
    "gset": Operation("add", elements=("x",)),
    "hll": Operation("add", elements=("x",)),
    "hist": Operation("add", numbers=(distribution_of([-25 * 10**29, 0, 7 * 10**30]),)),
}
TAGS = ["gcounter", "pncounter", *ADDS]
STRANGE = st.sampled_from('"\\\\{}#=,._:-0aé日 ') | st.characters(exclude_categories=["Cs"])
KEYS = st.text("aZ_9", min_size=1, max_size=3) | st.sampled_from(["le", "__name__", "quantile", "exported_le", "_"])
COUNTERS = st.tuples(
    st.text(STRANGE, min_size=1, max_size=8),
    st.sampled_from(TAGS),
    st.dictionaries(
        KEYS.filter(lambda key: key_fault(key) is None), st.text(STRANGE, min_size=1, max_size=6), max_size=3
    ),
).filter(lambda one: series_fault(one[0], one[2]) is None)


def counter(name: str, tag: str, labels: dict[str, str]) -> Total:
    row = TYPES[tag].apply(None, ADDS.get(tag, Operation("increment", 3)), OperationContext(ID, 1))
    assert row is not None
    return alone(Reading(spelled(name, labels), tag, {ID: row}))


def parsed(lines: Iterable[str], form: str) -> list[Any]:
    """Return the families of a text, as the official parser reads them."""
    module = "prometheus_client.parser" if form == "prom" else "prometheus_client.openmetrics.parser"
    parser = pytest.importorskip(module, reason="the official parser is not installed: prometheus-client")
    return [*parser.text_string_to_metric_families("".join(f"{line}\n" for line in lines))]


def bare(labels: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    """Return labels without what is put before the keys that the formats use themselves."""
    return frozenset((key.replace("exported_", ""), value) for key, value in labels.items())


def promtool(text: str) -> tuple[int, str]:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed: Debian's package prometheus")
    done = subprocess.run(["promtool", "check", "metrics"], input=text, text=True, capture_output=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("form", ["prom", "openmetrics"])
@given(st.lists(COUNTERS, max_size=4, unique_by=lambda one: (one[0], tuple(sorted(one[2].items())))))
def test_any_counters_are_read_with_their_labels_or_clash(form: str, counters: list[Any]) -> None:
    totals = [counter(*one) for one in counters]
    found, clashing = exposition.metrics(totals)
    families = parsed(exposition.text(found, form), form)
    assert len(families) == len(found)
    for family, metric in zip(families, found, strict=True):
        read = {bare({key: text for key, text in one.labels.items() if key != "le"}) for one in family.samples}
        assert read == {bare(total.labels) for total in metric.totals}
    shown = {total.spelling for metric in found for total in metric.totals}
    assert shown | {*clashing} == {total.spelling for total in totals}


def test_promtool_accepts_hostile_names_and_labels() -> None:
    strange = 'a"b\\\\cé日 #,=.9'
    totals = [counter(f"{tag} {strange}", tag, {"le": strange, "__x": "y"}) for tag in TAGS]
    found, clashing = exposition.metrics(totals)
    about = exposition.about_replica(up=True, remotes={f"{strange}\n": 7}, heard={ID: 8})
    text = "".join(f"{line}\n" for line in [*about, *exposition.text(found, "prom")])
    assert clashing == []
    assert promtool(text)[0] in (0, 3), promtool(text)  # 3: names that are only unusual
    assert f"{len(found) + 3}" == str(len(parsed(text.splitlines(), "prom")))


def test_an_empty_sketch_has_the_error_0() -> None:
    found, _ = exposition.metrics([alone(Reading("guests", "hll", {ID: (1, "")}))])
    assert [*exposition.text(found, "prom")][-1] == "guests_standard_error 0"
