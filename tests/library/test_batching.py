"""The batching counter of servers: threads, processes and tasks lose nothing, and nothing is counted twice."""

import asyncio
import fcntl
import multiprocessing
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crdtctl import BatchingCounter, Replica
from crdtctl.errors import BusyError, UsageError

New = Callable[[str], Replica]

#: So long that nothing is committed because of the time.
NEVER = 3600.0


@pytest.fixture
def here(new_replica: New) -> Replica:
    return new_replica("here")


def run(program: str, replica: Replica) -> "subprocess.CompletedProcess[str]":
    """Run a program, whose variable `views` is a counter, in a process of its own."""
    start = f"import os, sys, threading\nfrom crdtctl import Replica\nreplica = Replica({str(replica.path)!r})\n"
    start += f"views = replica.counter('views', every={NEVER})\n"
    command = [sys.executable, "-W", "ignore", "-c", start + program]  # Python warns of forks in programs with threads
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)


def counted(program: str, replica: Replica) -> int:
    """Run such a program, expect that it ends well, and return what is on disk."""
    done = run(program, replica)
    assert (done.returncode, done.stderr) == (0, "")
    return replica.value("views", default=0)


def test_batching_counter_commits_a_thousand_operations_at_once(here: Replica) -> None:
    views = here.counter("views", every=NEVER)
    for _ in range(1000):
        views.inc()
    views.dec(400)
    assert here.value("views", default=None) is None
    views.flush()
    assert (here.value("views"), here.commits) == (600, 1)


def test_batching_counters_of_a_replica_have_one_commit_together(here: Replica) -> None:
    for page in ("a", "b"):
        here.counter("views", labels={"page": page}, every=NEVER).inc(3)
    here.counter("errors", tag="gcounter", every=NEVER).inc()
    here.counter("views", every=NEVER).flush()
    assert [(one.name, one.tag, one.value) for one in here.counters()] == [
        ("errors", "gcounter", 1),
        ('views{page="a"}', "pncounter", 3),
        ('views{page="b"}', "pncounter", 3),
    ]
    assert here.commits == 1


def test_batching_counter_commits_after_its_interval_and_again_later(here: Replica) -> None:
    views = here.counter("views", every=0.01)
    for wanted in (1, 2):
        views.inc()
        for _ in range(2000):
            if here.value("views", default=0) == wanted:
                break
            threading.Event().wait(0.01)
        assert here.value("views") == wanted


def test_batching_counter_of_many_threads_is_exact(here: Replica) -> None:
    def count(number: int) -> None:
        for turn in range(2000):
            here.counter(f"n{number % 2}", every=0.001).inc(number)
            if turn % 500 == 0:
                here.counter(f"n{number % 2}", every=0.001).flush()

    threads = [threading.Thread(target=count, args=(number,)) for number in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    for name in ("n0", "n1"):
        here.counter(name, every=0.001).flush()
    assert [one.value for one in here.counters()] == [2000 * (0 + 2 + 4), 2000 * (1 + 3 + 5)]


def test_batching_counter_of_many_tasks_is_exact(here: Replica) -> None:
    async def count(views: BatchingCounter) -> None:
        for _ in range(100):
            views.inc()
            await asyncio.sleep(0)

    async def main() -> None:
        async with here.counter("views", every=0.001) as views:
            await asyncio.gather(*(count(views) for _ in range(50)))
            await views.flushed()
            assert here.value("views") == 5000
            views.inc()

    asyncio.run(main())
    assert here.value("views") == 5001


def test_context_of_a_batching_counter_flushes_after_an_exception_too(here: Replica) -> None:
    def handle() -> None:
        with here.counter("views", every=NEVER) as views:
            views.inc()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        handle()
    assert here.value("views") == 1


def test_memory_of_a_batching_counter_is_bounded_by_commits(here: Replica) -> None:
    for number in range(10_050):
        here.counter(f"n{number}", every=NEVER).inc()
    assert sum(1 for _ in here.counters()) == 10_001


# The end of a process --------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["", "sys.exit(0)"])
def test_end_of_the_program_commits_what_waits(here: Replica, end: str) -> None:
    assert counted(f"views.inc(7)\n{end}", here) == 7


def test_end_of_the_program_commits_what_its_threads_count_after_the_main_thread(here: Replica) -> None:
    program = "def later():\n    threading.main_thread().join()\n    views.inc(3)\n"
    assert counted(f"{program}for _ in 'ab':\n    threading.Thread(target=later).start()\n", here) == 6


def test_what_is_counted_after_the_last_commit_is_committed_at_once(here: Replica) -> None:
    program = "import atexit\nfrom crdtctl import Replica\natexit.register(lambda: views.inc(5))\n"
    program += f"views = Replica({str(here.path)!r}).counter('views')\nviews.inc(2)\n"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=100, check=False)
    assert (done.returncode, done.stderr, here.value("views")) == (0, "", 7)


