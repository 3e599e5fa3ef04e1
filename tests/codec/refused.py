"""Documents that must be refused, each with a word of why. Their checksums are right, so it is not those.

Each is made from a sound one (`SOUND`) by one change, written by hand in the canonical layout.
"""

import zlib

from tests.codec.files import file_with

CLOCK = '"clock":{"ann":3,"bob":2}'
HEAD = f'{{"crdtctl":1,"kind":"state","replica":"ann",{CLOCK}'
A = '"a":{"gcounter":{"ann":[1,7],"bob":[2,5]}}'
B = '"b":{"gset":{"ann":[3,{"x":1,"y":3}]},"pncounter":{"ann":[2,4,1,{"job":[3,0]}]}}'
SOUND = file_with(HEAD, A, B)


def line(text: str) -> bytes:
    """Return a document whose second line is `text`."""
    return file_with(HEAD, A, text)


def row(text: str) -> bytes:
    """Return a document with this entry to a gcounter."""
    return line(f'"b":{{"gcounter":{{"ann":{text}}}}}')


def number(text: str) -> bytes:
    """Return a document with this number in it."""
    return row(f"[1,{text}]")


def name(text: str) -> bytes:
    """Return a document with this counter, spelt as in JSON."""
    return line(f'"{text}":{{"gcounter":{{"ann":[1,7]}}}}')


def once(text: str) -> bytes:
    """Return a document with these idempotency keys."""
    return line(f'"b":{{"pncounter":{{"ann":[2,4,1,{text}]}}}}')


def readings(text: str) -> bytes:
    """Return a document with these readings of meters."""
    return row(f"[1,7,{{}},{{}},{{}},{{}},0,{text}]")


def forgotten(text: str) -> bytes:
    """Return a document with a counter that this forgot."""
    return row(f'[1,7,{{}},{{}},{{}},{{}},0,{{}},0,0,"",{text}]')


def elements(text: str) -> bytes:
    """Return a document with this set."""
    return line(f'"b":{{"gset":{{"ann":[3,{text}]}}}}')


def sketch(text: str) -> bytes:
    """Return a document with this sketch, spelt as in JSON."""
    return line(f'"b":{{"hll":{{"ann":[3,{text}]}}}}')


def numbers(text: str) -> bytes:
    """Return a document with this entry to a hist."""
    return line(f'"b":{{"hist":{{"ann":[3,{text}]}}}}')


def bounded(text: str) -> bytes:
    """Return a document with a bcounter whose row ends so."""
    return line(f'"b":{{"bcounter":{{"ann":[3,7,1,{text}]}}}}')


def periods(text: str) -> bytes:
    """Return a document with these periods, spelt as in JSON."""
    return row(f"[1,7,{{}},{{}},{{}},{{}},0,{{}},1,0,{text}]")


def head(old: str, new: str) -> bytes:
    """Return a document with something replaced in its header."""
    assert old in HEAD
    return file_with(HEAD.replace(old, new), A, B)


def raw(body: bytes) -> bytes:
    """Return a document of any bytes."""
    return body + b'},"crc32":"%08x"}\n' % zlib.crc32(body)


def inside(old: bytes, new: bytes) -> bytes:
    """Return a document with any bytes replaced."""
    body = SOUND[: SOUND.rindex(b"}," + b'"crc32"')]
    assert old in body
    return raw(body.replace(old, new, 1))


DEEP = 10**6


def tags(value: str) -> bytes:
    """Return a state whose header says this of departures."""
    return file_with(f'{HEAD},"tags":{value}', A, B)


def settled(value: str) -> bytes:
    """Return a state whose header says this of settled forks."""
    return file_with(f'{HEAD},"settled":{value}', A, B)


def past(value: str) -> bytes:
    """Return a known.json whose header says this of earlier ids."""
    return file_with(f'{HEAD.replace("state", "known")},"heard":{{}},"past":{value}', A, B)


def own(fields: str) -> bytes:
    """Return an own.json whose header ends with this."""
    return file_with(f"{HEAD.replace('state', 'own')},{fields}", A, B)


def recent(value: str) -> bytes:
    """Return an own.recent.json whose header describes its own.json so."""
    return file_with(HEAD.replace('"state"', f'"recent","base":{value}'), A, B)


