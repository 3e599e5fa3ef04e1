"""What programs pass: wrong types are `UsageError`; paths and iterables are taken; relative paths become absolute."""

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import crdtctl
from crdtctl import Options, Replica, synchronize
from crdtctl.errors import MissingError, RefusedError, UsageError

NewReplica = Callable[[str], Replica]


@pytest.mark.parametrize(
    "call",
    [
        "r.increment(5)",
        "r.increment(None)",
        'r.increment(b"builds")',
        'r.increment("builds", "5")',
        'r.increment("builds", 1.5)',
        'r.increment("builds", True)',
        'r.increment("builds", once=17)',
        'r.increment("builds", tag=17)',
        'r.decrement(["builds"])',
        'r.add("s", 1, 2)',
        'r.add("s", [1])',
        'r.add_numbers("t", None)',
        'r.add_numbers("t", b"1")',
        'r.add_numbers("t", True)',
        'r.add_numbers("t", [1])',
        'r.add_numbers("t", float("nan"))',
        'r.add_numbers("t", 1, once=5)',
        'r.create("t", "hist", error=True)',
        'r.create("t", "hist", error=[1])',
        'r.add("s", b"ada")',
        'r.add("s", {"ada": 1})',
        'r.create(5, "gset")',
        'r.create("s", 5)',
        "r.reset(5)",
        "r.value(5)",
        "r.value(5, default=0)",
        'r.value("builds", default=0, tag=5)',
        'r.value("a=b", default=0)',
        "r.reading(None)",
        "r.merge(5)",
        'r.merge(["hub.json", 5])',
        "r.absorb(5)",
        "r.compare(5)",
        'r.add_remote(5, "/shared")',
        'r.add_remote("shared", 5)',
        "synchronize(r, 5)",
        "r.batch(once=5)",
        'r.batch(once="")',
        'r.transfer("seats", 5, 1)',
        'r.transfer("seats", None, 1)',
        'r.transfer("seats", r.id, 1, source=5)',
        'r.request("seats", 5, 1)',
        'r.take_back("requests", 5)',
        "r.settle(5)",
        "Replica(5)",
        "Replica(None)",
        'synchronize(r, "/shared", options={"timeout": 5})',
        'synchronize(r, "/shared", options=Options(timeout="5"))',
        'Options(heartbeat="30m")',
    ],
)
def test_an_argument_of_a_wrong_type_is_a_usage_error(new_replica: NewReplica, call: str) -> None:
    replica = new_replica("here")
    with pytest.raises(UsageError):
        eval(call, {"r": replica, "synchronize": synchronize, "Options": Options, "Replica": Replica})
    assert replica.commits == 0
    assert list(replica.counters()) == []


def elements() -> Iterator[str]:
    yield "grace"
    yield "ada"


def test_elements_are_taken_one_by_one_and_from_iterables(new_replica: NewReplica) -> None:
    replica = new_replica("here")
    replica.add("visitors", "ada", ["zoe", "eve"], {"bob"}, elements())
    with replica.batch() as batch:
        batch.add("visitors", ("joe",), "ada")
    assert replica.reading("visitors").members == ("ada", "bob", "eve", "grace", "joe", "zoe")


@pytest.fixture
def exported(new_replica: NewReplica, tmp_path: Path) -> Path:
    for name, amount in (("one", 1), ("two", 2)):
        other = new_replica(name)
        other.increment("builds", amount)
        other.export_to(tmp_path / f"{name}.json")
    return tmp_path


def test_states_are_taken_as_strings_paths_bytes_and_iterables(new_replica: NewReplica, exported: Path) -> None:
    one, two = exported / "one.json", exported / "two.json"
    ways: list[Any] = [(str(one), two), (one.read_bytes(), two), ([one, two],), (exported.glob("*.json"),)]
    for number, given in enumerate(ways):
        replica = new_replica(f"taker-{number}")
        assert replica.merge(*given).counters == 1
        assert replica.value("builds") == 3


def test_a_state_to_compare_is_a_path_or_bytes(new_replica: NewReplica, exported: Path) -> None:
    replica = new_replica("here")
    replica.merge(exported / "one.json")
    assert replica.compare(str(exported / "one.json")) == "equal"
    assert replica.compare(exported / "two.json") == "concurrent"
    assert replica.compare((exported / "one.json").read_bytes()) == "equal"


def test_sealed_states_to_absorb_are_paths(new_replica: NewReplica, tmp_path: Path) -> None:
    job, hub = new_replica("job"), new_replica("hub")
    job.increment("tests", 41)
    job.seal()
    job.export_to(tmp_path / "job.json")
    assert hub.absorb(tmp_path / "job.json").absorbed == [job.id]
    assert hub.absorb([str(tmp_path / "job.json")]).absorbed == []
    assert hub.value("tests") == 41