def test_sigterm_commits_what_waits_if_the_program_ends_by_an_exception(here: Replica) -> None:
    program = "import signal\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n"
    program += "views.inc(4)\nos.kill(os.getpid(), signal.SIGTERM)\nthreading.Event().wait(60)\n"
    assert counted(program, here) == 4


def test_what_cannot_be_committed_at_the_end_is_printed(here: Replica) -> None:
    here.add("views", "ada")
    done = run("views.inc(7)", here)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("crdtctl: not counted at the end of the program: 7 of 'views': ")
    assert done.stderr.count("\n") == 1


# Forks -----------------------------------------------------------------------------------------------------


FORKED = """
views.inc(1)
children = []
for number in range(4):
    child = os.fork()
    if child == 0:
        views.inc(10)
        {end}
    children.append(child)
for child in children:
    assert os.waitpid(child, 0)[1] == 0
views.inc(100)
"""


@pytest.mark.parametrize("end", ["sys.exit(0)", "views.flush(); os._exit(0)"])
def test_forked_workers_count_their_own_and_not_again_what_waited_in_the_parent(here: Replica, end: str) -> None:
    assert counted(FORKED.format(end=end), here) == 1 + 4 * 10 + 100


def test_forks_amid_commits_of_other_threads_are_exact_and_keep_no_lock(here: Replica) -> None:
    program = """
quick = replica.counter("views", every=0.0)
go = True
done = [0, 0]
def count(place):
    while go:
        quick.inc()
        done[place] += 1
threads = [threading.Thread(target=count, args=(place,)) for place in range(2)]
for one in threads: one.start()
for _ in range(12):
    child = os.fork()
    if child == 0:
        quick.inc(1000)
        quick.flush()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
go = False
for one in threads: one.join()
print(sum(done) + 12 * 1000)
"""
    done = run(program, here)
    assert (done.returncode, done.stderr) == (0, "")
    assert here.value("views") == int(done.stdout)


def count_in_process(path: str, number: int) -> None:
    Replica(path).counter("views", every=NEVER).inc(number)


@pytest.mark.parametrize(
    "context",
    [multiprocessing.get_context(method) for method in ("fork", "spawn", "forkserver")],
    ids=["fork", "spawn", "forkserver"],
)
def test_processes_of_multiprocessing_commit_at_their_end(here: Replica, context: Any) -> None:
    views = here.counter("views", every=NEVER)
    views.inc(1000)
    processes = [context.Process(target=count_in_process, args=(str(here.path), number)) for number in (1, 20)]
    for one in processes:
        one.start()
    for one in processes:
        one.join()
    assert here.value("views") == 21
    views.flush()
    assert here.value("views") == 1021


# Failures --------------------------------------------------------------------------------------------------


def test_failure_of_a_commit_is_raised_by_the_next_operations_and_nothing_is_lost(here: Replica) -> None:
    views = Replica(here.path, lock_timeout=0).counter("views", every=NEVER)
    views.inc(5)
    here.increment("other")
    with open(Path(here.path, "own.lock")) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for _ in range(2):
            with pytest.raises(BusyError):
                views.flush()
            with pytest.raises(BusyError):
                views.inc(100)
    views.flush()
    views.inc(2)
    views.flush()
    assert here.value("views") == 7


REFUSED = """
from crdtctl.errors import RefusedError
replica.create("names", "gset")
replica.create("ups", "gcounter")
names, ups = (replica.counter(name, every=3600.0) for name in ("names", "ups"))
names.inc()
ups.inc(3)
ups.dec(1)
for wanted in (2, 3):
    views.inc(wanted)
    views.flush()
for call in (names.inc, names.flush, ups.dec, ups.flush):
    try:
        call()
    except RefusedError as error:
        print(error.message)
ups.inc(4)
"""


def test_refused_counter_does_not_hinder_the_others(here: Replica) -> None:
    done = run(REFUSED, here)
    assert (here.value("ups"), here.value("views")) == (7, 5)
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == ["cannot increment 'names'"] * 2 + [
        "cannot decrement 'ups'"
    ] * 2
    assert done.stderr.startswith("crdtctl: not counted at the end of the program: 1 of 'names', 1 of 'ups': cannot ")


@pytest.mark.parametrize("amount", [-1, 1.5, "1", True, None, 10**100])
def test_wrong_amount_is_refused_at_once(here: Replica, amount: int) -> None:
    with pytest.raises(UsageError):
        here.counter("views").inc(amount)


@pytest.mark.parametrize("every", [-0.1, float("nan"), float("inf")])
def test_wrong_interval_is_refused(here: Replica, every: float) -> None:
    with pytest.raises(UsageError, match="from 0 to 86400"):
        here.counter("views", every=every)


def test_wrong_name_or_type_is_refused(here: Replica) -> None:
    with pytest.raises(UsageError):
        here.counter("a\nb")
    with pytest.raises(UsageError):
        here.counter("views", tag="gcountr")
