r"""Spellings of counters as people, programs and files write them: a name, or a name with labels.

A typed spelling may have its labels in any order, and white space around them (`canonical`). A file contains the
canonical spelling alone (`spelling_fault`). Labels are also typed without a name: one, as in ``os=linux``
(`typed_label`), or several, as in ``os=linux,py="3,12"`` (`typed_labels`). There, a value without quotes means itself.
"""

from __future__ import annotations

from crdtctl.crdt.names import bare_fault, entered, fault
from crdtctl.crdt.series import MAX_LABELS, MAX_SPELLING_BYTES, key_fault, series_fault, spelled, split

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Mapping

    from crdtctl.crdt.series import Labels
else:
    from crdtctl import patterns as re

_ANOTHER = re.compile(r",\s*[a-zA-Z_][a-zA-Z0-9_]*\s*=")
#: Maximum number of characters of labels that are typed without a name.
_MAX_TYPED = 2 * MAX_SPELLING_BYTES
_SEVERAL = "it looks like several labels; put the value in double quotes, or give each label by itself"


def canonical(text: str) -> str:
    """Return a typed spelling in canonical form; as it is if it is wrong, which `spelling_fault` explains.

    >>> canonical('tests { py="3.12", os="linux" }'), canonical("tests{}"), canonical("tests{")
    ('tests{os="linux",py="3.12"}', 'tests', 'tests{')
    """
    if "{" not in text or _is_plain(text):
        return text
    try:
        name, labels = split(text)
    except ValueError:
        return text
    return spelled(name.rstrip(" "), labels)


def spelling_fault(text: str) -> str | None:
    """Return the fault of `text` as the canonical spelling of a name with labels, or None. The time is linear."""
    if _is_plain(text):
        return None
    if len(text) > MAX_SPELLING_BYTES:
        return f"a series cannot be longer than {MAX_SPELLING_BYTES} bytes (this one has more)"
    try:
        name, labels = split(text)
    except ValueError as error:
        return str(error)
    found = series_fault(name, labels)
    if found is None and spelled(name, labels) != text:
        return "a series has its labels sorted, at least one, and no white space around them"
    return found


def _is_plain(text: str) -> bool:
    """Return whether `text` is certainly a canonical spelling: most are found by this check, in a third of the time."""
    if len(text) > MAX_SPELLING_BYTES or not text.isascii() or not text.isprintable() or "\\" in text:
        return False
    name, _, rest = text.partition("{")
    *pairs, end = rest.split('"')
    if end != "}" or len(pairs) % 2 or not 0 < len(pairs) <= 2 * MAX_LABELS or bare_fault(name) is not None:
        return False
    before = ""
    for key, value in zip(pairs[::2], pairs[1::2], strict=True):
        is_separated = not before or key[:1] == ","
        key = key[bool(before) :]
        called = key[:-1]
        if not is_separated or key[-1:] != "=" or called <= before or key_fault(called) is not None:
            return False
        if not value or value[0] == " " or value[-1] == " ":
            return False
        before = called
    return True


def with_labels(text: str, labels: Mapping[str, str]) -> str:
    """Return a canonical spelling with these `labels` as well, which replace those of the same keys.

    >>> with_labels('tests{os="linux"}', {"os": "bsd", "py": "3.12"})
    'tests{os="bsd",py="3.12"}'
    """
    if not labels:
        return text
    try:
        name, own = split(text)
    except ValueError:
        return text
    return spelled(name, {**own, **labels})


def end_of_spelling(line: str) -> int:
    """Return the place behind the closing brace of a spelling at the start of a line; -1 if its braces do not end.

    >>> end_of_spelling('tests{a="}"} 5')
    12
    """
    at = line.find("{") + 1
    brace = line.find("}", at)
    while brace >= 0:
        quote = line.find('"', at)
        if quote < 0 or brace < quote:
            return brace + 1
        at = _after_quoted(line, quote + 1)
        if brace < at:  # it was in quotes
            brace = line.find("}", at)
    return -1


