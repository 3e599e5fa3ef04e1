"""A stream of a replica: what was counted by many threads is on disk when it says so, once."""

import asyncio
import fcntl
import os
import shutil
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdtctl import Replica
from crdtctl.errors import BusyError, CrdtctlError, ExistsError, MissingError, RefusedError, UsageError
from crdtctl.store.stream import Stream

New = Callable[[str], Replica]

#: So long that no group is committed because of the time.
NEVER = 3600.0


@pytest.fixture
def here(new_replica: New) -> Replica:
    return new_replica("here")


@contextmanager
def ending_with(kind: type[BaseException], stream: Stream) -> Iterator[Stream]:
    """Open a stream whose context ends with a failure."""
    with pytest.raises(kind), stream:
        yield stream


def commits(replica: Replica) -> int:
    return replica.clock().get(replica.id, 0)


def test_stream_counts_everything_in_a_few_commits(here: Replica) -> None:
    with here.stream(every=NEVER, group=100) as stream:
        for number in range(250):
            stream.increment(f"n{number % 3}", 2)
        stream.decrement("n0", 5)
        stream.add("seen", "ada", ["grace", "ada"])
    assert [(one.name, one.value) for one in here.counters()] == [("n0", 163), ("n1", 166), ("n2", 166), ("seen", 2)]
    assert commits(here) == 3
    assert stream.count == 252


def test_flush_returns_when_all_is_on_disk(here: Replica) -> None:
    with here.stream(every=NEVER) as stream:
        assert stream.flush() == 0
        for number in range(1, 4):
            stream.increment("builds")
            assert stream.flush() == number
            assert here.value("builds") == number


def test_group_is_committed_after_the_time_though_no_one_waits(here: Replica) -> None:
    with here.stream(every=0.01) as stream:
        stream.increment("builds")
        for _ in range(1000):
            if stream.count:
                break
            threading.Event().wait(0.01)
        assert stream.count == here.value("builds") == 1


