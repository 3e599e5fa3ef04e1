"""``crdtctl forget``: counters are gone here and on every replica that receives it, and stay gone."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from crdtctl import Replica
from crdtctl.errors import MissingError
from tests.conftest import Shell
from tests.support.clones import bind, clone
from tests.support.expect import assert_refused, contents
from tests.support.strace import after_changes, at, missing, points, run, was_killed, without_caches
from tests.support.terminal import on_terminal


@pytest.fixture
def hub(new_replica: Callable[[str], Replica]) -> Replica:
    return new_replica("hub")


def names(replica: Replica) -> list[str]:
    return [one.name for one in replica.counters()]


@pytest.fixture
def counted(replica: Replica, hub: Replica) -> Replica:
    """Count on two replicas that know each other."""
    replica.increment("builds", 50)
    replica.increment('tests{os="linux"}', 3)
    replica.increment('tests{os="macos"}', 4)
    replica.add("visitors", ["ada", "bob"])
    hub.increment("builds", 7)
    hub.add("visitors", ["eve"])
    replica.merge_bytes(hub.export_bytes())
    hub.merge_bytes(replica.export_bytes())
    return replica


@pytest.mark.parametrize(
    ("words", "left"),
    [
        (["builds"], ["tests", "tests", "visitors"]),
        (["builds", "visitors"], ["tests", "tests"]),
        (["tests"], ["builds", "visitors"]),
        (['tests{os="linux"}'], ["builds", "tests", "visitors"]),
        (["tests", "--where", "os=m*"], ["builds", "tests", "visitors"]),
        (["*"], []),
        (["*s", "builds"], []),
    ],
)
def test_selected_counters_are_gone_on_all_replicas(
    shell: Shell, counted: Replica, hub: Replica, words: list[str], left: list[str]
) -> None:
    old = counted.export_bytes()
    assert shell.ok("forget", *words) == ""
    assert [name.partition("{")[0] for name in names(counted)] == left
    hub.merge_bytes(counted.export_bytes())
    assert names(hub) == names(counted)
    for replica in (counted, hub):
        replica.merge_bytes(old)
        assert [name.partition("{")[0] for name in names(replica)] == left
    assert counted.export_bytes().splitlines()[1:-1] == hub.export_bytes().splitlines()[1:-1]


def test_forgotten_counter_does_not_exist_in_any_output(shell: Shell, counted: Replica) -> None:
    shell.ok("forget", "builds")
    for words in (["show", "builds"], ["show", "builds", "--by-replica"], ["reset", "builds"], ["forget", "builds"]):
        assert "no counter 'builds' here" in assert_refused(shell(*words), 66)
    assert shell.ok("show", "builds", "--default", "0") == "0\n"
    for form in ("json", "csv", "prom", "toml", "ndjson", "tsv"):
        assert "builds" not in shell.ok("show", "--format", form)
    assert "builds" not in shell.ok("show", "*")
    assert "builds" not in shell.ok("show", "--state")
    shell.ok("check")
    shell.ok("check", "-", stdin=counted.export_bytes())


def test_counts_that_did_not_hear_survive_alone(counted: Replica, hub: Replica) -> None:
    counted.forget_counters("builds", "visitors")
    hub.increment("builds", 2)
    hub.add("visitors", ["joe", "eve"])
    for giving, taking in ((hub, counted), (counted, hub)):
        taking.merge_bytes(giving.export_bytes())
    for replica in (counted, hub):
        assert replica.value("builds") == 2
        assert replica.select("visitors")[0].members == ("joe",)
    counted.increment("builds", 10)
    hub.merge_bytes(counted.export_bytes())
    hub.increment("builds", 100)
    counted.merge_bytes(hub.export_bytes())
    assert counted.value("builds") == hub.value("builds") == 112


def test_sketches_and_distributions_are_gone_and_begin_again(replica: Replica, hub: Replica) -> None:
    replica.create("guests", "hll", precision=6)
    replica.add("guests", ["ada", "bob"])
    replica.add_numbers("latency", "0.5", "700")
    old = replica.export_bytes()
    hub.merge_bytes(old)
    hub.add("guests", ["eve"])
    hub.add_numbers("latency", "3")
    hub.forget_counters("guests", "latency")
    replica.merge_bytes(hub.export_bytes())
    assert names(replica) == names(hub) == []
    replica.add("guests", ["joe"])
    replica.add_numbers("latency", "4")
    for one in (replica, hub):
        one.merge_bytes(old, replica.export_bytes())
        assert (one.value("guests"), one.value("latency")) == (1, 1)
        assert one.reading("latency").quantile(0.5) == 4
    hub.add("guests", ["ada"])
    replica.merge_bytes(hub.export_bytes())
    assert replica.value("guests") == 2


def test_sketches_that_were_changed_without_knowing_survive_whole_until_they_are_forgotten_again(
    replica: Replica, hub: Replica
) -> None:
    replica.add("guests", ["ada", "bob"], tag="hll")
    hub.merge_bytes(replica.export_bytes())
    hub.forget_counters("guests")
    replica.add("guests", ["joe"])
    hub.merge_bytes(replica.export_bytes())
    assert hub.value("guests") == 3
    hub.forget_counters("guests")
    replica.merge_bytes(hub.export_bytes())
    assert names(replica) == []
    replica.add("guests", ["eve"])
    assert replica.value("guests") == 1


@pytest.mark.parametrize("too", [False, True])
def test_keys_of_a_distribution_stay_used_unless_they_are_forgotten_too(
    shell: Shell, replica: Replica, hub: Replica, *, too: bool
) -> None:
    replica.add_numbers("latency", "0.5", once="job-1")
    hub.merge_bytes(replica.export_bytes())
    shell.ok("--replica", hub.path, "forget", "latency", *(["--keys-too"] if too else []))
    replica.merge_bytes(hub.export_bytes())
    for one in (replica, hub):
        one.add_numbers("latency", "0.7", once="job-1")
        assert one.value("latency") == 1 if too else "latency" not in names(one)


def test_bounded_counter_is_forgotten_where_all_rights_are_and_created_again(
    shell: Shell, replica: Replica, hub: Replica
) -> None:
    replica.create("seats", "bcounter", initial=10)
    old = replica.export_bytes()
    hub.merge_bytes(old)
    replica.merge_bytes(hub.export_bytes())
    assert shell.ok("forget", "seats", "--dry-run") == "seats\tbcounter\t10\n"
    shell.ok("forget", "seats")
    hub.merge_bytes(replica.export_bytes())
    for one in (replica, hub):
        one.merge_bytes(old)
        assert names(one) == []
    assert "no bcounter 'seats' here" in assert_refused(shell("--replica", hub.path, "increment", "seats"), 66)
    shell.ok("--replica", hub.path, "create", "seats", "--type", "bcounter", "--initial", "3")
    replica.merge_bytes(hub.export_bytes())
    assert (replica.value("seats"), hub.value("seats")) == (3, 3)
    shell.ok("check")
    shell.ok("--replica", hub.path, "decrement", "seats", "3")
    assert_refused(shell("decrement", "seats"), 4)


@pytest.mark.parametrize("tag", ["gcounter", "gset", "hll", "hist"])
def test_created_again_it_exists(shell: Shell, replica: Replica, hub: Replica, tag: str) -> None:
    shell.ok("create", "thing", "--type", tag)
    hub.merge_bytes(replica.export_bytes())
    hub.forget_counters("thing")
    replica.merge_bytes(hub.export_bytes())
    shell.ok("create", "thing", "--type", tag)
    assert shell.ok("show", "thing") == "0\n"


def test_deltas_and_own_exports_carry_it(counted: Replica, hub: Replica) -> None:
    before = counted.clock()
    old = hub.export_bytes()
    counted.forget_counters("builds")
    hub.merge_bytes(counted.export_bytes(since=before))
    assert names(hub) == names(counted)
    hub.merge_bytes(old)
    assert names(hub) == names(counted)


def test_sync_carries_it(shell: Shell, counted: Replica, hub: Replica) -> None:
    (shell.directory / "shared").mkdir()
    for path in (counted.path, hub.path):
        shell.ok("--replica", path, "sync", str(shell.directory / "shared"))
    shell.ok("forget", "builds", "visitors")
    for path in (counted.path, hub.path, counted.path):
        shell.ok("--replica", path, "sync", str(shell.directory / "shared"))
    assert names(hub) == names(counted) == ['tests{os="linux"}', 'tests{os="macos"}']


@pytest.mark.parametrize("verb", ["increment", "add"])
def test_forgotten_name_can_be_used_again_with_any_type(
    shell: Shell, counted: Replica, hub: Replica, verb: str
) -> None:
    shell.ok("forget", "builds", "visitors")
    hub.merge_bytes(counted.export_bytes())
    for path in (counted.path, hub.path):
        for name in ("builds", "visitors"):
            shell.ok("--replica", path, verb, name, *(["5"] if verb == "increment" else [Path(path).parent.name]))
    counted.merge_bytes(hub.export_bytes())
    assert [one.value for one in counted.select("builds", "visitors")] == [10 if verb == "increment" else 2] * 2
    assert {one.tag for one in counted.counters()} == {"pncounter", "pncounter" if verb == "increment" else "gset"}


def test_keys_stay_used_unless_they_are_forgotten_too(shell: Shell, replica: Replica, hub: Replica) -> None:
    for name in ("kept", "freed"):
        replica.increment(name, 3, once="job-1")
        replica.increment(name, 1, once="job-2")
    hub.merge_bytes(replica.export_bytes())
    hub.forget_counters("kept")
    shell.ok("--replica", hub.path, "forget", "freed", "--keys-too")
    replica.merge_bytes(hub.export_bytes())
    assert names(replica) == names(hub) == []
    for one in (replica, hub):
        one.increment("kept", 3, once="job-1")
        one.increment("freed", 3, once="job-1")
        replica.merge_bytes(hub.export_bytes())
        hub.merge_bytes(replica.export_bytes())
        assert one.value("freed") == 3
        assert "kept" not in names(one)
    assert "was used for +3 before" in assert_refused(shell("increment", "kept", "4", "--once", "job-1"), 4)


def test_meter_counts_from_its_forgotten_reading_on(replica: Replica, hub: Replica) -> None:
    replica.observe("bytes", 900, source="eth0")
    hub.merge_bytes(replica.export_bytes())
    hub.forget_counters("bytes")
    replica.merge_bytes(hub.export_bytes())
    replica.observe("bytes", 950, source="eth0")
    assert replica.value("bytes") == 50


def test_meter_counts_from_0_on_if_its_reading_is_forgotten_too(replica: Replica, hub: Replica) -> None:
    replica.observe("bytes", 900, source="eth0")
    old = replica.export_bytes()
    hub.merge_bytes(old)
    hub.forget_counters("bytes", keys_too=True)
    for one in (replica, hub):
        one.merge_bytes(hub.export_bytes(), old)
        assert names(one) == []
        one.observe("bytes", 950, source="eth0")
    replica.merge_bytes(hub.export_bytes())
    assert replica.value("bytes") == 950


def test_periods_go_with_their_counts(replica: Replica, hub: Replica) -> None:
    replica.create("deploys", "pncounter", every="day")
    replica.increment("deploys", 5, at=1_770_000_000)
    hub.merge_bytes(replica.export_bytes())
    hub.forget_counters("deploys")
    replica.increment("deploys", 2, at=1_770_100_000)
    hub.merge_bytes(replica.export_bytes())
    found = hub.reading("deploys").timeline
    assert (sum(found.periods.values()), found.unknown) == (2, 0)


def test_sealed_replica_that_forgot_is_absorbed(replica: Replica, new_replica: Callable[[str], Replica]) -> None:
    replica.increment("builds", 5)
    job = new_replica("job")
    job.merge_bytes(replica.export_bytes())
    job.increment("tests", 2)
    job.forget_counters("builds")
    job.seal()
    replica.absorb([job.export_bytes()])
    assert names(replica) == ["tests"]
    replica.increment("builds", 1)
    assert replica.value("builds") == 1


def test_a_later_fork_of_another_replica_does_not_bring_it_back(counted: Replica, hub: Replica, tmp_path: Path) -> None:
    hub.increment("late")
    counted.merge_bytes(before := hub.export_bytes())
    counted.forget_counters("late")
    clone(Path(hub.path), tmp_path / "clone")
    copy = Replica(tmp_path / "clone")
    hub.increment("other")
    copy.increment("other", 5)
    counted.merge_bytes(hub.export_bytes(), copy.export_bytes(), before, check=False)
    assert counted.value("other") == 5
    assert "late" not in names(counted)


@pytest.mark.parametrize("verb", ["forget", "reset"])
def test_elements_of_a_branch_that_was_not_known_survive(
    counted: Replica, hub: Replica, tmp_path: Path, verb: str
) -> None:
    clone(Path(hub.path), tmp_path / "clone")
    copy = Replica(tmp_path / "clone")
    for one, elements in ((hub, ["a", "b"]), (copy, ["joe"])):
        one.add("visitors", elements)
    counted.merge_bytes(hub.export_bytes())
    if verb == "forget":
        counted.forget_counters("visitors")
    else:
        counted.reset("visitors")
    counted.merge_bytes(copy.export_bytes(), check=False)
    members = counted.select("visitors")[0].members
    assert "joe" in members
    assert {"ada", "bob", "eve"}.isdisjoint(members)
    counted.reset("visitors")
    assert counted.value("visitors") == 0


def test_renamed_counter_is_forgotten_with_all_its_names(counted: Replica, hub: Replica) -> None:
    hub.rename("builds", "runs")
    counted.merge_bytes(hub.export_bytes())
    counted.increment("runs", 1)
    counted.forget_counters("runs")
    hub.merge_bytes(counted.export_bytes())
    for replica in (counted, hub):
        assert [name for name in names(replica) if name in ("builds", "runs")] == []
    hub.increment("builds", 4)
    assert hub.value("runs") == 4


def test_dry_run_lists_and_changes_nothing(shell: Shell, counted: Replica) -> None:
    before = contents(counted.path)
    assert shell.ok("forget", "--dry-run", "tests", "builds") == (
        'tests{os="linux"}\tpncounter\t3\ntests{os="macos"}\tpncounter\t4\nbuilds\tpncounter\t57\n'
    )
    assert contents(counted.path) == before


def test_terminal_shows_what_is_forgotten(shell: Shell, counted: Replica) -> None:
    assert "builds 57 → forgotten" in on_terminal(shell, "forget", "builds").stdout


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["nothing"], 66, "no counter 'nothing' here"),
        (["none.*"], 66, "no counter matches 'none.*'"),
        (["builds", "--where", "os=mac"], 66, "no series matches 'builds{os=\"mac\"}'; 'crdtctl show builds --series'"),
        (["builds", "gauge"], 4, "'gauge' is a handoff, which cannot be forgotten"),
        (["*"], 4, "and 1 more cannot"),
        (["builds", "seats"], 4, "cannot forget 'seats': other replicas could still use their rights: hub-"),
        (["seats", "--dry-run"], 4, " holds 3; all rights must be here first; ask for them: crdtctl request seats"),
        (["builds", "--type", "gset"], 66, "not a gset"),
        ([], 2, ""),
    ],
)
def test_forgetting_is_refused_as_a_whole(
    shell: Shell, replica: Replica, words: list[str], status: int, told: str
) -> None:
    replica.increment("builds")
    for name in ("gauge", "level"):
        shell.ok("increment", name, "--type", "handoff")
    hub = Replica.init(shell.directory / "hub", name="hub")
    hub.increment("runs")
    replica.merge_bytes(hub.export_bytes())
    shell.ok("create", "seats", "--type", "bcounter", "--initial", "4")
    replica.transfer("seats", hub.id, 3)
    before = contents(replica.path)
    assert told in assert_refused(shell("forget", *words), status)
    assert contents(replica.path) == before


def test_library_returns_the_names(counted: Replica) -> None:
    assert counted.forget_counters("tests", where=["os=linux"]) == ['tests{os="linux"}']
    assert counted.forget_counters("builds", "visitors") == ["builds", "visitors"]
    with pytest.raises(MissingError):
        counted.forget_counters("builds")


def test_it_cannot_be_undone(shell: Shell, counted: Replica) -> None:
    shell.ok("forget", "builds")
    assert "'builds' was forgotten" in assert_refused(shell("undo"), 4)


def test_one_commit_forgets_many_series(replica: Replica) -> None:
    with replica.batch() as batch:
        for number in range(500):
            batch.increment("requests", labels={"host": f"h{number}"})
    commits = replica.commits
    assert len(replica.forget_counters("requests")) == 500
    assert (replica.commits, names(replica)) == (commits + 1, [])


def test_killed_at_any_call_it_is_done_or_not(shell: Shell, replica: Replica) -> None:
    if reason := missing():
        pytest.skip(reason)
    replica.increment("builds", 5)
    replica.add("visitors", ["ada"])
    pristine = shell.directory / "pristine"
    shutil.copytree(replica.path, pristine)
    environment = without_caches({**shell.environment, "CRDTCTL_REPLICA": replica.path})
    words = ["forget", "builds", "visitors"]
    shell.ok("forget", "--dry-run", "builds")  # Python has compiled all that it loads
    seen = set[tuple[str, ...]]()
    for point in after_changes(points(words, environment, shell.directory / "log")):
        shutil.rmtree(replica.path)
        shutil.copytree(pristine, replica.path)
        bind(Path(replica.path), f"{shell.directory}/witness")
        assert was_killed(run(words, environment, **at(point, "signal=SIGKILL")))
        seen.add(tuple(names(replica)))
        shell("forget", "builds", "visitors")
        assert names(replica) == []
    assert seen == {(), ("builds", "visitors")}


def test_merge_reports_what_it_forgets(shell: Shell, counted: Replica, hub: Replica) -> None:
    counted.forget_counters("builds")
    path = shell.directory / "state.json"
    path.write_bytes(counted.export_bytes())
    words = ["--replica", hub.path, "merge", str(path)]
    assert "builds 57 → forgotten" in on_terminal(shell, *words, "--dry-run").stdout
    changes = json.loads(shell.ok(*words, "--format", "json"))["counters"]
    assert [(one["name"], one["before"], one["after"]) for one in changes] == [("builds", 57, None)]


@pytest.mark.parametrize(("first", "second"), [("pncounter", "gcounter"), ("gcounter", "pncounter")])
def test_forgotten_name_takes_another_type(shell: Shell, replica: Replica, first: str, second: str) -> None:
    shell.ok("increment", "runs", "5", "--type", first)
    assert_refused(shell("increment", "runs", "--type", second), 73)
    shell.ok("forget", "runs")
    shell.ok("increment", "runs", "2", "--type", second)
    shell.ok("increment", "runs")
    assert shell.ok("show") == f"runs\t{second}\t3\n"
    assert_refused(shell("increment", "runs", "--type", first), 73)


def test_name_of_a_forgotten_distribution_takes_counts(shell: Shell, replica: Replica) -> None:
    shell.ok("add", "runs", "3", "--type", "hist")
    shell.ok("forget", "runs")
    shell.ok("increment", "runs", "2")
    shell.ok("increment", "runs")
    assert shell.ok("show") == "runs\tpncounter\t3\n"


def test_counter_with_the_name_of_a_forgotten_one_arrives_without_a_warning(shell: Shell, replica: Replica) -> None:
    replica.increment("runs")
    shell.ok("forget", "runs")
    other = Replica.init(shell.directory / "other", name="other")
    other.increment("runs", tag="gcounter")
    other.export_to(shell.directory / "other.json")
    shell.ok("merge", "other.json")
    assert shell.ok("show") == "runs\tgcounter\t1\n"
