"""Selectors: which series a reader means, as in ``tests.*{os="linux",py!="3.11"}``.

A selector is a name or a pattern (`crdtctl.crdt.glob`), and conditions on labels. A label that a series does not have
is the empty text, as in Prometheus: ``os=""`` selects the series without the label ``os``, ``os!=""`` those with it. In
braces, a value means itself; a condition of its own, such as ``os=win*``, may have a pattern. Regular expressions are
refused.
"""

from __future__ import annotations

from crdtctl.crdt.names import entered, fault
from crdtctl.crdt.series import MAX_SPELLING_BYTES, conditions, key_fault, spelled, split
from crdtctl.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from crdtctl.crdt.glob import Glob
    from crdtctl.crdt.series import Labels

#: Maximum number of characters of a pattern.
MAX_PATTERN = 1000


class Condition(Record):
    """A condition on one label: it is the `value`, or matches the `pattern` instead; the opposite if it `differs`.

    A pattern matches no label that is missing, so ``os=*`` holds for all series with the label ``os``.
    """

    key: str
    value: str
    differs: bool = False
    pattern: Glob | None = None

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Return whether labels fulfil the condition."""
        if self.pattern is None:
            is_so = labels.get(self.key, "") == self.value
        else:
            is_so = self.key in labels and self.pattern.matches(labels[self.key])
        return is_so is not self.differs

    def __str__(self) -> str:
        return f"{self.key}{'!=' if self.differs else '='}{self.value}"


class Selector(Record):
    """A `name`, which may be a `pattern`, and the conditions that the labels of a series fulfil, all of them.

    If it is `exact`, the series has no other labels.
    """

    name: str
    conditions: tuple[Condition, ...] = ()
    exact: bool = False
    pattern: Glob | None = None

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
        is_named = self.name == name if self.pattern is None else self.pattern.matches(name)
        return is_named and self.holds(labels)

    @property
    def labels(self) -> Labels:
        """The labels that everything selected has, because a condition demands their values."""
        found = {one.key: one.value for one in self.conditions if one.pattern is None and not one.differs}
        return {key: found[key] for key in sorted(found)}

    def __str__(self) -> str:
        labels = self.labels
        shown = [equal_to(key, labels[key]) for key in labels]
        return " with ".join([spelled(self.name, labels), *(str(one) for one in self.conditions if one not in shown)])


def selector(text: str, where: Iterable[Condition] = (), *, exact: bool = False) -> Selector:
    """Return the selector that a text means, with further conditions; raise ValueError, with the fault.

    Without a name before its braces, it means every name. If it is `exact`, it means one series, and no pattern.
    """
    text = entered(text)
    if exact:
        name, labels = split(text)
        return Selector(name.rstrip(" "), tuple(equal_to(*pair) for pair in labels.items()), exact=True)
    name, found = conditions(text, ("=", "!="))
    name = name.rstrip(" ")
    demanded = [equal_to(key, value, differs=operator == "!=") for key, operator, value in found]
    if not name and "{" in text:
        name = "*"
    return Selector(name, (*demanded, *where), pattern=_pattern(name))


def condition(text: str) -> Condition:
    """Return the condition ``KEY=VALUE`` or ``KEY!=VALUE``, whose value may be a pattern; raise ValueError."""
    key, equals, value = entered(text).partition("=")
    differs = key.endswith("!")
    key = key.removesuffix("!").strip(" ")
    if value.startswith("~") or "!~" in key:
        raise ValueError("regular expressions are not supported; a value may have *, ? and […], or be in braces")
    if not equals:
        raise ValueError("a condition is written KEY=VALUE or KEY!=VALUE")
    wrong = key_fault(key)
    if wrong is not None:
        raise ValueError(wrong)
    pattern = _pattern(value)
    return equal_to(key, value, differs=differs) if pattern is None else Condition(key, value, differs, pattern)


def equal_to(key: str, value: str, *, differs: bool = False) -> Condition:
    """Return the condition for a value, which may be empty; raise ValueError if no label has such a value."""
    wrong = fault(value, f"the value of the label '{key}'", limit=MAX_SPELLING_BYTES) if value else None
    if wrong is not None:
        raise ValueError(wrong)
    return Condition(key, value, differs)


def _pattern(text: str) -> Glob | None:
    """Return the pattern that a text is, if it is one; raise ValueError if it is too long."""
    if not any(character in text for character in "*?["):
        return None
    if len(text) > MAX_PATTERN:
        raise ValueError(f"a pattern cannot be longer than {MAX_PATTERN} characters (this one has {len(text)})")
    wrong = fault(text, "a pattern", limit=4 * MAX_PATTERN)
    if wrong is not None:
        raise ValueError(wrong)
    from crdtctl.crdt.glob import Glob  # only here: few names are patterns

    return Glob(text)
