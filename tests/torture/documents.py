"""Small files that are read as states: invalid ones, and valid ones with harmful names."""

import gzip
import json

from tests.support.handwritten import with_checksum

_TRAILER = -len(b'},"crc32":"00000000"}\n')
ID = "bob-00112233445566778899aabbccddeeff"
HEAD = f'{{"crdtctl":1,"kind":"state","replica":"{ID}","clock":{{"{ID}":9}}'
TOML = f'crdtctl = 1\nkind = "state"\nreplica = "{ID}"\n\n[clock]\n{ID} = 9\n\n'
TOML_END = '\n[checksum]\ncrc32 = "00000000"\n'


def state(*lines: str, head: str = HEAD) -> bytes:
    """Return a state with any lines, in the canonical layout, with a right checksum."""
    return with_checksum(head + ',"counters":{\n' + ",\n".join(lines) + "\n")


def row(text: str) -> bytes:
    """Return a state with this entry to a counter."""
    return state(f'"x":{{"gcounter":{{"{ID}":{text}}}}}')


def named(spelling: str) -> bytes:
    """Return a state with a counter whose name is spelt so."""
    return state(f'"{spelling}":{{"gcounter":{{"{ID}":[1,1]}}}}')


def elements(text: str) -> bytes:
    """Return a state with these elements in a set."""
    return state(f'"x":{{"gset":{{"{ID}":[1,{text}]}}}}')


def numbers(text: str) -> bytes:
    """Return a state with this entry to a hist."""
    return state(f'"x":{{"hist":{{"{ID}":[1,{text}]}}}}')


def sketch(text: str) -> bytes:
    """Return a state with this sketch, spelt as in JSON."""
    return state(f'"x":{{"hll":{{"{ID}":[1,{text}]}}}}')


def placed(data: bytes, name: str) -> bytes:
    """Return a state from outside in the form of a replica's own file. Its checksum is right if it was right."""
    if name == "config.toml":
        return data
    kind = name.removesuffix(".json")
    changed = data.replace(b'"kind":"state"', b'"kind":"%b"' % kind.encode(), 1)
    if kind == "known":
        changed = changed.replace(b',"counters":', b',"heard":{},"counters":', 1)
    body = data[:_TRAILER]
    is_right = data[_TRAILER:] == with_checksum(body)[_TRAILER:]
    return with_checksum(changed[:_TRAILER]) if is_right else changed


