"""`Replica.select`: totals of counters and their series."""

import pytest

from crdtctl import Replica
from crdtctl.errors import RefusedError, UsageError
from tests.support.stored_states import counted_state

FAILED = {'tests{os="linux",py="3.11"}': 1, 'tests{os="linux",py="3.12"}': 2, 'tests{os="macos",py="3.12"}': 4}


@pytest.fixture
def replica(replica: Replica) -> Replica:
    """Return a replica with a counter and its series, some counted here, some elsewhere, some in both places."""
    with replica.batch() as batch:
        batch.increment("tests", 8)
        batch.increment('tests{os="linux",py="3.11"}')
        batch.increment('tests{os="linux",py="3.12"}')
        batch.increment("tests.slow", 16)
        batch.increment("testsuite", 32)
        batch.increment("tests|x", 64)
    replica.merge_bytes(
        counted_state("far", {'tests{os="linux",py="3.12"}': 1, 'tests{os="macos",py="3.12"}': 4, "tests": 128})
    )
    return replica


def values(replica: Replica, *names: str, **options: object) -> dict[str, int]:
    return {one.spelling: one.value for one in replica.select(*names, **options)}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "total"),
    [
        ("tests", {"tests": 143}),
        ('tests{os="linux"}', {'tests{os="linux"}': 3}),
        ('tests{py="3.12",os="linux"}', {'tests{os="linux",py="3.12"}': 2}),
        ('tests{os!="linux"}', {"tests": 140}),
        ('tests{os=""}', {'tests{os=""}': 136}),
        ('tests{os!=""}', {"tests": 7}),
        ("test*", {"tests": 143, "tests.slow": 16, "testsuite": 32, "tests|x": 64}),
        ('*{py="3.12"}', {'tests{py="3.12"}': 6}),
        ('{py="3.12"}', {'tests{py="3.12"}': 6}),
        ("tests[.|]*", {"tests.slow": 16, "tests|x": 64}),
        ("*w", {"tests.slow": 16}),
        ("nothing", {}),
        ("nothing*", {}),
        ('tests{os="bsd"}', {}),
    ],
)
def test_total_of_a_name_is_all_that_it_selects(replica: Replica, name: str, total: dict[str, int]) -> None:
    assert values(replica, name) == total


def test_groups_are_by_labels_and_a_missing_label_is_empty(replica: Replica) -> None:
    assert [(one.labels, one.value) for one in replica.select("tests", by=["os"])] == [
        ({"os": ""}, 136),
        ({"os": "linux"}, 3),
        ({"os": "macos"}, 4),
    ]
    found = replica.select("tests", by=["py", "os"], where={"os": "linux"})
    assert [(one.labels, one.value) for one in found] == [
        ({"os": "linux", "py": "3.11"}, 1),
        ({"os": "linux", "py": "3.12"}, 2),
    ]
    assert [one.labels for one in replica.select("tests", by=["nothing"])] == [{"nothing": ""}]


def test_each_series_is_a_total_by_itself(replica: Replica) -> None:
    assert values(replica, "tests", each=True) == {"tests": 136, **FAILED}
    assert values(replica, "tests", each=True, where=["os=l*"]) == {
        name: value for name, value in FAILED.items() if "linux" in name
    }
    assert values(replica) == {"tests": 136, **FAILED, "tests.slow": 16, "testsuite": 32, "tests|x": 64}
    assert values(replica, where=["py!=3.12", "py!="]) == {'tests{os="linux",py="3.11"}': 1}
    assert values(replica, by=["py"], where=["os!="]) == {'tests{py="3.11"}': 1, 'tests{py="3.12"}': 6}


def test_exact_name_is_one_counter(replica: Replica) -> None:
    assert values(replica, "tests", exact=True) == {"tests": 136}
    assert values(replica, 'tests{py="3.12",os="linux"}', exact=True) == {'tests{os="linux",py="3.12"}': 2}
    assert values(replica, 'tests{os="linux"}', exact=True) == {}
    assert values(replica, "test*", exact=True) == {}


def test_name_with_special_characters_is_no_pattern_if_a_counter_has_it(replica: Replica) -> None:
    replica.increment("t*")
    replica.increment('page[1]{os="linux"}', 5)
    assert values(replica, "t*") == {"t*": 1}
    assert values(replica, "page[1]") == {"page[1]": 5}
    assert values(replica, 'page[1]{os!="linux"}') == {}
    replica.increment("*", 7)
    assert values(replica, "*") == {"*": 7}
    assert values(replica, '{os="macos"}') == {'tests{os="macos"}': 4}


