"""The light contexts do what those of contextlib do."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdtctl import contexts

#: What a context does at its end.
ENDS = st.sampled_from(["pass", "suppress", "raise", "replace", "callback", "failing callback", "finally"])
BODIES = st.sampled_from(["pass", "error", "stop", "nested", "pop_all", "close"])


def chain(error: BaseException | None) -> list[str]:
    """Return an exception with its contexts, as text; a loop would not end."""
    found = []
    while error is not None:
        found.append(f"{type(error).__name__} {error}")
        error = error.__context__
        assert len(found) < 50
    return found


def run(module: Any, ends: list[str], body: str) -> list[object]:
    """Return all that happens when a stack of contexts with some ends is left after a body."""
    happened: list[object] = []

    @module.contextmanager  # type: ignore[untyped-decorator]
    def context(number: int, end: str) -> Iterator[int]:
        try:
            yield number
        except BaseException as error:
            happened.append((number, chain(error)))
            if end == "suppress":
                return
            if end == "replace":
                raise KeyError(number) from None
            raise
        finally:
            if end == "finally":
                happened.append(number)
        happened.append((number, "no error"))
        if end == "raise":
            raise ValueError(number)

    def called(number: int, *, end: str) -> None:
        happened.append((number, end))
        if end == "failing callback":
            raise OSError(number)

    def enter(stack: Any) -> None:
        for number, end in enumerate(ends):
            if "callback" in end:
                stack.callback(called, number, end=end)
            else:
                happened.append(stack.enter_context(context(number, end)))

    def inside(stack: Any) -> None:
        enter(stack)
        if body == "error":
            raise ValueError("body")
        if body == "stop":
            raise StopIteration("body")
        if body == "nested":
            with module.ExitStack() as inner:
                enter(inner)
                raise ValueError("inner")
        if body == "pop_all":
            with stack.pop_all():
                happened.append("moved")
            happened.append("left")
        if body == "close":
            stack.close()
            happened.append("closed")

    def whole() -> None:
        try:
            with module.ExitStack() as stack:
                inside(stack)
            happened.append("ended")
        except Exception as error:  # noqa: BLE001 - compared
            happened.append(chain(error))

    whole()
    try:
        raise_one(LookupError("around"))
    except LookupError:
        whole()
    return happened


def raise_one(error: BaseException) -> None:
    raise error


@given(st.lists(ENDS, max_size=5), BODIES)
def test_a_stack_of_contexts_ends_as_the_one_of_contextlib(ends: list[str], body: str) -> None:
    assert run(contexts, ends, body) == run(contextlib, ends, body)


def test_a_stack_of_very_many_contexts_is_left() -> None:
    left: list[int] = []
    with contexts.ExitStack() as stack:
        for number in range(20_000):
            stack.callback(left.append, number)
    assert left == list(reversed(range(20_000)))


@pytest.mark.parametrize("kinds", [(), (ValueError,), (KeyError, OSError)])
@pytest.mark.parametrize("raised", [None, ValueError(), FileNotFoundError(), KeyboardInterrupt()])
def test_suppress_suppresses_the_named_errors(kinds: tuple[type[Exception], ...], raised: BaseException | None) -> None:
    def passes(module: Any) -> bool:
        try:
            with module.suppress(*kinds):
                if raised is not None:
                    raise_one(raised)
        except (Exception, KeyboardInterrupt):  # noqa: BLE001 - compared
            return False
        return True

    assert passes(contexts) == passes(contextlib)


def test_a_generator_that_does_not_yield_once_is_a_mistake_of_the_program() -> None:
    @contexts.contextmanager
    def never() -> Iterator[None]:
        if not happened:
            return
        yield

    @contexts.contextmanager
    def twice() -> Iterator[None]:
        yield
        yield

    happened: list[int] = []
    with pytest.raises(RuntimeError, match="did not yield"), never():
        happened.append(1)
    with pytest.raises(RuntimeError, match="twice"), twice():
        happened.append(2)
    assert happened == [2]


def test_contexts_import_nothing() -> None:
    code = "import sys; before = set(sys.modules); import crdtctl.contexts; print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == {"crdtctl", "crdtctl.contexts"}
