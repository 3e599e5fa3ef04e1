r"""Series: a counter's name with labels, as in ``tests.failed{os="linux",py="3.12"}``.

Such a spelling is the counter's whole identity, and the name on its line in a file. It is canonical: keys are sorted,
each key is there once, and no white space is around them. So two spellings are equal exactly if their names and labels
are. A key is ``[a-zA-Z_][a-zA-Z0-9_]*``. A value is any valid name (`crdtctl.crdt.names`), with ``\`` and ``"`` written
as ``\\`` and ``\"``, as Prometheus writes them. A counter without labels is spelled as its name alone.

In a sorted file, all series of one name stand together: they begin with the name and ``{``.
"""

from __future__ import annotations

from crdtctl.crdt.names import bare_fault, fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import TypeAlias

    #: Key → value, sorted by keys.
    Labels: TypeAlias = dict[str, str]

#: Maximum number of labels of a series.
MAX_LABELS = 16
#: Maximum size of a spelling in bytes.
MAX_SPELLING_BYTES = 2048

_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")
_WORD = _LETTERS | frozenset("0123456789")
#: Text outside the quotes of labels → their keys, see `_keys_of`; and the most texts that are kept.
_known_keys: dict[str, Sequence[str]] = {}
_MOST_KNOWN = 1000
_LONG_OPERATORS = frozenset({"!=", "=~", "!~"})


def spelled(name: str, labels: Mapping[str, str]) -> str:
    r"""Return the canonical spelling of a series. The parts are not checked, see `series_fault`.

    >>> spelled("tests.failed", {"py": "3.12", "os": "linux"})
    'tests.failed{os="linux",py="3.12"}'
    """
    if not labels:
        return name
    pairs = (f'{key}="{_escaped(labels[key])}"' for key in sorted(labels))
    return f"{name}{{{','.join(pairs)}}}"


def split(spelling: str) -> tuple[str, Labels]:
    r"""Return the name and the labels of a spelling, canonical or typed by a person; raise ValueError, with the fault.

    White space around keys, values and commas is accepted, and a comma at the end. The parts are not checked further.

    >>> split('tests.failed{ py="3.12", os="linux" }')
    ('tests.failed', {'os': 'linux', 'py': '3.12'})
    """
    name, found = conditions(spelling)
    labels: Labels = {}
    for key, _, value in found:
        if key in labels:
            raise ValueError(f"the label '{key}' is there twice")
        labels[key] = value
    return name, dict(sorted(labels.items()))


def parts(spelling: str) -> tuple[str, Labels]:
    """Return the name and the labels of a counter in a file.

    Files of early versions may contain names with braces that spell no series. Such a text is a name without labels.
    """
    if not spelling.endswith("}"):
        return spelling, {}
    name, _, rest = spelling.partition("{")
    if name and "\\" not in rest:
        pieces = rest.split('"')
        keys = _keys_of('"'.join(pieces[::2]))
        if keys and len(pieces) == 2 * len(keys) + 1:
            return name, dict(zip(keys, pieces[1::2], strict=True))
    try:
        name, labels = split(spelling)
    except ValueError:
        return spelling, {}
    return (name, labels) if name and labels and spelled(name, labels) == spelling else (spelling, {})


def are_of(name: str, spellings: Sequence[str]) -> bool:
    """Return whether all spellings are certainly canonical ones of series of a name, with labels.

    This is many times as fast as `parts` of each of them. It is not certain of values with escapes.
    """
    text = "\n".join(spellings)
    if not name or "{" in name or "\\" in text or text.count("\n") >= len(spellings):
        return False
    outside = '"'.join(text.split('"')[::2]).split("\n")  # what is not inside of quotes
    opening = name + "{"
    return len(outside) == len(spellings) and all(
        one.startswith(opening) and _keys_of(one.removeprefix(opening)) for one in set(outside)
    )


def _keys_of(outside: str) -> Sequence[str]:
    """Return the keys of the labels in canonical text behind an opening brace; empty for any other text.

    `outside` is that text without the values: of each pair of quotes, one is left. Most series differ in their values
    only, so each such text is read once.
    """
    keys = _known_keys.get(outside)
    if keys is None:
        found = [key for key, _, _ in _simple(outside.replace('"', '"-"')) or ()]
        keys = found if found == sorted(set(found)) else ()
        if len(_known_keys) >= _MOST_KNOWN:
            _known_keys.clear()
        _known_keys[outside] = keys
    return keys


