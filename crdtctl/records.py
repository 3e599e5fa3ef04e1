"""Records: classes of named fields, as dataclasses with slots, without the time that `import dataclasses` takes.

    class Point(Record):                # frozen: a field cannot be assigned to, and a point has a hash
        x: int
        y: int = 0

    class Walk(Record, frozen=False):
        steps: list[Point] = field(default_factory=list)

`NamedTuple`, `final` and `overload` are those of `typing`, without its import, and `ABC` and `abstractmethod` those of
`abc`, for type checkers only.

The module of a record begins with `from __future__ import annotations`, so that an annotation costs nothing and may
name what is imported for types only. Classes of records are not inherited from.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from abc import ABC as ABC
    from abc import abstractmethod as abstractmethod
    from collections.abc import Callable
    from inspect import Signature
    from typing import Any, NoReturn, TypeVar, dataclass_transform
    from typing import NamedTuple as NamedTuple
    from typing import final as final
    from typing import overload as overload

    T = TypeVar("T")
else:
    try:
        from _collections import _tuplegetter as getter  # what `collections.namedtuple` uses
    except ImportError:  # in other Pythons than CPython
        from operator import itemgetter

        def getter(index, doc):
            """Return a property for a part of a tuple."""
            return property(itemgetter(index), doc=doc)

    def dataclass_transform(**_options):
        """Leave a class as it is: only type checkers read this."""
        return lambda made: made

    def final(made):
        """Leave a class or a method as it is: only type checkers read this."""
        return made

    overload = final  # the function behind the overloads replaces them
    abstractmethod = final  # a type checker reports a class that lacks one; the machinery for it takes long
    ABC = object


#: The number of instances of a class before its `__init__` is compiled: compiling takes as long as making these.
_COLD = 50

_set = object.__setattr__
#: Class → the number of its instances so far, until its `__init__` is compiled.
_instances: "dict[type, int]" = {}


class _Factory:
    """A default that is made for each instance."""

    __slots__ = ("make",)

    def __init__(self, make: "Callable[[], object]") -> None:
        self.make = make


def field(*, default_factory: "Callable[[], T]") -> "T":
    """Return a default: `default_factory` is called for each instance."""
    return _Factory(default_factory)  # type: ignore[return-value]


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
class _RecordType(type):
    """The type of records: it makes slots of the annotated fields, before the class exists."""

    def __new__(
        cls, name: str, bases: "tuple[type, ...]", namespace: "dict[str, Any]", *, frozen: bool = True, eq: bool = True
    ) -> "_RecordType":
        names = tuple(namespace.get("__annotations__", ()))
        namespace["_defaults"] = {each: namespace.pop(each) for each in names if each in namespace}
        namespace["__slots__"] = namespace["__match_args__"] = names
        if not eq:
            namespace["__eq__"], namespace["__hash__"] = object.__eq__, object.__hash__
        elif not frozen:
            namespace["__hash__"] = None
        if frozen and bases:
            namespace["__setattr__"] = namespace["__delattr__"] = _refuse_change
        return super().__new__(cls, name, bases, namespace)

    @property
    def __signature__(cls) -> "Signature":
        """The parameters of the class, for `help` and programs that make documentation."""
        from inspect import signature

        bound = signature(_compile(cls))
        return bound.replace(parameters=list(bound.parameters.values())[1:])


def _refuse_change(record: "Record", name: str, _value: object = None) -> "NoReturn":
    """Raise `AttributeError`: a field of a frozen record does not change."""
    raise AttributeError(f"cannot change {name!r}: {type(record).__name__} is frozen")


class Record(metaclass=_RecordType):
    """A class of the annotated fields. Keywords of the class: `frozen=False`, and `eq=False` to compare by identity."""

    if not TYPE_CHECKING:  # the type checker knows a better one

        def __init__(self, *values, **named):
            """Set the fields by name: for the first instances of a class. Invalid calls are left to the compiler."""
            cls = type(self)
            made = _instances[cls] = _instances.get(cls, 0) + 1
            names, defaults = cls.__match_args__, cls._defaults
            used = 0
            if made > _COLD or len(values) > len(names):
                _compile(cls)
                return cls.__init__(self, *values, **named)
            for name, value in zip(names, values, strict=False):
                _set(self, name, value)
            for name in names[len(values) :]:
                if name in named:
                    value = named[name]
                    used += 1
                elif name in defaults:
                    value = defaults[name]
                    if type(value) is _Factory:
                        value = value.make()
                else:
                    used = -1
                    break
                _set(self, name, value)
            if used != len(named):
                _compile(cls)
                return cls.__init__(self, *values, **named)
            if hasattr(cls, "__post_init__"):
                self.__post_init__()
            return None

    def __repr__(self) -> str:
        fields = ", ".join([f"{name}={getattr(self, name)!r}" for name in _names(self)])
        return f"{type(self).__qualname__}({fields})"

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return _values(self) == _values(other)

    def __hash__(self) -> int:
        return hash(_values(self))

    def __reduce__(self) -> "tuple[Any, ...]":
        """Return the class and the values, for pickles and copies."""
        return type(self), _values(self)


def _names(record: "Any") -> "tuple[str, ...]":
    names: tuple[str, ...] = record.__match_args__
    return names


def _values(record: Record) -> "tuple[object, ...]":
    return tuple([getattr(record, name) for name in _names(record)])


def as_dict(record: object) -> "dict[str, Any]":
    """Return the fields of a record, or of a dataclass: name → value."""
    return {name: getattr(record, name) for name in _names(record)}


def replace(record: "T", **changes: object) -> "T":
    """Return a copy of a record, or of a dataclass, with other values in the named fields."""
    return type(record)(**{**as_dict(record), **changes})


def _compile(cls: "Any") -> "Callable[..., None]":
    """Give a class of records an `__init__` as it would be written by hand."""
    names: tuple[str, ...] = cls.__match_args__
    defaults: dict[str, object] = cls._defaults
    frozen = cls.__setattr__ is _refuse_change
    scope: dict[str, Any] = {"_made": object()}
    parameters, body = ["self"], []
    for name in names:
        value = name
        if name not in defaults:
            parameters.append(name)
        elif isinstance(default := defaults[name], _Factory):
            scope[f"_make_{name}"] = default.make
            parameters.append(f"{name}=_made")
            value = f"_make_{name}() if {name} is _made else {name}"
        else:
            scope[f"_default_{name}"] = default
            parameters.append(f"{name}=_default_{name}")
        if frozen:
            scope[f"_set_{name}"] = getattr(cls, name).__set__
            body.append(f"_set_{name}(self, {value})")
        else:
            body.append(f"self.{name} = {value}")
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    exec(f"def __init__({', '.join(parameters)}):\n " + "\n ".join(body), scope)  # noqa: S102 - names of our own fields
    made: Callable[..., None] = scope["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    made.__annotations__ = {**cls.__annotations__, "return": None}
    cls.__init__ = made
    _instances.pop(cls, None)
    return made


if not TYPE_CHECKING:

    class _TupleType(type):
        """The type of named tuples: it makes a getter of each annotated field."""

        def __new__(cls, name, bases, namespace):
            names = namespace["_fields"] = namespace["__match_args__"] = tuple(namespace.get("__annotations__", ()))
            namespace["_field_defaults"] = {each: namespace[each] for each in names if each in namespace}
            namespace.update({each: getter(index, None) for index, each in enumerate(names)})
            namespace["__slots__"] = ()
            return super().__new__(cls, name, bases, namespace)

    class NamedTuple(tuple, metaclass=_TupleType):
        """A tuple whose parts have names."""

        def __new__(cls, *values, **named):
            """Return a tuple of the given parts, and of defaults."""
            names = cls._fields
            if named or len(values) != len(names):
                left = names[len(values) :]
                if len(values) > len(names) or not named.keys() <= set(left):
                    raise TypeError(f"{cls.__name__}() takes the parts {', '.join(names)}, each once")
                known = {**cls._field_defaults, **named}
                if not known.keys() >= set(left):
                    raise TypeError(f"{cls.__name__}() needs the parts {', '.join(left)}")
                values += tuple([known[name] for name in left])
            return tuple.__new__(cls, values)

        @classmethod
        def _make(cls, values):
            return cls(*values)

        def _asdict(self):
            return dict(zip(self._fields, self, strict=True))

        def _replace(self, **changes):
            return type(self)(**{**self._asdict(), **changes})

        def __repr__(self):
            parts = ", ".join([f"{name}={value!r}" for name, value in zip(self._fields, self, strict=True)])
            return f"{type(self).__name__}({parts})"

        def __getnewargs__(self):
            return tuple(self)
