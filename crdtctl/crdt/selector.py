"""Selectors: which series a reader means, as in ``tests.*{os="linux",py!="3.11"}``.

A selector is a name or a pattern (`crdtctl.crdt.glob`), and conditions on labels. A label that a series does not have
is the empty text, as in Prometheus: ``os=""`` selects the series without the label ``os``, ``os!=""`` those with it. In
braces, a value means itself; a condition of its own, such as ``os=win*``, may have a pattern. Regular expressions are
refused.
"""

from __future__ import annotations

from crdtctl.crdt.glob import Glob, is_glob
from crdtctl.crdt.names import entered
from crdtctl.crdt.series import conditions, key_fault, spelled, split
from crdtctl.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from crdtctl.crdt.series import Labels

#: Maximum number of characters of a pattern.
MAX_PATTERN = 1000


class Condition(Record):
    """A condition on one label: it is the `value`, or matches this pattern; the opposite if it `differs`.

    A pattern matches no label that is missing, so ``os=*`` holds for all series with the label ``os``.
    """

    key: str
    value: str | Glob
    differs: bool = False

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Return whether labels fulfil the condition."""
        if isinstance(self.value, Glob):
            is_so = self.key in labels and self.value.matches(labels[self.key])
        else:
            is_so = labels.get(self.key, "") == self.value
        return is_so is not self.differs

    def __str__(self) -> str:
        value = self.value.pattern if isinstance(self.value, Glob) else self.value
        return f"{self.key}{'!=' if self.differs else '='}{value}"


class Selector(Record):
    """A `name`, or a pattern of names, and the conditions that the labels of a series fulfil, all of them.

    If it is `exact`, the series has no other labels.
    """

    name: str | Glob
    conditions: tuple[Condition, ...] = ()
    exact: bool = False

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Return whether the labels of a series fulfil all conditions."""
        if self.exact and len(labels) > len(self.labels):
            return False
        return all(condition.holds(labels) for condition in self.conditions)

    @property
    def texts(self) -> list[str]:
        """Texts that are in the spelling of every selected series: a fast check, before a spelling is read."""
        return [spelled("", {key: value})[1:-1] for key, value in self.labels.items() if value]

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


def selector(text: str, where: Iterable[Condition] = (), *, exact: bool = False) -> Selector:
    """Return the selector that a text means, with further conditions; raise ValueError, with the fault.

    Without a name before its braces, it means every name. If it is `exact`, it means one series, and no pattern.
    """
    text = entered(text)
    if exact:
        name, labels = split(text)
        return Selector(name.rstrip(" "), tuple(Condition(*pair) for pair in labels.items()), exact=True)
    name, found = conditions(text, ("=", "!="))
    name = name.rstrip(" ")
    demanded = (Condition(key, value, operator == "!=") for key, operator, value in found)
    is_any = not name and "{" in text
    return Selector(_pattern(name or "*") if is_any or is_glob(name) else name, (*demanded, *where))


def condition(text: str) -> Condition:
    """Return the condition ``KEY=VALUE`` or ``KEY!=VALUE``, whose value may be a pattern; raise ValueError."""
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
    return Condition(key, _pattern(value) if is_glob(value) else value, differs)


def _pattern(text: str) -> Glob:
    if len(text) > MAX_PATTERN:
        raise ValueError(f"a pattern cannot be longer than {MAX_PATTERN} characters (this one has {len(text)})")
    return Glob(text)
