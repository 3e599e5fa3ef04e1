"""A replica in a program with asyncio: the same methods, which do not block the event loop, and the same failures."""

import asyncio
import fcntl
import inspect
from collections.abc import Callable
from pathlib import Path

import pytest

from crdtctl import AsyncReplica, Replica
from crdtctl.errors import BusyError, MissingError

New = Callable[[str], Replica]


def test_tasks_count_read_export_merge_and_synchronize(new_replica: New, tmp_path: Path) -> None:
    async def main() -> None:
        here, there = AsyncReplica(new_replica("here")), AsyncReplica(new_replica("there"))
        await asyncio.gather(*(here.increment("builds", number) for number in range(5)))
        await here.add("seen", "ada", "grace")
        await here.create("seats", "bcounter", initial=3)
        await there.increment("builds", 5)
        await there.merge_bytes(await here.export_bytes())
        assert await there.value("builds") == 15
        await here.merge_bytes(await there.export_bytes())
        await here.transfer("seats", "there", 2)
        for one in (here, there):
            assert (await one.synchronize(str(tmp_path / "remote"))).changed
        await there.decrement("seats", 2)
        assert [(one.name, one.value) for one in await there.counters()] == [("builds", 15), ("seats", 1), ("seen", 2)]
        assert await there.value("none", default="nothing") == "nothing"
        with pytest.raises(MissingError):
            await there.value("none")

    asyncio.run(main())


def test_event_loop_goes_on_while_a_call_waits_for_a_lock(new_replica: New) -> None:
    plain = new_replica("here")
    plain.increment("builds")
    patient = AsyncReplica(Replica(plain.path, lock_timeout=60))
    hasty = AsyncReplica(Replica(plain.path, lock_timeout=0))

    async def main() -> None:
        with open(Path(plain.path, "own.lock")) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            waiting = asyncio.create_task(patient.increment("builds"))
            with pytest.raises(BusyError):
                await hasty.increment("builds", 15)
        await waiting

    asyncio.run(main())
    assert plain.value("builds") == 2


def test_each_method_has_the_words_and_arguments_of_that_of_a_replica() -> None:
    for name, method in vars(AsyncReplica).items():
        if not name.startswith("_") and name not in ("synchronize", "value", "counters"):
            original = getattr(Replica, name)
            assert inspect.iscoroutinefunction(method)
            assert inspect.getdoc(method) == inspect.getdoc(original)
            assert inspect.signature(method) == inspect.signature(original)


def test_call_of_a_cancelled_task_is_carried_out(new_replica: New) -> None:
    replica = new_replica("here")

    async def main() -> None:
        counting = AsyncReplica(replica)
        tasks = [asyncio.create_task(counting.increment("builds")) for _ in range(40)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(main())
    assert replica.value("builds") == 40
