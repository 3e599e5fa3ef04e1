"""Lines of a batch whose readings change nothing are found without a request for each, and only those."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdtctl import Replica
from crdtctl.cli.batches import ordered_batch
from crdtctl.cli.observing import Defaults, observed_line
from crdtctl.crdt.readings import ON_DROP, OnDrop
from crdtctl.errors import RefusedError
from crdtctl.store.standing import Unchanged, standing

NAMES = ("rx", "tx", 'rx{a="1",b="2"}', 'rx{b="2",a="1"}')
SOURCES = ("s", "t", "é", "e\u0301", "")
TOTALS = ("3", "5", "8", "+5", "9007199254740992", "0")
FORMS = ("{}\t{}\t{}", "{} {} {}", "{}\t{}", "{}  {} {}", '{{"name":"rx","total":{1},"source":"s"}}')

steps = st.lists(
    st.tuples(
        st.booleans(),
        st.sampled_from(NAMES),
        st.sampled_from((0, 3, 5, 8, 2**53)),
        st.sampled_from(SOURCES[:3]),
        st.sampled_from(ON_DROP),
    ),
    max_size=8,
)
lines = st.lists(
    st.tuples(st.sampled_from(FORMS), st.sampled_from(NAMES), st.sampled_from(TOTALS), st.sampled_from(SOURCES)),
    max_size=8,
)


def made(path: Path, done: list[tuple[bool, str, int, str, OnDrop]]) -> Replica:
    """Return a replica that has done this, and has heard of another one that has as well."""
    here, there = Replica.init(path / "here"), Replica.init(path / "there")
    for is_here, name, total, source, on_drop in done:
        try:
            (here if is_here else there).observe(name, total, source=source, on_drop=on_drop)
        except RefusedError:
            here.merge_bytes(there.export_bytes())
    here.merge_bytes(there.export_bytes())
    return here


def after(replica: Replica, path: Path, on_drop: OnDrop, *, looks: bool) -> tuple[dict[str, object], int]:
    """Return the readings of a replica after a batch, and the number of requests; `looks` finds those that stand."""
    with replica.snapshot() as now:
        unchanged = Unchanged(standing(now, on_drop), "s") if looks else (lambda _: False)
    found = ordered_batch(str(path), observed_line(Defaults("s", on_drop, None), "auto"), unchanged, skip=True)
    replica.commit(found.requests(), on_refused=lambda *_: None)
    with replica.snapshot() as now:
        own: dict[str, object] = {
            one.name: dict(one.state[replica.id][8]) if len(one.state.get(replica.id, ())) > 8 else {}
            for one in now.counters()
        }
    return own, len(found.requests())


@given(done=steps, batch=lines, on_drop=st.sampled_from(ON_DROP))
def test_a_batch_has_the_same_result_as_without_leaving_them_out(
    done: list[tuple[bool, str, int, str, OnDrop]], batch: list[tuple[str, str, str, str]], on_drop: OnDrop
) -> None:
    with TemporaryDirectory() as where:
        path = Path(where, "lines")
        path.write_text("".join(f"{form.format(*fields)}\n" for form, *fields in batch))
        replicas = [made(Path(where, which), done) for which in ("a", "b")]
        (whole, many), (short, few) = (
            after(one, path, on_drop, looks=looks) for one, looks in zip(replicas, (False, True), strict=True)
        )
    assert short == whole
    assert few <= many


@pytest.mark.parametrize(
    ("name", "source", "line"),
    [
        (NAMES[2], "s", f"{NAMES[3]}\t9\ts"),
        ("rx", "\u00e9", "rx\t9\te\u0301"),
        ("rx", "s", "rx 9  s"),
        ("rx", "s", "rx 9 s\r"),
        ("rx", "s", '{"name":"rx","total":9,"source":"s"}'),
    ],
)
def test_a_line_in_another_spelling_ends_the_search(tmp_path: Path, name: str, source: str, line: str) -> None:
    replica = made(tmp_path, [(True, name, 5, source, "refuse")])
    path = tmp_path / "lines"
    path.write_bytes(f"{line}\n{name}\t5\t{source}\n".encode())
    after(replica, path, "restart", looks=True)
    assert replica.value(name) == 9 + 5


@pytest.mark.parametrize("on_drop", ON_DROP)
def test_a_line_that_repeats_what_is_known_needs_no_request(tmp_path: Path, on_drop: OnDrop) -> None:
    replica = made(tmp_path, [(True, "rx", 8, "s", "refuse"), (True, NAMES[2], 5, "t", "restart")])
    path = tmp_path / "lines"
    path.write_text(f"rx 8\n\nrx\t8\ts\n{NAMES[2]} 5 t\n")
    assert after(replica, path, on_drop, looks=True)[1] == 0
    path.write_text("rx 9\nrx 8\nrx 8 t\n")
    assert after(replica, path, "ignore", looks=True)[1] == 3


def test_a_reading_of_another_replica_stands_unless_this_one_has_to_keep_its_first(tmp_path: Path) -> None:
    replica = made(tmp_path, [(False, "rx", 8, "s", "refuse")])
    with replica.snapshot() as now:
        found = [standing(now, on_drop) for on_drop in ("refuse", "ignore", "restart")]
    assert found == [{b"rx": {b"s": b"8"}}, {b"rx": {b"s": b"8"}}, {b"rx": {}}]


def test_counters_of_another_type_than_the_one_asked_for_are_left_to_the_commit(tmp_path: Path) -> None:
    replica = made(tmp_path, [(True, "rx", 8, "s", "refuse")])
    with replica.snapshot() as now:
        assert standing(now, "refuse", "gcounter") == {}
        assert standing(now, "refuse", "pncounter") == {b"rx": {b"s": b"8"}}
    replica.observe("rx", 8, source="s", tag="gcounter", also=True)
    with replica.snapshot() as now:
        assert standing(now, "refuse") == {}