def _after_quoted(line: str, at: int) -> int:
    """Return the place behind the quote that ends the text at a place; the end of the line if none does."""
    while (end := line.find('"', at)) >= 0:
        before = line[at:end]
        if (len(before) - len(before.rstrip("\\"))) % 2 == 0:
            return end + 1
        at = end + 1
    return len(line)


def typed_label(text: str) -> tuple[str, str]:
    """Return the key and the value of one label, typed as ``KEY=VALUE``; raise ValueError, with the fault.

    >>> typed_label("os=linux"), typed_label('path="/a,b=c"')
    (('os', 'linux'), ('path', '/a,b=c'))
    """
    key, equals, value = entered(text).partition("=")
    if not equals:
        raise ValueError("a label is written KEY=VALUE")
    key, value = key.strip(" "), value.strip(" ")
    if value.startswith('"'):
        labels = split(f"x{{{key}={value}}}")[1]
        if len(labels) != 1:
            raise ValueError(_SEVERAL)
        ((key, value),) = labels.items()
    elif "," in value and _ANOTHER.search(value):
        raise ValueError(_SEVERAL)
    check_label(key, value)
    return key, value


def typed_labels(text: str) -> Labels:
    """Return labels that are typed as ``KEY=VALUE,…``; raise ValueError, with the fault.

    >>> typed_labels('os=linux, py="3,12",')
    {'os': 'linux', 'py': '3,12'}
    """
    if len(text) > _MAX_TYPED:
        raise ValueError(f"labels cannot be longer than {_MAX_TYPED} characters")
    text = entered(text)
    quoted: list[str] = []
    at = 0
    while at < len(text):
        key, equals, _ = text[at:].partition("=")
        if not equals:
            if key.strip(" ,"):
                raise ValueError("labels are written KEY=VALUE,KEY=VALUE")
            break
        at += len(key) + 1
        while text[at : at + 1] == " ":
            at += 1
        end = _end_of_value(text, at)
        value = text[at:end].rstrip(" ")
        if not value.startswith('"'):
            value = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        quoted.append(f"{key.strip(' ')}={value}")
        at = end + 1
    labels = split(f"x{{{','.join(quoted)}}}")[1]
    for key, value in labels.items():
        check_label(key, value)
    return labels


def _end_of_value(text: str, at: int) -> int:
    """Return the place of the comma behind the value at a place, or the end of the text."""
    comma = text.find(",", _after_quoted(text, at + 1) if text[at : at + 1] == '"' else at)
    return len(text) if comma < 0 else comma


def check_label(key: str, value: str) -> None:
    """Raise ValueError for a wrong key or value of a label, with the fault."""
    found = key_fault(key) or fault(value, f"the value of the label '{key}'", limit=MAX_SPELLING_BYTES)
    if found is not None:
        raise ValueError(found)


def advice(text: str, option: str = "--label") -> str:
    """Return advice for a spelling whose quotes are missing, as a shell leaves it; empty for any other fault.

    The `option` is the one that takes a label: ``--label`` of verbs, ``--where`` of readers.

    >>> advice("tests{os=linux}").partition(", or ")[2]
    'tests --label os=linux'
    """
    name, _, rest = text.partition("{")
    inner, end, after = rest.rpartition("}")
    labels: Labels = {}
    for pair in inner.split(",")[: MAX_LABELS + 1]:
        key, _, value = (part.strip(" \"'") for part in pair.partition("="))
        if key in labels or '"' in value or value[:1] == "~":
            return ""  # another fault, such as a label that is there twice, or a regular expression
        labels[key] = value
    name = name.rstrip(" ")
    if not end or after or series_fault(name, labels) is not None:
        return ""
    from shlex import quote

    options = " ".join(f"{option} {quote(f'{key}={value}')}" for key, value in labels.items())
    return f"a shell takes quotes away: write '{spelled(name, labels)}' in single quotes, or {quote(name)} {options}"