def conditions(spelling: str, operators: Sequence[str] = ("=",)) -> tuple[str, list[tuple[str, str, str]]]:
    """Return the name in a spelling, and key, operator and value of each of its labels, as they are typed.

    Raise ValueError, with the fault, also for an operator that is not among the `operators`.
    """
    name, brace, rest = spelling.partition("{")
    if not brace:
        return name, []
    simple = _simple(rest)
    if simple is not None:
        return name, simple
    found: list[tuple[str, str, str]] = []
    at = _after_space(rest, 0)
    while rest[at : at + 1] != "}":
        key, operator, at = _key(rest, at, operators)
        value, at = _value(rest, at, key)
        found.append((key, operator, value))
        at = _after_space(rest, at)
        if rest[at : at + 1] == ",":
            at = _after_space(rest, at + 1)
        elif rest[at : at + 1] != "}":
            raise ValueError(f"after the label '{key}', a comma or a closing brace is missing")
    if at + 1 < len(rest):
        raise ValueError("text follows the closing brace")
    return name, found


def name_of(spelling: str) -> str:
    """Return the name in a spelling, without its labels."""
    return spelling.partition("{")[0]


def series_fault(name: str, labels: Mapping[str, str]) -> str | None:
    """Return the fault of a name and labels to write to, or None."""
    found = bare_fault(name)
    if found is None and len(labels) > MAX_LABELS:
        found = f"a series cannot have more than {MAX_LABELS} labels (this one has {len(labels)})"
    for key, value in labels.items():
        found = found or key_fault(key) or fault(value, f"the value of the label '{key}'", limit=MAX_SPELLING_BYTES)
    size = len(spelled(name, labels).encode()) if found is None and labels else 0
    if size > MAX_SPELLING_BYTES:
        return f"a series cannot be longer than {MAX_SPELLING_BYTES} bytes (this one has {size})"
    return found


def key_fault(key: str) -> str | None:
    """Return the fault of `key` as the key of a label, or None."""
    if not key:
        return "the key of a label cannot be empty"
    if key[0] not in _LETTERS or not _WORD.issuperset(key):
        return "the key of a label has only the letters a-z and A-Z, digits and '_', and does not begin with a digit"
    return None


def merged(labels: Mapping[str, str], defaults: Iterable[tuple[str, str]]) -> Labels:
    """Return the labels together with those `defaults` whose key they do not have."""
    return dict(sorted({**dict(defaults), **labels}.items()))


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


def _simple(rest: str) -> list[tuple[str, str, str]] | None:
    """Return the result of `conditions` for text behind an opening brace without spaces and escapes, or None.

    Nearly all spellings in files are such, and a search for each label is many times as fast as a look at each letter.
    """
    if "\\" in rest or not rest.endswith('"}'):
        return None
    found = []
    for pair in rest[:-2].split('",'):
        key, equals, value = pair.partition('="')
        if not equals or '"' in value or key_fault(key) is not None:
            return None
        found.append((key, "=", value))
    return found


def _after_space(text: str, at: int) -> int:
    while text[at : at + 1] == " ":
        at += 1
    return at


def _key(text: str, at: int, operators: Sequence[str]) -> tuple[str, str, int]:
    """Return the key at a place, the operator after it, and the place after that."""
    end = at
    while text[end : end + 1] not in ("", "=", "!"):
        end += 1
    operator = text[end : end + 2]
    if operator not in _LONG_OPERATORS:
        operator = operator[:1]
    key = text[at:end].rstrip(" ")
    if operator not in operators:
        if operator in ("=~", "!~"):
            raise ValueError(f"regular expressions ('{operator}') are not supported")
        raise ValueError('a label is written KEY="VALUE", and the braces are closed')
    found = key_fault(key)
    if found is not None:
        raise ValueError(found)
    return key, operator, _after_space(text, end + len(operator))


def _value(text: str, at: int, key: str) -> tuple[str, int]:
    """Return the quoted value at a place, and the place after it."""
    if text[at : at + 1] != '"':
        raise ValueError(f"the value of the label '{key}' is not in double quotes")
    pieces: list[str] = []
    at += 1
    while at < len(text):
        character = text[at]
        if character == '"':
            return "".join(pieces), at + 1
        if character == "\\":
            at += 1
            character = text[at : at + 1]
            if character not in ("\\", '"'):
                raise ValueError(f"in the value of the label '{key}', only \\\\ and \\\" begin with a backslash")
        pieces.append(character)
        at += 1
    raise ValueError(f"the value of the label '{key}' has no closing quote")
