"""A replica for programs with asyncio: the methods of `crdtctl.Replica` as coroutines, each carried out in a thread.

>>> import asyncio
>>> import tempfile
>>> from crdtctl import AsyncReplica, Replica
>>> async def main(path: str) -> int:
...     replica = AsyncReplica(Replica.init(path, name="here"))
...     await asyncio.gather(*(replica.increment("builds") for _ in range(3)))
...     return await replica.value("builds")
>>> with tempfile.TemporaryDirectory() as home:
...     asyncio.run(main(f"{home}/here"))
3
"""

from __future__ import annotations

import asyncio
from contextvars import copy_context
from functools import partial, wraps

from crdtctl.records import overload
from crdtctl.store.replica import Replica
from crdtctl.sync.remotes import synchronize

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping
    from typing import Any, Concatenate, ParamSpec, TypeVar

    from crdtctl.store.reading import Reading

    _P = ParamSpec("_P")
    _T = TypeVar("_T")


def _in_thread(
    method: Callable[Concatenate[Replica, _P], _T],
) -> Callable[Concatenate[AsyncReplica, _P], Coroutine[Any, Any, _T]]:
    @wraps(method)
    async def call(self: AsyncReplica, /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        loop, context = asyncio.get_running_loop(), copy_context()
        running = loop.run_in_executor(None, partial(context.run, method, self.replica, *args, **kwargs))
        return await asyncio.shield(running)  # a cancelled task must not take a call back that waits for a thread

    return call


class AsyncReplica:
    """The methods of a replica that read or write its files, as coroutines with the same arguments and failures.

    A task that is cancelled stops waiting, but its call is carried out to its end. For counts of every request of
    a server, `Replica.counter` is the better choice: one commit for many of them.
    """

    def __init__(self, replica: Replica) -> None:
        #: The replica itself, for all other methods.
        self.replica = replica

    create = _in_thread(Replica.create)
    increment = _in_thread(Replica.increment)
    decrement = _in_thread(Replica.decrement)
    add = _in_thread(Replica.add)
    add_numbers = _in_thread(Replica.add_numbers)
    observe = _in_thread(Replica.observe)
    reset = _in_thread(Replica.reset)
    transfer = _in_thread(Replica.transfer)
    request = _in_thread(Replica.request)
    grant = _in_thread(Replica.grant)
    clock = _in_thread(Replica.clock)
    select = _in_thread(Replica.select)
    export_bytes = _in_thread(Replica.export_bytes)
    export_to = _in_thread(Replica.export_to)
    merge = _in_thread(Replica.merge)
    merge_bytes = _in_thread(Replica.merge_bytes)
    synchronize = _in_thread(synchronize)

    async def counters(self) -> list[Reading]:
        """Return all counters, sorted, each with the value and the parts that it had at one moment."""
        return await asyncio.to_thread(lambda: list(self.replica.counters()))

    @overload
    async def value(self, name: str, tag: str | None = None, *, labels: Mapping[str, str] | None = None) -> int: ...
    @overload
    async def value(
        self, name: str, tag: str | None = None, *, labels: Mapping[str, str] | None = None, default: _T
    ) -> int | _T: ...
    async def value(
        self, name: str, tag: str | None = None, *, labels: Mapping[str, str] | None = None, **default: Any
    ) -> object:
        """Return the value of one counter, or the `default` for an unknown one, as `Replica.value` does."""
        return await asyncio.to_thread(lambda: self.replica.value(name, tag, labels=labels, **default))