LINES: dict[str, bytes] = {
    "lines not sorted": file_with(HEAD, B, A),
    "a line twice": file_with(HEAD, A, A),
    "a name twice, once with other contents": file_with(HEAD, A, '"a":{"gcounter":{"ann":[1,8]}}'),
    "a name twice in one line": line(f'{A.replace("a", "b", 1)},"b":{{"gcounter":{{"ann":[1,8]}}}}'),
    "two names in one line": line('"b":{"gcounter":{"ann":[1,7]}},"c":{"gcounter":{"ann":[1,8]}}'),
    "a type twice": line('"b":{"gcounter":{"ann":[1,7]},"gcounter":{"ann":[1,8]}}'),
    "an author twice": line('"b":{"gcounter":{"ann":[1,7],"ann":[1,8]}}'),
    "an author twice in a set": line('"b":{"gset":{"ann":[3,{"x":1}],"ann":[3,{"x":1,"y":3}]}}'),
    "an author twice, once escaped": line('"b":{"gcounter":{"ann":[1,7],"\\u0061nn":[1,8]}}'),
    "authors not sorted": line('"b":{"gcounter":{"bob":[2,5],"ann":[1,7]}}'),
    "types not sorted": line('"b":{"pncounter":{"ann":[2,4,1]},"gset":{"ann":[3,{"x":1}]}}'),
    "a space after a colon": line('"b": {"gcounter":{"ann":[1,7]}}'),
    "a space after a comma": line('"b":{"gcounter":{"ann":[1, 7]}}'),
    "a line that is indented": line(' "b":{"gcounter":{"ann":[1,7]}}'),
    "an empty line": file_with(HEAD, A, "", B),
    "an empty first line": file_with(HEAD, "", A),
    "no comma between lines": file_with(HEAD, A + "\n" + B),
    "a comma after the last line": file_with(HEAD, A, B + ","),
    "a last line without an end": file_with(HEAD, A, B, end=""),
    "an end of line as in DOS": file_with(HEAD, A + "\r", B),
    "a comment": line('"b":{"gcounter":{"ann":[1,7]}}//'),
    "an escape that is not needed": name("b\\u0062"),
    "an escaped slash": name("b\\/"),
    "a letter that is escaped": name("b\\u00e9"),
    "a pair that is escaped": name("b\\ud83e\\udd8a"),
    "an unknown type": line('"b":{"gcount":{"ann":[1,7]}}'),
    "an unknown type beside a known one": line('"b":{"gcounter":{"ann":[1,7]},"zcounter":{"ann":[1,7]}}'),
    "a counter of who has ended": line('"b":{"membership":{"ann":[1,1]}}'),
    "a counter in the place of who has ended": line('"=":{"gcounter":{"ann":[1,1]}}'),
    "a counter beside who has ended": line('"=":{"gcounter":{"ann":[1,1]},"membership":{"ann":[1,1]}}'),
    "renames on the line of a counter": line('"b":{"renames":{"ann":[1,{"a":{"b":1}}]}}'),
    "a counter beside renames": line('"=renames":{"gcounter":{"ann":[1,1]},"renames":{"ann":[1,{"a":{"b":1}}]}}'),
    "a rename of a series": line('"=renames":{"renames":{"ann":[1,{"a{k=\\"v\\"}":{"b":1}}]}}'),
    "a rename to a reserved name": line('"=renames":{"renames":{"ann":[1,{"a":{"=jobs":1}}]}}'),
    "a rename without a number": line('"=renames":{"renames":{"ann":[1,{"a":{"b":0}}]}}'),
    "a rename to nothing": line('"=renames":{"renames":{"ann":[1,{"a":{}}]}}'),
    "a known rename by nobody": line('"=renames":{"renames":{"ann":[1,{"a":{"b":1}},{"a":{"":1}}]}}'),
    "a day that is none": line('"=":{"membership":{"ann":[1,0,0,{"soon":["01234567890123456789"]}]}}'),
    "a record that is none": line('"=":{"membership":{"ann":[1,0,0,{"2024-05-05":["0123"]}]}}'),
    "records that are not sorted": line(
        '"=":{"membership":{"ann":[1,0,0,{"2024-05-05":["11111111111111111111","00000000000000000000"]}]}}'
    ),
    "a counter that is a number": line('"b":7'),
    "a counter that is a list": line('"b":[]'),
    "a counter that is null": line('"b":null'),
    "a counter without a type": line('"b":{}'),
    "a type without an author": line('"b":{"gcounter":{}}'),
    "a type without an author beside one with": line('"b":{"gcounter":{},"gset":{"ann":[3,{"x":1}]}}'),
    "a type that is a list": line('"b":{"gcounter":[["ann",[1,7]]]}'),
    "a type that is null": line('"b":{"gcounter":null}'),
    "words": line("nothing to see here"),
    "a line that is cut behind a backslash": line('"b\\c'),
    "a name that has no end": line('"b\\":{"gcounter":{"ann":[1,7]}}'),
    "a line that is cut": line('"b":{"gcounter":{"ann":[1,7]'),
    "more behind a line": line('"b":{"gcounter":{"ann":[1,7]}}}'),
    "a second tree in a line": line('"b":{"gcounter":{"ann":[1,7]}},'),
    "arrays in absurd depth": row("[" * DEEP + "]" * DEEP),
    "objects in absurd depth": line('"b":' + '{"b":' * DEEP + "1" + "}" * DEEP),
    "brackets without an end": line("[" * DEEP),
}
ROWS: dict[str, bytes] = {
    "a entry that is a number": row("7"),
    "a entry that is an object": row('{"seq":1,"p":7}'),
    "a entry that is null": row("null"),
    "a entry that is text": row('"17"'),
    "an empty entry": row("[]"),
    "a entry that is too short": row("[1]"),
    "a entry that is too long": row('[1,7,{"job":[1]},0]'),
    "a pncounter with the row of a gcounter": line('"b":{"pncounter":{"ann":[1,7]}}'),
    "a gcounter with the row of a pncounter": row("[1,7,2]"),
    "commit 0": row("[0,7]"),
    "commit 0 of a set": line('"b":{"gset":{"ann":[0,{"x":1}]}}'),
    "a negative commit": row("[-1,7]"),
    "a commit newer than the clock": row("[4,7]"),
    "a commit far newer than the clock": row('["9007199254740992",7]'),
    "an author whom the clock does not know": line('"b":{"gcounter":{"ann":[1,7],"eve":[1,7]}}'),
    "readings that are a list": readings("[]"),
    "no readings, spelt out": readings("{}"),
    "a source without a generation": readings('{"eth0":{}}'),
    "a source that is a number": readings('{"eth0":7}'),
    "a source without a name": readings('{"":{"0":[7]}}'),
    "a source with a period that is none": readings('{" x7 eth0":{"0":[7]}}'),
    "a source with a month": readings('{" m7 eth0":{"0":[7]}}'),
    "a source with a period without a number": readings('{" d eth0":{"0":[7]}}'),
    "a source with a period with a zero before it": readings('{" d07 eth0":{"0":[7]}}'),
    "a source with a period of 8 digits": readings('{" q12345678 eth0":{"0":[7]}}'),
    "a source with a day in the year 9999": readings('{" d2932000 eth0":{"0":[7]}}'),
    "a source with a period and without a name": readings('{" d7 ":{"0":[7]}}'),
    "a source with a period and two spaces": readings('{" d7  eth0":{"0":[7]}}'),
    "a generation that is no number": readings('{"eth0":{"a":[7]}}'),
    "a generation with a zero before it": readings('{"eth0":{"01":[7]}}'),
    "a generation of 17 digits": readings('{"eth0":{"10000000000000000":[7]}}'),
    "generations not sorted": readings('{"eth0":{"2":[7],"10":[7]}}'),
    "a reading that is a number": readings('{"eth0":{"0":7}}'),
    "a reading of nothing": readings('{"eth0":{"0":[0]}}'),
    "a reading with a zero at its end": readings('{"eth0":{"0":[7,0]}}'),
    "a reading that is too long": readings('{"eth0":{"0":[7,7,1,1]}}'),
    "a negative reading": readings('{"eth0":{"0":[-7]}}'),
    "idempotency keys that are a list": once('["job"]'),
    "idempotency keys that are null": once("null"),
    "no idempotency keys, spelt out": once("{}"),
    "an idempotency key twice": once('{"job":[3,0],"job":[4,0]}'),
    "idempotency keys not sorted": once('{"job":[3,0],"a":[4,0]}'),
    "an idempotency key that is too short": once('{"job":[3]}'),
    "an idempotency key that is too long": once('{"job":[3,0,0]}'),
    "an idempotency key that is a number": once('{"job":3}'),
    "an idempotency key that counts nothing": once('{"job":[0,0]}'),
    "an idempotency key with a control character": once('{"j\\u0007b":[3,0]}'),
    "an empty idempotency key": once('{"":[3,0]}'),
    "a bound that is a number": bounded("[3]"),
    "a bound with a leading zero": bounded('["03"]'),
    "a bound of minus nothing": bounded('["-0"]'),
    "a bound that is a word": bounded('["low"]'),
    "a bound of 101 digits": bounded(f'["{"9" * 101}"]'),
    "bounds not sorted": bounded('["3","-1"]'),
    "no bounds, spelt out": bounded("[]"),
    "no bounds and no gifts, spelt out": bounded("[],{}"),
    "bounds that are an object": bounded("{}"),
    "gifts before the bounds": bounded('{"bob":1},["0"]'),
    "a gift of nothing": bounded('[],{"bob":0}'),
    "a gift below nothing": bounded('[],{"bob":-1}'),
    "a gift to nobody": bounded('[],{"":1}'),
    "gifts not sorted": bounded('[],{"bob":1,"ann":1}'),
    "a request of nothing": bounded('[],{},{"bob":0}'),
    "a claim to nothing": bounded('[],{},{},{"bob":0}'),
    "no claims, spelt out": bounded("[],{},{},{}"),
    "an item after the claims": bounded('[],{},{},{"bob":1},1'),
    "a bounded counter with an item too many": bounded('[],{},{},{},{},0,0,"",{"ann":3},0'),
    "an empty map of what a bounded counter forgot": bounded('[],{},{},{},{},0,0,"",{}'),
    "a bounded counter that forgot commit 0": bounded('[],{},{},{},{},0,0,"",{"ann":0}'),
    "a bounded counter that forgot a list": bounded('[],{},{},{},{},0,0,"",["ann"]'),
    "a bounded counter without what was used": line('"b":{"bcounter":{"ann":[1,7]}}'),
    "a set that is a list": elements('["x"]'),
    "a set that is text": elements('"xy"'),
    "elements not sorted": elements('{"y":1,"x":1}'),
    "an element twice": elements('{"x":1,"x":1}'),
    "an element with two numbers": elements('{"x":1,"x":2}'),
    "an element without a number": elements('{"x":null}'),
    "an element that nobody added": elements('{"x":0}'),
    "an element that nobody added beside another": elements('{"w":1,"x":0}'),
    "an element with half a number": elements('{"w":1,"x":0.5}'),
    "an element that is true": elements('{"w":1,"x":true}'),
    "an element with a negative number": elements('{"w":1,"x":-1}'),
    "an element with a number beyond 2^53-1": elements('{"w":1,"x":9007199254740992}'),
    "an element with a list": elements('{"x":[1]}'),
    "an empty element": elements('{"":1}'),
    "an empty element beside another": elements('{"":1,"x":1}'),
    "an element of 4097 bytes": elements(f'{{"{"x" * 4097}":1}}'),
    "an element with a line feed": elements('{"x\\ny":1}'),
    "an element that ends with white space": elements('{"x ":1,"y":1}'),
    "an element that begins with white space": elements('{" x":1,"y":1}'),
    "an empty map of marks of a set": line('"b":{"gset":{"ann":[3,{"x":1},{}]}}'),
    "a mark of 0 of a set": line('"b":{"gset":{"ann":[3,{"x":1},{"ann":0}]}}'),
    "a mark that is a list": line('"b":{"gset":{"ann":[3,{"x":1},{"ann":[1]}]}}'),
    "a mark on an id that is too long": line(f'"b":{{"gset":{{"ann":[3,{{"x":1}},{{"{"i" * 201}":1}}]}}}}'),
    "an empty map of what a set forgot": line('"b":{"gset":{"ann":[3,{"x":1},{"ann":1},{}]}}'),
    "a set that forgot commit 0": line('"b":{"gset":{"ann":[3,{"x":1},{},{"ann":0}]}}'),
    "an item after what a set forgot": line('"b":{"gset":{"ann":[3,{"x":1},{},{"ann":1},{}]}}'),
    "an empty map of what is forgotten": forgotten("{}"),
    "forgotten commits as a list": forgotten('["ann"]'),
    "a forgotten commit as a list": forgotten('{"ann":[1]}'),
    "a forgotten commit 0": forgotten('{"ann":0}'),
    "a forgotten commit that is true": forgotten('{"ann":true}'),
    "a forgotten commit beyond 2^53-1": forgotten('{"ann":9007199254740992}'),
    "a negative forgotten commit": forgotten('{"ann":-1}'),
    "half a forgotten commit": forgotten('{"ann":0.5}'),
    "a forgotten replica twice": forgotten('{"ann":1,"ann":1}'),
    "forgotten replicas not sorted": forgotten('{"bob":1,"ann":1}'),
    "a forgotten id that is too long": forgotten(f'{{"{"i" * 201}":1}}'),
    "an item after what is forgotten": forgotten('{"ann":1},0'),
    "empty marks": row('[1,7,{"job":[1]},{}]'),
    "empty marks on idempotency keys": row('[1,7,{},{"ann":[7]},{}]'),
    "an item after the marks": row('[1,7,{},{"ann":[7]},{"job":[1]},{}]'),
    "a mark that is a number": row('[1,7,{},{"ann":7}]'),
    "a mark of 0": row('[1,7,{},{"ann":[0]}]'),
    "a mark with two totals": row('[1,7,{},{"ann":[7,0]}]'),
    "a mark on nobody": row('[1,7,{},{"":[7]}]'),
    "marks not sorted": row('[1,7,{},{"bob":[5],"ann":[7]}]'),
    "a mark twice": row('[1,7,{},{"ann":[6],"ann":[7]}]'),
    "a mark on an idempotency key of 0": row('[1,7,{},{},{"job":[0]}]'),
    "a hist without counts": numbers('["c"]'),
    "a hist with levels that are text": numbers('"c",{}'),
    "a hist of an unknown level": numbers('["g"],{}'),
    "a hist of two levels in one text": numbers('["ab"],{}'),
    "a hist of a level that is empty": numbers('[""],{}'),
    "a hist with levels not sorted": numbers('["c","a"],{}'),
    "a hist with counts that are a list": numbers('["c"],[1]'),
    "a hist with a bucket that is empty": numbers('["c"],{"":1}'),
    "a hist with a bucket of an unknown level": numbers('["c"],{"g200":1}'),
    "a hist with a bucket without a level": numbers('["c"],{"3544":1}'),
    "a hist with a bucket without a number": numbers('["c"],{"c":1}'),
    "a hist with a bucket that is below the first": numbers('["c"],{"c115":1}'),
    "a hist with a bucket that is above the last": numbers('["c"],{"c7077":1}'),
    "a hist with a bucket that is far above the last": numbers(f'["c"],{{"c{"9" * 150}":1}}'),
    "a hist with a bucket below zero that is not there": numbers('["c"],{"c-7077":1}'),
    "a hist with a bucket with a zero before it": numbers('["c"],{"c03544":1}'),
    "a hist with a bucket of minus zero": numbers('["c"],{"c-0":1}'),
    "a hist with a bucket with a plus": numbers('["c"],{"c+3544":1}'),
    "a hist with a bucket in other digits": numbers('["c"],{"c١١١١":1}'),
    "a hist with a bucket that nothing is in": numbers('["c"],{"c3544":0}'),
    "a hist with half a number in a bucket": numbers('["c"],{"c3544":0.5}'),
    "a hist with a sum that is a number": numbers('["c"],{"c3544":1},0.35'),
    "a hist with a sum that is not in its shortest form": numbers('["c"],{"c3544":1},"0.350"'),
    "a hist with a sum without a digit before the point": numbers('["c"],{"c3544":1},".35"'),
    "a hist with a sum without a digit after the point": numbers('["c"],{"c3544":1},"1."'),
    "a hist with a sum with an exponent": numbers('["c"],{"c3544":1},"1e3"'),
    "a hist with a sum that is a plus": numbers('["c"],{"c3544":1},"+1"'),
    "a hist with a sum of minus zero": numbers('["c"],{"c0":1},"-0"'),
    "a hist with a sum that is nothing": numbers('["c"],{"c3544":1},"-"'),
    "a hist with a sum with a zero before it": numbers('["c"],{"c3544":1},"01"'),
    "a hist with a sum with two points": numbers('["c"],{"c3544":1},"1.2.3"'),
    "a hist with a sum of 101 digits": numbers(f'["c"],{{"c3544":1}},"{"1" * 101}"'),
    "a hist with a sum of 31 decimal places": numbers(f'["c"],{{"c3544":1}},"0.{"1" * 31}"'),
    "a hist with a sum that is infinite": numbers('["c"],{"c3544":1},"inf"'),
    "a hist with an empty sum at its end": numbers('["c"],{"c3544":1},""'),
    "a hist with a key without counts": numbers('["c"],{},"","","","",{"k":[]}'),
    "a hist with a key with empty counts": numbers('["c"],{},"","","","",{"k":[{}]}'),
    "a hist with an item too many": numbers('["c"],{},"","","","",{},1,0,{"d1":[{"c0":1}]},["k"],1,{"ann":1},1'),
    "a hist with used keys not sorted": numbers('["c"],{},"","","","",{},0,0,{},["k","j"],1'),
    "a hist with a used key twice": numbers('["c"],{},"","","","",{},0,0,{},["k","k"],1'),
    "a hist with used keys as a map": numbers('["c"],{},"","","","",{},0,0,{},{"k":1},1'),
    "a hist with an empty used key": numbers('["c"],{},"","","","",{},0,0,{},[""],1'),
    "a hist that ends with no used keys": numbers('["c"],{},"","","","",{},0,0,{},[]'),
    "a hist with a start as text": numbers('["c"],{},"","","","",{},0,0,{},[],"1"'),
    "a hist with a start of 0 at the end": numbers('["c"],{},"","","","",{},0,0,{},["k"],0'),
    "an empty map of what a hist forgot": numbers('[],{},"","","","",{},0,0,{},[],3,{}'),
    "a hist that forgot commit 0": numbers('[],{},"","","","",{},0,0,{},[],3,{"ann":0}'),
    "an hll with a negative start": sketch('"blake2b 4 ",0,0,{},-1'),
    "an hll with half a start": sketch('"blake2b 4 ",0,0,{},0.5'),
    "an hll with a start of 0 at the end": sketch('"blake2b 4 ",0,0,{},0'),
    "an hll that forgot a list": sketch('"blake2b 4 ",0,0,{},3,["ann"]'),
    "an hll that forgot and has no sketch": sketch('"",0,0,{},3,{"ann":3}'),
    "a hist with periods that are a text": numbers('["c"],{},"","","","",{},1,0,"d1:1"'),
    "a hist with periods of the year 9999": numbers('["c"],{},"","","","",{},1,0,{"d2932896":[{"c0":1}]}'),
    "a hist with a period without numbers": numbers('["c"],{},"","","","",{},1,0,{"d1":[{}]}'),
    "a hist with periods that overlap": numbers('["c"],{},"","","","",{},1,0,{"d1":[{"c0":1}],"h24":[{"c0":1}]}'),
    "an hll with an item too many": sketch('"blake2b 4 ",1,0,{"d1":"blake2b 4 "},1,{"ann":1},1'),
    "an hll with empty periods": sketch('"blake2b 4 ",1,0,{}'),
    "an hll with a period of a week": sketch('"blake2b 4 ",1,0,{"w1":"blake2b 4 "}'),
    "an hll with a period without a number": sketch('"blake2b 4 ",1,0,{"d":"blake2b 4 "}'),
    "an hll with a period of 8 digits": sketch('"blake2b 4 ",1,0,{"q12345678":"blake2b 4 "}'),
    "an hll with a period with a zero before it": sketch('"blake2b 4 ",1,0,{"d07":"blake2b 4 "}'),
    "an hll with a period without a sketch": sketch('"blake2b 4 ",1,0,{"d1":""}'),
    "periods that are a number": periods("12"),
    "periods that are an object": periods('{"2026-03-01":1}'),
    "periods that are empty": periods('""'),
    "periods of the year 9999": periods('"d2932896:1"'),
    "periods before 1970": periods('"d-1:1"'),
    "periods that overlap": periods('"d1:1 h24:1"'),
    "periods in the wrong order": periods('"d2:1 d1:1"'),
    "periods in two runs that are one": periods('"d1:1 d2:1"'),
    "periods of zeros": periods('"d1:0"'),
    "periods with a total too many": periods('"d1:1-1"'),
    "periods of weeks": periods('"w1:1"'),
    "periods without an amount": periods('"d1"'),
    "a mark of periods in the header that is true": head('"ann",', '"ann","periods":true,'),
    "a mark of periods in the header that is 0": head('"ann",', '"ann","periods":0,'),
    "a mark of periods in the header that is 2": head('"ann",', '"ann","periods":2,'),
    "a mark of periods behind the clock": head('"bob":2}', '"bob":2},"periods":1'),
    "a sketch that is a number": sketch("12"),
    "a sketch that is null": sketch("null"),
    "a sketch that is a list": sketch("[0,0,0,0]"),
    "a sketch of nobody": sketch('""'),
    "a sketch of an unknown hash": sketch('"murmur3 4 "'),
    "a sketch of precision 3": sketch('"blake2b 3 "'),
    "a sketch of precision 17": sketch('"blake2b 17 "'),
    "a sketch with a register too many": sketch(f'"blake2b 4 {"3" * 17}"'),
    "a sketch that is cut": sketch(f'"blake2b 4 {"3" * 15}"'),
    "a sketch with a letter that is none": sketch(f'"blake2b 4 {"3" * 15}+"'),
    "a sketch with a letter beyond ASCII": sketch(f'"blake2b 4 {"3" * 15}é"'),
    "a sketch with a rank that cannot be": sketch(f'"blake2b 4 {"3" * 15}y"'),
    "a sketch spelt in the longer way": sketch(f'"blake2b 4 {"-" * 15}3"'),
    "a sketch with registers not sorted": sketch('"blake2b 4 1303"'),
    "a sketch with a register twice": sketch('"blake2b 4 0304"'),
    "a sketch with a register that is not there": sketch('"blake2b 4 F3"'),
    "a sketch with a register that met nothing": sketch('"blake2b 4 3-"'),
    "a sketch as escapes": sketch('"blake2b 4 \\u0031\\u0033"'),
}
NUMBERS: dict[str, bytes] = {
    "a float": number("7.5"),
    "a float that is whole": number("7.0"),
    "an exponent": number("1e3"),
    "a large exponent": number("1E400"),
    "true": number("true"),
    "false": number("false"),
    "null": number("null"),
    "NaN": number("NaN"),
    "Infinity": number("Infinity"),
    "negative": number("-7"),
    "negative zero": number("-0"),
    "a plus": number("+7"),
    "leading zeros": number("007"),
    "hexadecimal": number("0x7"),
    "a list": number("[7]"),
    "nothing": number(""),
    "a small number as text": number('"7"'),
    "zeros as text": number('"007"'),
    "the largest small number as text": number('"9007199254740991"'),
    "a large number as text with a leading zero": number('"09007199254740992"'),
    "a large negative number as text": number('"-9007199254740992"'),
    "a large number as text with a plus": number('"+9007199254740992"'),
    "a large number as text with a space": number('" 9007199254740992"'),
    "a large number as text with an underscore": number('"9_007_199_254_740_992"'),
    "a large number as text in other digits": number('"' + "\u0669" * 20 + '"'),
    "a large number as text in superscript": number('"' + "\u00b9" * 20 + '"'),
    "an empty text": number('""'),
    "a word": number('"seven"'),
    "2^53, bare": number("9007199254740992"),
    "2^63, bare": number("9223372036854775808"),
    "2^64, bare": number("18446744073709551616"),
    "101 digits, bare": number("1" * 101),
    "101 digits as text": number('"' + "1" * 101 + '"'),
    "more digits than Python converts": number("1" * 5000),
    "more digits than Python converts, as text": number('"' + "1" * 5000 + '"'),
    "a million digits": number("1" * 10**6),
    "a million digits as text": number('"' + "1" * 10**6 + '"'),
    "a million digits behind the point": number("0." + "1" * 10**6),
}
NAMES: dict[str, bytes] = {
    "an equals sign in a counter's name": name("b=1"),
    "an empty name": name(""),
    "labels without a name": name('{os=\\"bsd\\"}'),
    "labels that are not sorted": name('b{py=\\"3\\",os=\\"bsd\\"}'),
    "a label that is repeated": name('b{os=\\"bsd\\",os=\\"mac\\"}'),
    "labels with white space around them": name('b{ os=\\"bsd\\"}'),
    "labels with a comma at the end": name('b{os=\\"bsd\\",}'),
    "a label without quotes": name("b{os=bsd}"),
    "a label with a single quote": name("b{os='bsd'}"),
    "a label without a value": name('b{os=\\"\\"}'),
    "a label without a key": name('b{=\\"bsd\\"}'),
    "a key that is no word": name('b{o-s=\\"bsd\\"}'),
    "a value with an escape that is not needed": name('b{os=\\"b\\\\sd\\"}'),
    "a value with white space at its end": name('b{os=\\"bsd \\"}'),
    "text behind labels": name('b{os=\\"bsd\\"}c'),
    "labels twice": name('b{os=\\"bsd\\"}{py=\\"3\\"}'),
    "a brace in the name before labels": name('b}{os=\\"bsd\\"}'),
    "17 labels": name("b{" + ",".join(f'k{n:02}=\\"x\\"' for n in range(17)) + "}"),
    "201 bytes before labels": name("x" * 201 + '{os=\\"bsd\\"}'),
    "labels of 2,049 bytes": name('b{os=\\"' + "x" * 2041 + '\\"}'),
    "a million labels": name("b{" + ",".join(f'k{n}=\\"x\\"' for n in range(10**6)) + "}"),
    "a label that does not end": name('b{os=\\"' + "x" * 10**6),
    "a million braces": name("b=" + "{" * 10**6),
    "201 bytes": name("x" * 201),
    "202 bytes in 101 letters": name("é" * 101),
    "a name of a million bytes": name("x" * 10**6),
    "white space before a name": name(" b"),
    "white space after a name": name("b "),
    "a NUL that is escaped": name("b\\u0000"),
    "a NUL as it is": name("b\0"),
    "an ESC that is escaped": name("b\\u001b[31m"),
    "an ESC as it is": name("b\x1b[31m"),
    "a DEL": name("b\x7f"),
    "a C1 control": name("b\x9b31m"),
    "a tab": name("b\\tc"),
    "a line feed": name("b\\nc"),
    "a bidirectional override": name("b\u202ec"),
    "a bidirectional isolate": name("b\u2066c\u2069"),
    "a zero-width space": name("b\u200bc"),
    "a line separator": name("b\u2028c"),
    "a no-break space": name("b\u00a0c"),
    "a private character": name("b\ue000c"),
    "an unassigned character": name("b\u0378c"),
    "a name that is not in normal form C": name("be\u0301"),
    "half a pair, escaped, as a counter": name("b\\ud83e"),
    "half a pair, escaped, as an author": line('"b":{"gcounter":{"ann":[1,7],"\\ud83e":[1,7]}}'),
    "half a pair, escaped, as an element": elements('{"\\udd8a":1}'),
    "half a pair, escaped, as an idempotency key": once('{"\\udd8a":[3,0]}'),
    "half a pair, as it is": name("b\ud83e"),
    "an author with an ESC": head(CLOCK, '"clock":{"ann":3,"b\\u001bb":2,"bob":2}'),
    "an author with a bidirectional override": head(CLOCK, '"clock":{"ann":3,"bob":2,"e\u202eve":2}'),
    "an empty author": head(CLOCK, '"clock":{"":1,"ann":3,"bob":2}'),
    "an author of 201 bytes": head(CLOCK, f'"clock":{{"ann":3,"bob":2,"{"x" * 201}":1}}'),
}
HEADS: dict[str, bytes] = {
    "a newer version": head('"crdtctl":1', '"crdtctl":2'),
    "version 0": head('"crdtctl":1', '"crdtctl":0'),
    "version true": head('"crdtctl":1', '"crdtctl":true'),
    "version 1.0": head('"crdtctl":1', '"crdtctl":1.0'),
    "version as text": head('"crdtctl":1', '"crdtctl":"1"'),
    "a version that draws on the terminal": head('"crdtctl":1', '"crdtctl":"\\u001b[31m"'),
    "a version of a million digits": head('"crdtctl":1', '"crdtctl":' + "1" * 10**6),
    "a version of absurd depth": head('"crdtctl":1', '"crdtctl":' + "[" * DEEP + "]" * DEEP),
    "no version": head('"crdtctl":1,', ""),
    "a field twice": head('"crdtctl":1', '"crdtctl":1,"crdtctl":1'),
    "another program's file": head('"crdtctl":1', '"otherctl":1'),
    "an unknown kind": head('"kind":"state"', '"kind":"stat"'),
    "a kind that is a number": head('"kind":"state"', '"kind":1'),
    "no kind": head('"kind":"state",', ""),
    "no replica": head('"replica":"ann",', ""),
    "a replica that is a number": head('"replica":"ann"', '"replica":1'),
    "a replica with a control character": head('"replica":"ann"', '"replica":"a\\u0007"'),
    "an empty replica": head('"replica":"ann"', '"replica":""'),
    "no clock": head("," + CLOCK, ""),
    "a clock that is a list": head(CLOCK, '"clock":[3,2]'),
    "a clock with a 0": head('"bob":2', '"bob":0'),
    "a clock with a negative number": head('"bob":2', '"bob":-2'),
    "a clock with a float": head('"bob":2', '"bob":2.0'),
    "a clock with true": head('"bob":2', '"bob":true'),
    "a clock with text": head('"bob":2', '"bob":"2"'),
    "a clock with 2^53": head('"bob":2', '"bob":9007199254740992'),
    "an author twice in the clock": head('"bob":2', '"bob":2,"bob":3'),
    "a clock that is not sorted": head(CLOCK, '"clock":{"bob":2,"ann":3}'),
    "fields in another order": head(f'"replica":"ann",{CLOCK}', f'{CLOCK},"replica":"ann"'),
    "an unknown field": head('"crdtctl":1', '"crdtctl":1,"comment":"hi"'),
    "counters that are called otherwise": inside(b'"counters"', b'"counterz"'),
    "a header without the beginning of its counters": inside(b',"counters":{', b""),
    "a space in the header": head('"crdtctl":1', '"crdtctl": 1'),
    "a delta without since": head('"kind":"state"', '"kind":"delta"'),
    "a state with since": head(CLOCK, f'{CLOCK},"since":{{}}'),
    "a delta since a list": file_with(f'{HEAD.replace("state", "delta")},"since":[]', A, B),
    "a delta since 0": file_with(f'{HEAD.replace("state", "delta")},"since":{{"ann":0}}', A, B),
    "known without heard": head('"kind":"state"', '"kind":"known"'),
    "heard in a state": head(CLOCK, f'{CLOCK},"heard":{{}}'),
    "heard that is a list": file_with(f'{HEAD.replace("state", "known")},"heard":[]', A, B),
    "heard at a number": file_with(f'{HEAD.replace("state", "known")},"heard":{{"ann":1}}', A, B),
    "heard with a control character": file_with(f'{HEAD.replace("state", "known")},"heard":{{"ann":"\\u001b"}}', A, B),
    "heard of a name that is none": file_with(f'{HEAD.replace("state", "known")},"heard":{{"":"now"}}', A, B),
}
FORKS: dict[str, bytes] = {
    "no tags, spelt out": tags("{}"),
    "tags that are a list": tags('["1 1.abcd"]'),
    "tags that are text": tags('"1 1.abcd"'),
    "tags of somebody whom the clock does not know": tags('{"eve":"1 1.abcd"}'),
    "tags newer than the clock": tags('{"bob":"1 3.abcd"}'),
    "tags twice": tags('{"ann":"1 1.abcd","ann":"1 1.abcd"}'),
    "tags that are not sorted": tags('{"bob":"1 1.abcd","ann":"1 1.abcd"}'),
    "a history that is a number": tags('{"ann":1}'),
    "a history that is an object": tags('{"ann":{"1":"abcd"}}'),
    "an empty history": tags('{"ann":""}'),
    "a history with a control character": tags('{"ann":"1 1.abc\\u0007"}'),
    "a history with a short tag": tags('{"ann":"1 1.abc"}'),
    "a history with commit 0": tags('{"ann":"1 0.abcd"}'),
    "a history that lacks a departure": tags('{"ann":"2 1.abcd"}'),
    "a history whose commits fall": tags('{"ann":"2 2.abcd 1.abcd"}'),
    "a history of more departures than can be": tags('{"ann":"9999999999999999 1.abcd"}'),
    "a history whose count is too long": tags('{"ann":"10000000000000000 1.abcd"}'),
    "tags before the clock": head(CLOCK, f'"tags":{{"ann":"1 1.abcd"}},{CLOCK}'),
    "tags after what is settled": file_with(f'{HEAD},"settled":["ann"],"tags":{{"ann":"1 1.abcd"}}', A, B),
    "nothing settled, spelt out": settled("[]"),
    "settled that is an object": settled('{"ann":1}'),
    "settled that is text": settled('"ann"'),
    "settled numbers": settled("[1]"),
    "settled without a name": settled('[""]'),
    "settled with a control character": settled('["a\\u001b"]'),
    "settled twice": settled('["ann","ann"]'),
    "settled that is not sorted": settled('["bob","ann"]'),
    "settled in an own.json": own('"settled":["ann"]'),
    "earlier ids in a state": file_with(f'{HEAD},"past":[["ann",1,"copied","now"]]', A, B),
    "no earlier ids, spelt out": past("[]"),
    "earlier ids that are an object": past('{"ann":1}'),
    "an earlier id that is text": past('["ann"]'),
    "an earlier id that is too short": past('[["ann",1,"copied"]]'),
    "an earlier id that is too long": past('[["ann",1,"copied","now","x"]]'),
    "an earlier id that is a number": past('[[1,1,"copied","now"]]'),
    "an earlier id without a name": past('[["",1,"copied","now"]]'),
    "an earlier id with true commits": past('[["ann",true,"copied","now"]]'),
    "an earlier id with negative commits": past('[["ann",-1,"copied","now"]]'),
    "an earlier id with 2^53 commits": past('[["ann",9007199254740992,"copied","now"]]'),
    "an earlier id with commits as text": past('[["ann","1","copied","now"]]'),
    "an earlier id that ended for a number": past('[["ann",1,1,"now"]]'),
    "an earlier id with a control character": past('[["ann",1,"copied","\\u0007"]]'),
    "nobody unheard of, spelt out": past('[["ann",1,"copied","now"]],"unheard":{}'),
    "unheard of, in a list": past('[["ann",1,"copied","now"]],"unheard":["ann"]'),
    "unheard of under a name that is none": past('[["ann",1,"copied","now"]],"unheard":{"":1}'),
    "unheard of a negative number of times": past('[["ann",1,"copied","now"]],"unheard":{"ann":-1}'),
    "unheard of a true number of times": past('[["ann",1,"copied","now"]],"unheard":{"ann":true}'),
    "unheard of before the earlier ids": past('[["ann",1,"copied","now"]]').replace(
        b'"past"', b'"unheard":{"ann":1},"past"'
    ),
    "unheard of in a state": file_with(f'{HEAD},"unheard":{{"ann":1}}', A, B),
    "nothing received, spelt out": file_with(f'{HEAD},"received":{{}}', A, B),
    "a received commit 0": file_with(f'{HEAD},"received":{{"ann":0}}', A, B),
    "a received commit of no name": file_with(f'{HEAD},"received":{{"":1}}', A, B),
    "received commits in a list": file_with(f'{HEAD},"received":["ann"]', A, B),
    "receipts in a state": file_with(f'{HEAD},"receipts":{{"ann":{{"bob":1}}}}', A, B),
    "no receipts, spelt out": past('[["ann",1,"copied","now"]]').replace(b'"past"', b'"receipts":{},"past"'),
    "receipts of nobody": past('[["ann",1,"copied","now"]]').replace(b'"past"', b'"receipts":{"ann":{}},"past"'),
    "receipts in a list": past('[["ann",1,"copied","now"]]').replace(b'"past"', b'"receipts":["ann"],"past"'),
    "a receipt of a number": past('[["ann",1,"copied","now"]]').replace(b'"past"', b'"receipts":{"ann":1},"past"'),
    "a receipt of commit 0": past('[["ann",1,"copied","now"]]').replace(
        b'"past"', b'"receipts":{"ann":{"bob":0}},"past"'
    ),
    "receipts after the earlier ids": past('[["ann",1,"copied","now"]],"receipts":{"ann":{"bob":1}}'),
    "recent without a base": head('"kind":"state"', '"kind":"recent"'),
    "a base in a state": head('"kind":"state"', '"kind":"state","base":"0123456789ab"'),
    "an empty base": head('"kind":"state"', '"kind":"own","base":""'),
    "a base that is a number": head('"kind":"state"', '"kind":"own","base":1'),
    "a base of eleven digits": head('"kind":"state"', '"kind":"own","base":"0123456789a"'),
    "a base of other letters": head('"kind":"state"', '"kind":"own","base":"0123456789aG"'),
    "a base that is a nonce alone": recent('"0123456789ab"'),
    "a base without a sum": recent('"0123456789ab 70000 65536 01234567"'),
    "a base with a sum too many": recent('"0123456789ab 70000 65536 0123456789abcdef01234567"'),
    "a base with a sum in other letters": recent('"0123456789ab 70000 65536 0123456789ABCDEF"'),
    "a base of no size": recent('"0123456789ab 0 65536 "'),
    "a base of blocks of no size": recent('"0123456789ab 70000 0 0123456789abcdef"'),
    "a base of five parts": recent('"0123456789ab 70000 65536 0123456789abcdef 1"'),
    "tier 0, spelt out": own('"tier":0,"binding":"1"'),
    "a negative tier": own('"tier":-1'),
    "a tier of three digits": own('"tier":100'),
    "a true tier": own('"tier":true'),
    "a tier as text": own('"tier":"1"'),
    "a tier in a state": file_with(f'{HEAD},"tier":1', A, B),
    "a node by somebody with a control character": line('"b":{"handoff":{"e\u007fve":[1,0]}}'),
    "a slot that is none": line('"b":{"handoff":{"ann":[1,0,[1,0,1,0,0,{"eve":[0,0,0]}]]}}'),
    "a peer of whom nothing is held": line('"b":{"handoff":{"ann":[1,0,[1,0,1,0,0,{"eve":[0]}]]}}'),
    "a node that says nothing at the end": line('"b":{"handoff":{"ann":[1,0,[0]]}}'),
    "an empty binding": own('"binding":""'),
    "a binding that is a number": own('"binding":1'),
    "a binding with a control character": own('"binding":"\\u001b"'),
    "a binding in a state": file_with(f'{HEAD},"binding":"1.2.3.4"', A, B),
    "a witness that is a number": own('"witness":1'),
    "an empty witness": own('"witness":""'),
    "a witness in a state": file_with(f'{HEAD},"witness":"/x"', A, B),
    "a witness before the binding": own('"witness":"/x","binding":"1"'),
    "positions of nothing": own('"follows":{}'),
    "a position that is a number": own('"follows":{"add:/x":1}'),
    "a position without a checksum": own('"follows":{"add:/x":"1.2"}'),
    "a position with a sign": own('"follows":{"add:/x":"1.-2.89abcdef"}'),
    "a position with a capital digit": own('"follows":{"add:/x":"1.2.89ABCDEF"}'),
    "a position with one number more": own('"follows":{"add:/x":"1.2.3.89abcdef"}'),
    "a position in a nameless file": own('"follows":{"":"1.2.89abcdef"}'),
    "a position in a file with a control character": own('"follows":{"add:\\u001b":"1.2.89abcdef"}'),
    "positions that are not sorted": own('"follows":{"b":"1.2.89abcdef","a":"1.2.89abcdef"}'),
    "positions before the witness": own('"follows":{"b":"1.2.89abcdef"},"witness":"/x"'),
    "a last commit that did nothing": own('"last":[]'),
    "a last commit in one text": own('"last":"+1 a"'),
    "a last commit with a number": own('"last":[1]'),
    "a last commit with an empty text": own('"last":[""]'),
    "a last commit with a control character": own('"last":["+1 \\u001b"]'),
    "a last commit before the witness": own('"last":["+1 a"],"witness":"/x"'),
    "a last commit in a state": file_with(f'{HEAD},"last":["+1 a"]', A, B),
    "positions in a state": file_with(f'{HEAD},"follows":{{"b":"1.2.89abcdef"}}', A, B),
}
FILES: dict[str, bytes] = {
    "nothing": b"",
    "white space": b" \n\t\n",
    "a NUL": b"\0",
    "text": b"hello, world\n",
    "an empty object": b"{}",
    "an empty array": b"[]",
    "a number": b"1",
    "null": b"null",
    "only a header": file_with(HEAD).split(b"\n")[0] + b"\n",
    "only a last line": SOUND[SOUND.rindex(b"},") :],
    "a last line that is cut": SOUND[:-1][:-3],
    "more after the end": SOUND + b"x",
    "the file twice": SOUND + SOUND,
    "a wrong checksum": SOUND[:-11] + b"00000000" + SOUND[-3:],
    "a checksum in capitals": SOUND[:-11] + SOUND[-11:-3].upper() + SOUND[-3:],
    "a checksum that is a number": SOUND[:-12] + b"12345678}\n",
    "a checksum that is null": SOUND[:-12] + b"null}\n",
    "a checksum that is half a pair": SOUND[:-11] + b"\\ud83e" + SOUND[-3:],
    "no checksum": SOUND[: SOUND.rindex(b',"crc32"')] + b"}\n",
    "no counters": b'{"crdtctl":1,"kind":"state","replica":"ann","clock":{},"crc32":"00000000"}\n',
    "counters that are a list": raw(HEAD.encode() + b',"counters":[\n]').replace(b"]}", b"]"),
    "a byte order mark": raw(b"\xef\xbb\xbf" + SOUND[: SOUND.rindex(b"},")]),
    "a byte order mark before a sound file": b"\xef\xbb\xbf" + SOUND,
    "UTF-16": SOUND.decode().encode("utf-16"),
    "Latin-1": inside(b'"b"', b'"\xe9"'),
    "a byte that is never UTF-8": inside(b'"b"', b'"\xff"'),
    "an overlong form": inside(b'"b"', b'"\xc1\xa1"'),
    "half a pair in bytes": inside(b'"b"', b'"\xed\xa0\xbe"'),
    "a NUL between lines": inside(b"\n", b"\n\0"),
    "a vertical tab between lines": inside(b"\n", b"\n\x0b"),
    "NULs after the end": SOUND + bytes(4096),
    "a hole in the middle": SOUND[:40] + bytes(len(SOUND) - 80) + SOUND[-40:],
    "brackets in absurd depth": b"[" * DEEP,
    "braces in absurd depth": b'{"a":' * DEEP,
    "tables in absurd depth": b"crdtctl = " + b"[" * DEEP,
    "inline tables in absurd depth": b"crdtctl = " + b"{a=" * DEEP,
    "a key of absurd depth": b"[" + b".".join([b"a"] * 2000) + b"]\n",
}
TOML_START = 'kind = "state"\nreplica = "ann"\n'
TOML_END = '\n[clock]\nann = 3\n[counters]\n[checksum]\ncrc32 = "00000000"\n'
TOML: dict[str, bytes] = {
    why: text.encode()
    for why, text in {
        "no checksum": f"crdtctl = 1\n{TOML_START}[clock]\n[counters]\n",
        "a checksum that is text": f'crdtctl = 1\nchecksum = "0"\n{TOML_START}[clock]\n[counters]\n',
        "a checksum with more in it": f"crdtctl = 1\n{TOML_START}{TOML_END}more = 1\n",
        "a wrong checksum": f"crdtctl = 1\n{TOML_START}{TOML_END}",
        "a checksum twice": f'crdtctl = 1\n{TOML_START}{TOML_END}crc32 = "00000000"\n',
        "no version": f"{TOML_START}{TOML_END}",
        "a float for a version": f"crdtctl = 1.0\n{TOML_START}{TOML_END}",
        "a version that is not a number": f"crdtctl = nan\n{TOML_START}{TOML_END}",
        "an infinite version": f"crdtctl = -inf\n{TOML_START}{TOML_END}",
        "a date for a version": f"crdtctl = 2026-03-01\n{TOML_START}{TOML_END}",
        "true for a version": f"crdtctl = true\n{TOML_START}{TOML_END}",
        "a version of 5,000 hexadecimal digits": f"crdtctl = 0x{'f' * 5000}\n{TOML_START}{TOML_END}",
        "a version of 5,000 digits": f"crdtctl = {'1' * 5000}\n{TOML_START}{TOML_END}",
        "a clock of 5,000 hexadecimal digits": f"crdtctl = 1\n{TOML_START}{TOML_END}".replace(
            "ann = 3", f"ann = 0x{'f' * 5000}"
        ),
        "a date in the clock": f"crdtctl = 1\n{TOML_START}{TOML_END}".replace("ann = 3", "ann = 2026-03-01"),
        "counters that are a number": f"crdtctl = 1\n{TOML_START}{TOML_END}".replace("[counters]", "").replace(
            "kind", "counters = 1\nkind"
        ),
        "a key twice": f"crdtctl = 1\ncrdtctl = 1\n{TOML_START}{TOML_END}",
        "a key that is cut": "crdtct",
        "a table that is cut": f"crdtctl = 1\n{TOML_START}[clo",
    }.items()
}
#: Why → document.
REFUSED: dict[str, bytes] = {
    f"{where}: {why}": document
    for where, table in {
        "line": LINES,
        "entry": ROWS,
        "number": NUMBERS,
        "name": NAMES,
        "header": HEADS,
        "forks": FORKS,
        "file": FILES,
        "TOML": TOML,
    }.items()
    for why, document in table.items()
}
