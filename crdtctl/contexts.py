"""Context managers: three names of `contextlib`, without the imports that would double the time of a short command."""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import ExitStack as ExitStack
    from contextlib import contextmanager as contextmanager
    from contextlib import suppress as suppress
else:

    class suppress:  # noqa: N801 - the name in contextlib
        """Suppress exceptions of some classes that leave the block."""

        __slots__ = ("_kinds",)

        def __init__(self, *kinds):
            self._kinds = kinds

        def __enter__(self):
            return None

        def __exit__(self, kind, _error, _trace):
            return kind is not None and issubclass(kind, self._kinds)

    class _Generated:
        """The context of a generator that yields once: before the block is the enter, after it the exit."""

        __slots__ = ("_steps",)

        def __init__(self, steps):
            self._steps = steps

        def __enter__(self):
            for value in self._steps:
                return value
            raise RuntimeError("a context manager did not yield")

        def __exit__(self, _kind, error, trace):
            try:
                if error is None:
                    next(self._steps)
                else:
                    self._steps.throw(error)
            except StopIteration as end:
                return error is not None and end is not error
            except BaseException as raised:
                # A `StopIteration` of the block comes out of a generator as the cause of a `RuntimeError`.
                if raised is error or (isinstance(error, StopIteration) and raised.__cause__ is error):
                    error.__traceback__ = trace
                    return False
                raise
            raise RuntimeError("a context manager yielded twice")

    def contextmanager(function):
        """Return a function that makes contexts of the generators that `function` returns."""

        def made(*values, **named):
            return _Generated(function(*values, **named))

        made.__name__, made.__qualname__ = function.__name__, function.__qualname__
        made.__module__, made.__doc__ = function.__module__, function.__doc__
        made.__wrapped__ = function
        return made

    class ExitStack:
        """Contexts that are left in reverse order, even if one of them raises an exception."""

        __slots__ = ("_exits",)

        def __init__(self):
            self._exits = []

        def enter_context(self, context):
            """Enter a context, and return its value."""
            kind = type(context)
            leave, value = kind.__exit__, kind.__enter__(context)
            self._exits.append((leave, context))
            return value

        def callback(self, function, *values, **named):
            """Call a function at the end."""
            self._exits.append((None, (function, values, named)))
            return function

        def pop_all(self):
            """Return a stack with all contexts of this one, which has none left."""
            other = type(self)()
            other._exits, self._exits = self._exits, []  # noqa: SLF001 - of this class
            return other

        def close(self):
            """Leave all contexts."""
            self.__exit__(None, None, None)

        def __enter__(self):
            return self

        def __exit__(self, _kind, error, _trace):
            first, around = error, sys.exc_info()[1]
            while self._exits:
                leave, context = self._exits.pop()
                try:
                    if leave is None:
                        function, values, named = context
                        function(*values, **named)
                    elif leave(context, None if error is None else type(error), error, error and error.__traceback__):
                        error = None
                except BaseException as raised:  # noqa: BLE001 - raised at the end
                    _follow(raised, error, around)
                    error = raised
            if error is None or error is first:
                return first is not None and error is None
            context = error.__context__
            try:
                raise error
            finally:
                error.__context__ = context  # `raise` replaced it by what is being handled around this call

    def _follow(raised, before, around):
        """Make `before` the context of `raised`, in the place of the exception that is handled around the stack."""
        while raised is not before:
            context = raised.__context__
            if context is None or context is before:
                return
            if context is around:
                raised.__context__ = before
                return
            raised = context
