"""Selectors: which series a reader means, as in ``tests.*{os="linux",py!="3.11"}``.

A selector is a name or a pattern (`crdtctl.crdt.glob`), and conditions on labels. A label that a series does not have
is the empty text, as in Prometheus: ``os=""`` selects the series without the label ``os``, ``os!=""`` those with it. In
braces, a value means itself; a condition of its own, such as ``os=win*``, may have a pattern. Regular
expressions are refused.
"""

from __future__ import annotations

from crdtctl.crdt.glob import Glob, is_glob
from crdtctl.crdt.names import entered
from crdtctl.crdt.series import conditions, key_fault, spelled
from crdtctl.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from crdtctl.crdt.series import Labels

#: Maximum number of characters of a pattern.
MAX_PATTERN = 1000


class Condition(Record):
    """A condition on one label: it is the `value`, or matches this pattern; the opposite if it `differs`."""

    key: str
    value: str | Glob
    differs: bool = False

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Return whether labels fulfil the condition."""
        found = labels.get(self.key, "")
        is_so = self.value.matches(found) if isinstance(self.value, Glob) else self.value == found
        return is_so is not self.differs

    def __str__(self) -> str:
        value = self.value.pattern if isinstance(self.value, Glob) else self.value
        return f"{self.key}{'!=' if self.differs else '='}{value}"


class Selector(Record):
    """A `name`, or a pattern of names, and the conditions that the labels of a series fulfil, all of them."""

    name: str | Glob
    conditions: tuple[Condition, ...] = ()

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Return whether the labels of a series fulfil all conditions."""
        return all(condition.holds(labels) for condition in self.conditions)

    def matches(self, name: str, labels: Mapping[str, str]) -> bool:
        """Return whether the selector means a series."""
        is_named = self.name.matches(name) if isinstance(self.name, Glob) else self.name == name
        return is_named and self.holds(labels)

    @property
    def labels(self) -> Labels:
        """The labels that everything selected has, because a condition demands their values."""
        found = {one.key: one.value for one in self.conditions if isinstance(one.value, str) and not one.differs}
        return {key: found[key] for key in sorted(found)}

    def __str__(self) -> str:
        name = self.name.pattern if isinstance(self.name, Glob) else self.name
        others = [str(one) for one in self.conditions if self.labels.get(one.key) != one.value]
        return " with ".join([spelled(name, self.labels), *others])


def selector(text: str, where: Iterable[Condition] = ()) -> Selector:
    """Return the selector that a text means, with further conditions; raise ValueError, with the fault.

    Without a name before its braces, it means every name.
    """
    name, found = conditions(entered(text), ("=", "!="))
    name = name.rstrip(" ")
    demanded = (Condition(key, value, operator == "!=") for key, operator, value in found)
    return Selector(_pattern(name or "*") if is_glob(name) or not name else name, (*demanded, *where))


def condition(text: str, *, exact: bool = False) -> Condition:
    """Return the condition ``KEY=VALUE`` or ``KEY!=VALUE``; raise ValueError, with the fault.

    The value may have a pattern, unless it is `exact`.
    """
    key, equals, value = entered(text).partition("=")
    differs = key.endswith("!")
    key = key.removesuffix("!").strip(" ")
    if value.startswith("~") or "!~" in key:
        raise ValueError("regular expressions are not supported; a value may have *, ? and […], or be in braces")
    if not equals:
        raise ValueError("a condition is written KEY=VALUE or KEY!=VALUE")
    fault = key_fault(key)
    if fault is not None:
        raise ValueError(fault)
    return Condition(key, _pattern(value) if is_glob(value) and not exact else value, differs)


def _pattern(text: str) -> Glob:
    if len(text) > MAX_PATTERN:
        raise ValueError(f"a pattern cannot be longer than {MAX_PATTERN} characters (this one has {len(text)})")
    return Glob(text)