#: Invalid states.
SMALL: dict[str, bytes] = {
    "empty": b"",
    "a line feed": b"\n",
    "two byte order marks before a sound state": b"\xef\xbb\xbf" * 2 + row("[1,1]"),
    "a byte order mark before a float": b"\xef\xbb\xbf" + row("[1,1.0]"),
    "UTF-16 with ESC in a name": named("a\x1b[31mb").decode().encode("utf-16"),
    "UTF-16, cut within a character": row("[1,1]").decode().encode("utf-16")[:-1],
    "gzip with ESC in a name": gzip.compress(named("a\x1b[31mb"), mtime=0),
    "gzip, cut": gzip.compress(row("[1,1]"), mtime=0)[:-9],
    "gzip with a wrong checksum": gzip.compress(row("[1,1]"), mtime=0)[:-8] + bytes(8),
    "gzip in gzip": gzip.compress(gzip.compress(row("[1,1]"), mtime=0), mtime=0),
    "gzip with 70 MB of zeros": gzip.compress(bytes(70_000_000), mtime=0),
    "a web page": b"<!DOCTYPE html>\n<script>alert(1)</script>\n",
    "a shell script": b"#!/bin/sh\nrm -rf $HOME\n",
    "NUL in a name": named("a\0b"),
    "NUL in a name, escaped": named("a\\u0000b"),
    "ESC in a name": named("a\x1b[31mb"),
    "ESC in a name, escaped": named("a\\u001b]0;b\\u0007"),
    "C1 in a name": named("a\x9b31mb"),
    "bidi in a name": named("a\u202eb"),
    "bidi in a name, escaped": named("a\\u202eb"),
    "a line feed in a name": named("a\nb"),
    "a line feed in a name, escaped": named("a\\n::error::b"),
    "a carriage return in a name, escaped": named("a\\rb"),
    "a line separator in a name": named("a\u2028b"),
    "half a pair in a name, escaped": named("\\ud800"),
    "half a pair in a name": named("\ud800"),
    "an overlong form in a name": named("x").replace(b'"x"', b'"\xc0\xaf"'),
    "a name not in normal form": named("e\u0301"),
    "a name with an equals sign": named("=1+1"),
    "ESC in an id": state(head=HEAD.replace("bob", "b\\u001b[2Jb")),
    "ESC in an element": elements('{"\\u001b[2J":1}'),
    "ESC in a type": state(f'"x":{{"\\u001b[2J":{{"{ID}":[1,1]}}}}'),
    "ESC in a kind": state(head=HEAD.replace('"state"', '"\\u001b[2J"')),
    "ESC in a field": state(head=HEAD + ',"\\u001b[2J":1'),
    "ESC in a version": state(head=HEAD.replace(":1,", ':"\\u001b[2J",', 1)),
    "NaN": row("[1,NaN]"),
    "infinity": row("[1,Infinity]"),
    "a float": row("[1,1.0]"),
    "an exponent": row("[1,1e400]"),
    "true": row("[1,true]"),
    "null": row("[1,null]"),
    "a negative number": row("[1,-1]"),
    "2^53": row(f"[1,{2**53}]"),
    "2^64": row(f"[1,{2**64}]"),
    "2^64 for a commit": row(f"[{2**64},1]"),
    "101 digits": row(f'[1,"1{"0" * 100}"]'),
    "commit 0": row("[0,1]"),
    "a commit the clock does not know": row("[10,1]"),
    "an author the clock does not know": state('"x":{"gcounter":{"eve":[1,1]}}'),
    "equal keys": state(f'"x":{{"gcounter":{{"{ID}":[1,2],"{ID}":[1,1]}}}}'),
    "equal keys in another layout": row("[1,1]").replace(b'"kind"', b' "kind":"state","kind"'),
    "equal lines": state(*[f'"x":{{"gcounter":{{"{ID}":[1,1]}}}}'] * 2),
    "unsorted lines": state(*[f'"{name}":{{"gcounter":{{"{ID}":[1,1]}}}}' for name in "ba"]),
    "unsorted elements": elements('{"b":1,"a":1}'),
    "a bucket that does not exist": numbers('["c"],{"c99999":1}'),
    "a bucket of a million digits": numbers(f'["c"],{{"c{"9" * 10**6}":1}}'),
    "a bucket with ESC in it": numbers('["c"],{"c\\u001b[2J":1}'),
    "a sum of a million digits": numbers(f'["c"],{{"c200":1}},"{"9" * 10**6}"'),
    "a sketch that is no text": sketch("[1]"),
    "a sketch of an unknown hash": sketch('"murmur3 12 "'),
    "a sketch of precision 60": sketch('"blake2b 60 "'),
    "a sketch that is too long": sketch(f'"blake2b 4 {"3" * 17}"'),
    "a sketch that is too short": sketch(f'"blake2b 12 {"3" * 4095}"'),
    "a sketch with ESC in it": sketch(f'"blake2b 4 {"3" * 15}\\u001b"'),
    "a sketch with a rank of 63": sketch(f'"blake2b 4 {"3" * 15}z"'),
    "a sketch with a register twice": sketch('"blake2b 4 0304"'),
    "a sketch with a register that is not there": sketch('"blake2b 13 z--1"'),
    "a wrong checksum": row("[1,1]")[:-11] + b'00000000"}\n',
    "cut": row("[1,1]")[:-5],
    "a newer version": state(head=HEAD.replace(":1,", ":2,", 1)),
    "an unknown type": state(f'"x":{{"zcounter":{{"{ID}":[1,1]}}}}'),
    "__proto__": state(f'"x":{{"__proto__":{{"{ID}":[1,1]}}}}'),
    "TOML with a date": f"{TOML}[counters.x.gcounter]\n{ID} = [1, 1979-05-27]\n{TOML_END}".encode(),
    "TOML with a float": f"{TOML}[counters.x.gcounter]\n{ID} = [1, inf]\n{TOML_END}".encode(),
    "TOML with ESC": f'{TOML}[counters."\\u001b[2J".gcounter]\n{ID} = [1, 1]\n{TOML_END}'.encode(),
    "TOML without its checksum": f"{TOML}[counters]\n".encode(),
    "TOML with equal keys": f"{TOML}[counters]\n[counters]\n{TOML_END}".encode(),
}

#: Names that are valid in a state, and that must do no harm in any output.
NAMES = sorted(
    [
        "../../own.json",
        "/etc/passwd",
        "own.json",
        ".",
        "-rf",
        "--help",
        "$(id)",
        "`id`",
        "; id",
        "| id",
        "%s%n",
        "{0.__class__}",
        "[red]bold[/red]",
        ":boom:",
        "::error::x",
        "##[error]x",
        "a, b",
        'a "b"',
        "a\\b",
        "'",
        "#",
        "[counters]",
        '":{"',
        "+1+1",
        "-1+1|cmd",
        "@SUM(1)",
        "__proto__",
        "crc32",
        "\u05d0\u05d1\u05d2",
        "\U0001f4a3",
        "x" * 200,
    ]
)


def harmless() -> bytes:
    """Return a sound state of an odd author with all the odd names, each a counter, a key and an element."""
    quoted = [json.dumps(name, ensure_ascii=False) for name in NAMES]
    keys = ",".join(f"{name}:[1]" for name in quoted)
    elements = ",".join(f"{name}:1" for name in quoted)
    return state(
        *(f'{name}:{{"gcounter":{{"{ID}":[1,1,{{{keys}}}]}},"gset":{{"{ID}":[1,{{{elements}}}]}}}}' for name in quoted)
    )
