"""Parts of the work in other processes, on other cores."""

from __future__ import annotations

from crdtctl.contexts import ExitStack, contextmanager, suppress
from crdtctl.errors import StorageError
from crdtctl.system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import ModuleType
    from typing import TypeVar, TypeVarTuple

    T = TypeVar("T")
    Words = TypeVarTuple("Words")


#: Of every system. `signal` has it in an enum, whose import takes long.
_SIGKILL = 9


def cores() -> int:
    """Return the number of processors that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


@contextmanager
def in_child(work: Callable[[], T]) -> Iterator[Callable[[], T]]:
    """Run `work` in a child process during the context; yield a function that waits for its result.

    The child has the same open files and a copy of the memory. The yielded function raises an OSError of `work` again,
    and `StorageError` if the child died in any other way. At the end of the context, the child has ended.
    """
    loads = _pickle().loads
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _finish(work, writing)
    os.close(writing)
    reaped = False
    try:

        def result() -> T:
            nonlocal reaped
            with open(reading, "rb", closefd=False) as pipe:
                data = pipe.read()
            reaped = True
            os.waitpid(child, 0)
            if not data:
                raise StorageError("a helper process died", "nothing was changed; try again")
            done, value = loads(data)  # written by our own child
            if not done:
                raise value
            found: T = value
            return found

        yield result
    finally:
        os.close(reading)
        if not reaped:
            with suppress(ProcessLookupError):
                os.kill(child, _SIGKILL)
            os.waitpid(child, 0)


@contextmanager
def in_children(work: Callable[[*Words], T], shares: Iterable[tuple[*Words]]) -> Iterator[list[Callable[[], T]]]:
    """Run `work` with each of the `shares`, in a child process each, as `in_child` does."""
    with ExitStack() as stack:
        yield [stack.enter_context(in_child(lambda share=share: work(*share))) for share in shares]  # type: ignore[misc]


def _pickle() -> ModuleType:
    """Return the module that turns values into bytes, without the part of it that few values need."""
    try:
        import _pickle as found  # what `pickle` has its functions from
    except ImportError:  # in other Pythons than CPython
        import pickle as found  # type: ignore[no-redef]
    return found


def _finish(work: Callable[[], object], writing: int) -> None:
    """Do the child's work, send the result, and end the process."""
    dumps = _pickle().dumps
    try:
        try:
            result = (True, work())
        except OSError as error:
            result = (False, error)
        with open(writing, "wb") as pipe:
            pipe.write(dumps(result))
    finally:
        os._exit(0)  # noqa: SLF001  # its name in os