def test_a_default_stands_in_for_a_counter_that_was_never_heard_of(new_replica: NewReplica) -> None:
    replica = new_replica("here")
    replica.increment("builds", 3)
    assert replica.value("builds", default=0) == 3
    assert replica.value("failures", default=0) == 0
    assert replica.value("failures", default=None) is None
    assert replica.value("builds", "gcounter", default=0) == 0
    with pytest.raises(MissingError):
        replica.value("failures")


def test_a_default_does_not_stand_in_for_a_replica_that_is_gone(new_replica: NewReplica, tmp_path: Path) -> None:
    replica = new_replica("here")
    os.rename(replica.path, tmp_path / "elsewhere")
    with pytest.raises(MissingError):
        replica.value("builds", default=0)
    os.rename(tmp_path / "elsewhere", replica.path)


def test_a_relative_path_of_a_remote_is_kept_as_an_absolute_one(
    new_replica: NewReplica, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replica = new_replica("here")
    monkeypatch.chdir(tmp_path)
    replica.add_remote("text", "./shared")
    replica.add_remote("path", Path("shared"))
    replica.add_remote("home", "~/shared")
    replica.add_remote("url", "ssh://hub.example.org/counts")
    assert replica.remotes() == {
        "text": str(tmp_path / "shared"),
        "path": str(tmp_path / "shared"),
        "home": os.path.expanduser("~/shared"),
        "url": "ssh://hub.example.org/counts",
    }


def test_a_path_is_a_remote(new_replica: NewReplica, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = new_replica("one"), new_replica("two")
    monkeypatch.chdir(tmp_path)
    one.increment("builds", 2)
    synchronize(one, Path("shared"), options=Options(timeout=60))
    synchronize(two, tmp_path / "shared")
    assert two.value("builds") == 2


def test_a_replica_goes_to_another_process(new_replica: NewReplica) -> None:
    replica = new_replica("here")
    again = pickle.loads(pickle.dumps(replica))
    again.increment("builds")
    assert replica.value("builds") == 1


def test_a_replica_is_shown_with_its_path(new_replica: NewReplica) -> None:
    replica = new_replica("here")
    assert repr(replica) == f"Replica({replica.path!r})"


def test_a_batch_outside_of_its_context_refuses_operations(new_replica: NewReplica) -> None:
    replica = new_replica("here")
    batch = replica.batch()
    with pytest.raises(UsageError, match="use 'with replica"):
        batch.increment("builds")
    with batch:
        batch.increment("builds")
    with pytest.raises(UsageError):
        batch.increment("builds")
    assert replica.value("builds") == 1


def test_a_batch_with_a_key_counts_once_for_the_whole_world(new_replica: NewReplica) -> None:
    here, there = new_replica("here"), new_replica("there")
    for replica in (here, here, there):
        with replica.batch(once="flush-17") as batch:
            batch.increment("builds", 3)
            batch.increment("builds", 2)
            batch.decrement("builds")
            batch.decrement("slots", 7)
            batch.increment("nothing")
            batch.decrement("nothing")
            batch.increment("deploys", once="deploy-4")
            batch.add("visitors", "ada")
    here.merge_bytes(there.export_bytes())
    values = {one.name: one.value for one in here.counters()}
    assert {name: values[name] for name in ("builds", "slots", "deploys", "visitors")} == {
        "builds": 4,
        "slots": -7,
        "deploys": 1,
        "visitors": 1,
    }


@pytest.mark.parametrize("verb", ["reset", "create", "transfer", "request"])
def test_a_batch_with_a_key_refuses_operations_that_would_be_done_again(new_replica: NewReplica, verb: str) -> None:
    replica = new_replica("here")
    arguments: dict[str, tuple[Any, ...]] = {
        "reset": ("builds",),
        "create": ("builds", "gcounter"),
        "transfer": ("seats", replica.id, 3),
        "request": ("seats", replica.id, 3),
    }
    with pytest.raises(UsageError, match="done again"), replica.batch(once="flush-17") as batch:
        getattr(batch, verb)(*arguments[verb])
    assert replica.commits == 0


def test_a_batch_with_a_key_is_refused_where_keys_are(new_replica: NewReplica) -> None:
    replica = new_replica("here")
    replica.create("requests", "handoff")
    with pytest.raises(RefusedError), replica.batch(once="flush-17") as batch:
        batch.increment("requests")


def test_the_names_that_are_documented_are_found() -> None:
    code = "import crdtctl; print(dir(crdtctl)); print(crdtctl.errors.RefusedError.status)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"{sorted(crdtctl.__all__)}\n4\n"


@pytest.mark.parametrize("name", ["nosuch", "replica", "Nothing"])
def test_a_name_that_does_not_exist_is_reported_by_type_checkers(tmp_path: Path, name: str) -> None:
    program = tmp_path / "program.py"
    program.write_text(f"import crdtctl\nprint(crdtctl.{name})\n")
    mypy = pytest.importorskip("mypy.api")
    output, _, status = mypy.run([str(program), "--cache-dir", str(tmp_path / "cache"), "--follow-imports", "silent"])
    assert (status, f'has no attribute "{name}"' in output) == (1, True), output
