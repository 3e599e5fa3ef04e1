"""Hostile files of any size. Many are sound up to their end, so that they have to be read up to their end."""

import json
import random
import string
from collections.abc import Callable, Iterator, Sequence
from itertools import islice, product
from typing import Any

from tests.torture.documents import HEAD, ID, TOML, TOML_END, elements, named, row, state

#: A function: about this number of bytes → file.
Scaled = Callable[[int], bytes]

_LETTERS = sorted(string.ascii_letters + string.digits)
_ORDERED = sorted(["-", "_", *_LETTERS])
#: An invalid line, sorted after all others.
_WRONG = f'"~":{{"gcounter":{{"{ID}":[1,-1]}}}}'
_BEFORE = f'"x":{{"gcounter":{{"{ID}":['


def _names(form: str, size: int) -> list[str]:
    """Return texts of a form, each with another name in it, sorted, that together fill `size` bytes."""
    names = map("".join, product(_LETTERS, repeat=4))
    return [form.replace("%", name) for name in islice(names, size // (len(form) + 4))]


def _ids(count: int) -> list[str]:
    """Return ids as long as ours are."""
    return [f"x-{number:032x}" for number in range(count)]


def _head(authors: Sequence[str]) -> str:
    clock = ",".join(f'"{author}":9' for author in authors)
    return f'{{"crdtctl":1,"kind":"state","replica":"{ID}","clock":{{{clock}}}'


#: The maximum number of registers of a large sketch that are listed one by one.
_CELLS = "".join("".join(cell) for cell in islice(product("-0123456789ABCDE", _ORDERED, _ORDERED, "1"), 2**14 - 1))
#: All buckets of a distribution.
_BUCKETS = ",".join(sorted(f'"c{bucket}":1' for bucket in (*range(-7076, -115), 0, *range(116, 7077))))

# Sound, but for the last line --------------------------------------------------------------------------


def _counters(entry: str, tag: str = "gcounter", author: str = ID) -> Scaled:
    def make(size: int) -> bytes:
        lines = _names(f'"%":{{"{tag}":{{"{author}":{entry}}}}}', size)
        return state(*lines, _WRONG.replace(ID, author), head=_head([author]))

    return make


def _authors(size: int) -> bytes:
    authors = [ID, *_ids(size // 85)]
    rows = ",".join(f'"{author}":[1,1]' for author in authors)
    return state(f'"x":{{"gcounter":{{{rows}}}}}', _WRONG, head=_head(authors))


def _series(labels: str) -> Scaled:
    """Return a state with counters whose names have these labels."""
    spelt = labels.replace("\\", r"\\").replace('"', r"\"")

    def make(size: int) -> bytes:
        return state(*_names(f'"x{{{spelt}}}":{{"gcounter":{{"{ID}":[1,1]}}}}', size), _WRONG)

    return make


def _inside(before: str, form: str, after: str) -> Scaled:
    return lambda size: state(before + ",".join(_names(form, size)) + after, _WRONG)


#: A row before its periods: of a gcounter, an hll and a hist that keep quarters of an hour.
_COUNTED, _SKETCHED, _ADDED = "[1,1,{},{},{},{},0,{},3,0,", '[1,"blake2b 4 ",3,0,', '[1,["c"],{},"","","","",{},3,0,'


def _row_of_periods(tag: str, row: str, amount: str) -> Scaled:
    """Return a state with one counter of many periods, each with this amount; those of numbers are a text."""

    def make(size: int) -> bytes:
        if tag == "gcounter":
            periods = '"q0:' + ",".join([amount] * (size // (len(amount) + 1))) + '"'
        else:
            cells = (f'"q{number}":{amount}' for number in range(10**6, 10**6 + size // (len(amount) + 12)))
            periods = "{" + ",".join(cells) + "}"
        return state(f'"x":{{"{tag}":{{"{ID}":{row}{periods}]}}}}', _WRONG)

    return make


SOUND: dict[str, Scaled] = {
    "many counters": _counters("[1,1]"),
    "many empty sets": _counters("[1,{}]", "gset"),
    "many idempotency keys": _counters('[1,1,{"job":[1]}]'),
    "many large numbers": _counters(f'[1,"{2**53}"]'),
    "a counter of many authors": _authors,
    "many series": _series('k="%"'),
    "many series of many labels": _series(",".join(f'k{number:02}="%"' for number in range(16))),
    "many series of many escapes": _series('k="%' + r"\\" * 1000 + '"'),
    "many sketches of nothing": _counters('[1,"blake2b 16 "]', "hll"),
    "many sketches": _counters(f'[1,"blake2b 12 {"3" * 4096}"]', "hll"),
    "many large sketches": _counters(f'[1,"blake2b 16 {_CELLS}"]', "hll"),
    "distributions of one number": _counters('[1,["c"],{"c3544":1},"0.35","","0.35","0.35"]', "hist"),
    "a distribution of every bucket": _counters(f'[1,["c"],{{{_BUCKETS}}}]', "hist"),
    "many counters with periods": _counters(f'{_COUNTED}"d1:1 h99:7,,2 q1963776:7"]'),
    "a counter of many periods": _row_of_periods("gcounter", _COUNTED, "100"),
    "a sketch of many periods": _row_of_periods("hll", _SKETCHED, '"blake2b 4 "'),
    "a set of many elements": _inside(f'"x":{{"gset":{{"{ID}":[1,{{', '"visitor-%":1', "}]}}"),
}


def _one_line(make: Scaled) -> Scaled:
    return lambda size: make(size).replace(b"\n", b"")


def _pretty(make: Scaled) -> Scaled:
    return lambda size: json.dumps(json.loads(make(size // 3)), indent=1).encode()


def _escaped(make: Scaled) -> Scaled:
    return lambda size: make(size // 2).replace(b"b", b"\\u0062").replace(b"\n", b"")


def _toml(make: Scaled) -> Scaled:
    """Return a function that makes a state in the layout of ``export --format toml``, without the package's writer."""

    def write(size: int) -> bytes:
        tree = json.loads(make(size // 2))
        text = [f'crdtctl = 1\nkind = "state"\nreplica = "{ID}"\n\n[clock]\n']
        text += [f"{author} = {seq}\n" for author, seq in tree["clock"].items()]
        for name, types in tree["counters"].items():
            for tag, authors in types.items():
                text.append(f"\n[counters.{json.dumps(name)}.{tag}]\n")
                text += [f"{author} = {_array(items, 0)}\n" for author, items in authors.items()]
        return ("".join(text) + TOML_END).encode()

    return write


def _array(items: list[Any], depth: int) -> str:
    indent = "    " * depth
    return "[\n" + "".join(f"{indent}    {_value(item, depth + 1)},\n" for item in items) + f"{indent}]"


def _value(item: Any, depth: int) -> str:
    if isinstance(item, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_value(part, 0)}" for key, part in item.items()) + " }"
    return _array(item, depth) if item and isinstance(item, list) else json.dumps(item)


def _in_all_layouts(sound: dict[str, Scaled]) -> Iterator[tuple[str, Scaled]]:
    for why, make in sound.items():
        yield why, make
        yield f"{why}, in one line", _one_line(make)
        yield f"{why}, as TOML", _toml(make)
    yield "many counters in another layout", _pretty(sound["many counters"])
    yield "many counters, escaped", _escaped(sound["many counters"])


# Anything but sound ------------------------------------------------------------------------------------


def _repeated(before: str | bytes, part: bytes, after: bytes = b"") -> Scaled:
    start = before.encode() if isinstance(before, str) else before
    return lambda size: start + part * (size // len(part)) + after


def _digits(before: str, after: str) -> Scaled:
    return lambda size: state(before + "9" * size + after)


def _wrong_clock(size: int) -> bytes:
    data = state(_WRONG, head=_head(_ids(size // 40)))
    return data[:-11] + b'00000000"}\n'


def _short_ids(size: int) -> bytes:
    return state(_WRONG, head=_head(_names("%", size * 4 // 9)))


def _with_dates(size: int) -> bytes:
    return (TOML + "".join(_names("% = 1979-05-27\n", size)) + TOML_END).encode()


def _similar_names(size: int) -> bytes:
    """Return names that fall together under simple hash functions (31 x + y)."""
    pairs = ("Aa", "BB")
    words = map("".join, product(pairs, repeat=16))
    lines = (f'"{word}":{{"gcounter":{{"{ID}":[1,1]}}}}' for word in words)
    return state(*islice(lines, size // 88), _WRONG)


ROUGH: dict[str, Scaled] = {
    "arrays in arrays": _repeated(b"", b"["),
    "arrays in arrays, closed": lambda size: b"[" * (size // 2) + b"]" * (size // 2),
    "objects in objects": _repeated(b"", b'{"a":'),
    "arrays in a counter": lambda size: state(_BEFORE + "[" * (size // 2) + "]" * (size // 2) + "]}}"),
    "objects in a counter": lambda size: state(_BEFORE + '{"a":' * (size // 6) + "1" + "}" * (size // 6) + "]}}"),
    "arrays in a header": _repeated(HEAD[:-1] + ":", b"["),
    "arrays in counters of another layout": _repeated(HEAD + ', "counters":', b"["),
    "a number of many digits": _digits(_BEFORE + "1,", "]}}"),
    "a number of many digits in another layout": _one_line(_digits(_BEFORE + "1,", "]}}")),
    "many digits as text": _digits(_BEFORE + '1,"', '"]}}'),
    "a commit of many digits": _digits(_BEFORE, ",1]}}"),
    "a version of many digits": _repeated('{"crdtctl":', b"1"),
    "a fraction of many digits": _digits(_BEFORE + "1,0.", "]}}"),
    "an exponent of many digits": _digits(_BEFORE + "1,1e", "]}}"),
    "a long name": lambda size: named("x" * size),
    "a long name of quotes": lambda size: named('\\"' * (size // 2)),
    "a long name of backslashes": lambda size: named("\\" * size),
    "a long name of what ends names": lambda size: named('\\":{\\"' * (size // 6)),
    "a name of many labels": lambda size: named("x{" + ",".join(_names(r"k%=\"v\"", size)) + "}"),
    "a name of many labels without quotes": lambda size: named("x{" + ",".join(_names("k%=v", size)) + "}"),
    "a label without an end": lambda size: named(r"x{k=\"" + r"\"" * (size // 2)),
    "a name of braces": lambda size: named("x=" + "{" * (size // 2) + "}" * (size // 2)),
    "a long name of escapes": lambda size: named("\\u0061" * (size // 6)),
    "a long name of accents": lambda size: named("e" + "\u0301\u0316" * (size // 4)),
    "a long name of emoji": lambda size: named("\U0001f4a3" * (size // 4)),
    "a long element": lambda size: elements('{"' + "x" * size + '":1}'),
    "a long id": lambda size: state(head=HEAD.replace("bob", "b" * size)),
    "a string without an end": _repeated(HEAD + ',"counters":{\n"', b"x"),
    "a header without an end": _repeated(HEAD[:-1] + ",", b'"x":1,'),
    "a header of one key": _repeated(HEAD, b',"x":1'),
    "a clock of many authors, and a wrong checksum": _wrong_clock,
    "a clock of many short ids": _short_ids,
    "one line many times": lambda size: state(*[_WRONG] * (size // len(_WRONG))),
    "commas": _repeated(HEAD + ',"counters":{\n', b",\n"),
    "line feeds": _repeated(HEAD + ',"counters":{\n', b"\n"),
    "quotes": _repeated(HEAD + ',"counters":{\n', b'"'),
    "names that look alike": _similar_names,
    "equal keys": lambda size: row("[" + "1,".join([""] * 9) + "1]").replace(b"[", b'{"a":1,' * (size // 7), 1),
    "a period of many digits": _digits(f'{_BEFORE[:-1]}{_COUNTED}"d', ':1"]}}'),
    "a period with an amount of many digits": _digits(f'{_BEFORE[:-1]}{_COUNTED}"d1:', '"]}}'),
    "periods far apart": lambda size: state(f'{_BEFORE[:-1]}{_COUNTED}"d1:1' + "," * size + '1"]}}'),
    "periods in runs of one": lambda size: state(f'{_BEFORE[:-1]}{_COUNTED}"' + "d1:1 " * (size // 5) + 'd1:1"]}}'),
    "a period of many totals": lambda size: state(f'{_BEFORE[:-1]}{_COUNTED}"d1:' + "1-" * (size // 2) + '1"]}}'),
    "periods after the year 2199": lambda size: state(
        f'"x":{{"hll":{{"{ID}":{_SKETCHED}{{' + ",".join(_names('"q9%":"blake2b 4 "', size)) + "}]}}"
    ),
    "an array of ones": lambda size: row("[" + "1," * (size // 2) + "1]"),
    "an array of empty arrays": lambda size: row("[1," + "[]," * (size // 3) + "[]]"),
    "an array of empty objects in another layout": lambda size: row("[1, " + "{}," * (size // 3) + "{}]"),
    "zeros": bytes,
    "spaces": _repeated(b"", b" "),
    "noise": lambda size: random.Random(size).randbytes(size),
    "a sound state many times": lambda size: row("[1,1]") * (size // 190),
    "TOML: arrays in arrays": _repeated("crdtctl = ", b"["),
    "TOML: tables in tables": _repeated("crdtctl = ", b"{a="),
    "TOML: a key of many parts": _repeated("crdtctl = 1\na", b".a", b" = 1\n"),
    "TOML: a table of many parts": _repeated("crdtctl = 1\n[a", b".a", b"]\n"),
    "TOML: many tables": lambda size: ("crdtctl = 1\n" + "".join(_names("[%]\n", size))).encode(),
    "TOML: many keys": lambda size: (TOML + "".join(_names("% = 1\n", size))).encode(),
    "TOML: many dotted keys": lambda size: (TOML + "".join(_names("a.b.% = 1\n", size))).encode(),
    "TOML: many inline tables": lambda size: (TOML + "".join(_names("% = {a={}}\n", size))).encode(),
    "TOML: many dates": _with_dates,
    "TOML: a number of many digits": _repeated("crdtctl = 1\nx = ", b"9", b"\n"),
    "TOML: a hexadecimal number": _repeated("crdtctl = 1\nx = 0x", b"f", b"\n"),
    "TOML: a string without an end": _repeated('crdtctl = 1\nx = "', b'\\"'),
    "TOML: a string of many lines": _repeated('crdtctl = 1\nx = """', b"\\\n"),
    "TOML: comments": _repeated("crdtctl = 1\n", b"#\n"),
    "TOML: a long word": _repeated("crdtctl = 1\n", b"x"),
}

SCALED: dict[str, Scaled] = {**dict(_in_all_layouts(SOUND)), **ROUGH}

#: The most entries that fit in a byte, all of them sound but the last: what costs most to read.
DENSEST: dict[str, Scaled] = {
    "counters under a replica id of one letter": _counters("[1,1]", author="b"),
    "empty sets under a replica id of one letter": _counters("[1,{}]", "gset", author="b"),
    "empty sketches under a replica id of one letter": _counters('[1,"blake2b 4 "]', "hll", author="b"),
    "idempotency keys under a replica id of one letter": _counters('[1,1,{"c":[1]}]', author="b"),
    "idempotency keys of 24 letters": _inside(_BEFORE + "1,1,{", '"pipeline-%-0123456789":[1]', "}]}}"),
    "idempotency keys of four letters": _inside(_BEFORE + "1,1,{", '"%":[1]', "}]}}"),
    "periods of a distribution with one number each": _row_of_periods("hist", _ADDED, '[{"c0":1}]'),
    "elements of four letters": _inside(f'"x":{{"gset":{{"{ID}":[1,{{', '"%":1', "}]}}"),
}
DENSEST |= {f"{why}, in one line": _one_line(make) for why, make in DENSEST.items()} | {
    f"{why}, as TOML": _toml(make) for why, make in DENSEST.items()
}