def test_conditions_are_texts_or_labels_with_their_values(replica: Replica) -> None:
    replica.increment('tests{os="l*"}', 256)
    assert values(replica, "tests", where={"os": "l*"}) == {'tests{os="l*"}': 256}
    assert values(replica, "tests", where=["os=l*"]) == {"tests": 259}


def test_sets_are_united_over_their_series(replica: Replica) -> None:
    for tag in ("gset", "hll"):
        replica.add(f'{tag}{{os="linux"}}', "ada", "grace", tag=tag)
        replica.add(f'{tag}{{os="macos"}}', "ada", "alan", tag=tag)
        replica.add(tag, "alan", tag=tag)
        (total,) = replica.select(tag)
        assert (total.value, total.shares) == (3, {replica.id: 3})
    assert replica.select("gset")[0].members == ("ada", "alan", "grace")
    assert replica.select("hll")[0].facts["precision"] == 12
    replica.reset('gset{os="linux"}')
    replica.add('gset{os="linux"}', "tim")
    (total,) = replica.select("gset")
    assert (total.value, total.members) == (3, ("ada", "alan", "tim"))
    with pytest.raises(RefusedError, match="has no members"):
        _ = replica.select("tests")[0].members


def test_distributions_are_merged_over_their_series(replica: Replica) -> None:
    replica.add("latency", "1", "2", tag="hist")
    replica.add('latency{os="linux"}', "100", tag="hist")
    replica.create('latency{os="macos"}', "hist", error=0.05)
    replica.add('latency{os="macos"}', "3", "-4")
    (total,) = replica.select("latency")
    assert (total.value, total.shares) == (5, {replica.id: 5})
    assert total.quantile(1) == 100
    assert (total.distribution.total, total.distribution.smallest) == ("102", "-4")
    (of_linux,) = replica.select("latency", where={"os": "linux"})
    assert of_linux.distribution.total == "100"
    assert total.facts["relative_error"] > of_linux.facts["relative_error"]


def test_key_counts_once_in_each_series(replica: Replica) -> None:
    for name in ("runs", 'runs{os="linux"}', 'runs{os="linux"}'):
        replica.increment(name, 3, once="job-1")
    (total,) = replica.select("runs")
    assert (total.value, total.shares, total.once) == (6, {replica.id: 6}, {"job-1": 6})


def test_reset_cancels_one_series(replica: Replica) -> None:
    replica.reset('tests{os="macos",py="3.12"}')
    assert values(replica, "tests") == {"tests": 139}


def test_values_of_every_other_type_add_up(replica: Replica) -> None:
    for tag in ("bcounter", "handoff", "gcounter"):
        replica.create(f'{tag}{{n="1"}}', tag)
        replica.create(f'{tag}{{n="2"}}', tag)
        replica.increment(f'{tag}{{n="1"}}', 3)
        replica.increment(f'{tag}{{n="2"}}', 4)
        (total,) = replica.select(tag)
        assert (total.tag, total.value, total.shares) == (tag, 7, {replica.id: 7})


def test_name_with_several_types_is_read_in_the_one_in_use(replica: Replica) -> None:
    replica.merge_bytes(counted_state("other", {'visitors{os="linux"}': 5}))
    replica.add('visitors{os="macos"}', "ada", tag="gset", also=True)
    assert [(one.tag, one.value) for one in replica.select("visitors")] == [("gset", 1)]
    assert [(one.tag, one.value) for one in replica.select("visitors", tag="pncounter")] == [("pncounter", 5)]
    assert [(one.tag, one.value) for one in replica.select("visit*")] == [("gset", 1), ("pncounter", 5)]


def test_counter_of_an_early_version_with_braces_is_a_name_without_labels(replica: Replica) -> None:
    replica.merge_bytes(counted_state("old", {"tests{linux}": 1000, "tests{": 2000}))
    assert values(replica, "tests") == {"tests": 143}
    assert values(replica, "tests{linux}") == {"tests{linux}": 1000}
    assert values(replica, "tests{") == {"tests{": 2000}


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        (["a{os=linux}"], {}, "double quotes"),
        (["a=b"], {}, "cannot hold '='"),
        (["a"], {"by": "os"}, "list of keys"),
        (["a"], {"by": ["o-s"]}, "'o-s'"),
        (["a"], {"where": ["os"]}, "KEY=VALUE"),
        (["a"], {"where": {"o-s": "x"}}, "'o-s'"),
        (["a"], {"where": {"os": 1}}, "must be a string"),
        (["a"], {"tag": "nothing"}, "unknown type"),
        (["a"], {"exact": True, "by": ["os"]}, "no groups"),
        ([""], {}, "cannot be empty"),
        ([3], {}, "must be a string"),
    ],
)
def test_wrong_question_is_refused(
    replica: Replica, names: list[str], options: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        replica.select(*names, **options)  # type: ignore[arg-type]