def test_stream_of_many_threads_loses_nothing(here: Replica) -> None:
    def count(name: str) -> None:
        for number in range(500):
            stream.increment(name)
            if number % 100 == 0:
                stream.flush()

    with here.stream(group=37) as stream:
        threads = [threading.Thread(target=count, args=(f"n{number % 2}",)) for number in range(6)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    assert [one.value for one in here.counters()] == [1500, 1500]


def test_stream_holds_no_lock_between_groups(here: Replica) -> None:
    with here.stream(every=NEVER) as stream:
        stream.increment("builds")
        stream.flush()
        stream.increment("builds")
        Replica(here.path, lock_timeout=0).increment("builds", 10)
    assert here.value("builds") == 12


def test_context_commits_what_was_counted_before_an_exception(here: Replica) -> None:
    with ending_with(ZeroDivisionError, here.stream(every=NEVER)) as stream:
        stream.increment("builds")
        raise ZeroDivisionError
    assert here.value("builds") == 1


def test_stream_in_a_copy_of_the_replica_continues_under_a_new_id(here: Replica, tmp_path: Path) -> None:
    renamed: list[object] = []
    watched = Replica(here.path, on_renamed=renamed.append)
    with watched.stream(every=NEVER) as stream:
        stream.increment("builds")
        stream.flush()
        shutil.copytree(here.path, tmp_path / "aside")
        shutil.rmtree(here.path)
        shutil.copytree(tmp_path / "aside", here.path)
        stream.increment("builds")
    assert len(renamed) == 1
    assert here.value("builds") == 2


REFUSED: list[tuple[type[CrdtctlError], dict[str, Any]]] = [
    (RefusedError, {"name": "grows", "amount": 1}),
    (ExistsError, {"name": "other", "tag": "gcounter"}),
    (MissingError, {"name": "seats", "tag": "bcounter"}),
]


@pytest.mark.parametrize(("kind", "bad"), REFUSED)
def test_refused_operation_ends_the_stream_after_those_before_it(
    here: Replica, kind: type[CrdtctlError], bad: dict[str, Any]
) -> None:
    here.create("grows", "gcounter")
    here.create("other", "pncounter")
    with ending_with(kind, here.stream(every=NEVER)) as stream:
        stream.increment("other", 3)
        stream.decrement(**bad)
        stream.increment("other", 5)
        stream.increment("other", 3)
        with pytest.raises(kind):
            stream.flush()
        with pytest.raises(kind):
            stream.increment("other")
    assert stream.count == 1
    assert here.value("other") == 3


def test_decrements_of_a_bounded_counter_count_as_far_as_they_reach(here: Replica) -> None:
    here.create("seats", "bcounter", initial=3)
    with ending_with(RefusedError, here.stream(every=NEVER)) as stream:
        for _ in range(5):
            stream.decrement("seats")
    assert (stream.count, here.value("seats")) == (3, 0)


def test_key_counts_once_however_often_it_is_streamed(here: Replica) -> None:
    with here.stream() as stream:
        for _ in range(3):
            stream.increment("deploys", 2, once="job-1")
            stream.flush()
        stream.increment("deploys", 2, once="job-1")
        stream.increment("deploys", 2, once="job-1")
    assert here.value("deploys") == 2


def test_held_lock_ends_the_stream(here: Replica) -> None:
    replica = Replica(here.path, lock_timeout=0.05)
    here.increment("builds")
    with open(Path(here.path, "own.lock")) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with ending_with(BusyError, replica.stream(every=NEVER)) as stream:
            stream.increment("builds")
    assert (stream.count, here.value("builds")) == (0, 1)


@pytest.mark.parametrize("call", [("", 1), ("a=b", 1), ("builds", -1), ("builds", 1.5), ("builds", "2"), (["a"], 1)])
def test_wrong_argument_is_refused_where_it_is_passed(here: Replica, call: tuple[Any, Any]) -> None:
    with here.stream() as stream:
        with pytest.raises(UsageError):
            stream.increment(*call)
        stream.increment("builds")
    assert here.value("builds") == 1


def test_stream_outside_of_its_context_is_refused(here: Replica) -> None:
    stream = here.stream()
    for _ in range(2):
        with pytest.raises(UsageError, match="outside of its context"):
            stream.increment("builds")
        if not stream.count:
            with stream:
                stream.increment("builds")
    with pytest.raises(UsageError, match="one context"), stream:
        pass
    assert here.value("builds") == 1


@pytest.mark.parametrize("settings", [{"every": -1}, {"group": 0}, {"group": 1.5}, {"group": True}])
def test_wrong_settings_are_refused(here: Replica, settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        here.stream(**settings)


def test_asyncio_program_awaits_what_is_on_disk(here: Replica) -> None:
    async def visitor(stream: Any, name: str) -> int:
        stream.increment(name)
        return int(await stream.flushed())

    async def main() -> list[int]:
        async with here.stream(every=NEVER) as stream:
            return await asyncio.gather(*(visitor(stream, f"n{number % 4}") for number in range(40)))

    assert max(asyncio.run(main())) == 40
    assert [one.value for one in here.counters()] == [10, 10, 10, 10]


def test_asyncio_program_learns_of_a_failure(here: Replica) -> None:
    here.create("grows", "gcounter")

    async def main() -> None:
        async with here.stream(every=NEVER) as stream:
            stream.decrement("grows")
            with pytest.raises(RefusedError):
                await stream.flushed()

    with pytest.raises(RefusedError):
        asyncio.run(main())


def test_forked_process_cannot_use_the_stream_of_its_parent(here: Replica) -> None:
    code = (
        "import os, sys\n"
        "from crdtctl import Replica, errors\n"
        f"with Replica({here.path!r}).stream(every=3600) as stream:\n"
        "    for _ in range(30):\n"  # at some of these moments, the thread of the stream holds its lock
        "        stream.increment('builds')\n"
        "        stream.flush()\n"
        "        child = os.fork()\n"
        "        if child == 0:\n"
        "            try:\n"
        "                stream.increment('builds')\n"
        "            except errors.UsageError:\n"
        "                os._exit(7)\n"
        "        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, timeout=60, env=os.environ)
    assert here.value("builds") == 30


Step = tuple[str, str, int]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("increment"), st.sampled_from(["a", "b"]), st.integers(0, 3)),
        st.tuples(st.just("decrement"), st.sampled_from(["a", "b"]), st.integers(0, 3)),
        st.tuples(st.just("add"), st.sampled_from(["s"]), st.integers(0, 3)),
        st.tuples(st.just("flush"), st.just(""), st.just(0)),
    ),
    max_size=30,
)


@given(STEPS, st.integers(1, 5))
def test_stream_counts_as_its_operations_one_by_one(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Step], group: int
) -> None:
    replica = Replica.init(tmp_path_factory.mktemp("stream") / "here", name="here")
    expected: Counter[str] = Counter()
    members: set[str] = set()
    with replica.stream(every=NEVER, group=group) as stream:
        for place, (verb, name, amount) in enumerate(steps):
            match verb:
                case "flush":
                    assert stream.flush() == sum(one[0] != "flush" for one in steps[:place])
                case "add":
                    stream.add(name, str(amount))
                    members.add(str(amount))
                    expected[name] = len(members)
                case "increment":
                    stream.increment(name, amount)
                    expected[name] += amount
                case _:
                    stream.decrement(name, amount)
                    expected[name] -= amount
    assert {one.name: one.value for one in replica.counters()} == dict(expected)
