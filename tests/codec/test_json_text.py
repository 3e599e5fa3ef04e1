"""JSON is read and written alike in the light way and by msgspec: the same data, bytes, and refusals."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crdtctl import json_text
from crdtctl.codec.clock import decode_clock
from crdtctl.codec.header import Head
from crdtctl.codec.invalid import Invalid
from crdtctl.crdt.counter import Counter
from tests.codec.files import read, read_canonical, read_other, written
from tests.codec.refused import REFUSED, SOUND
from tests.codec.states import states

GOLDEN = sorted(path for path in (Path(__file__).parent / "golden").rglob("*") if path.is_file())
MUCH = 2**40
TEXTS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('"\\/\x00\x1f\x7f\u2028😀é'), max_size=8)
DATA = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)
#: Pieces of JSON, right and wrong.
PIECES = st.sampled_from(
    [
        *(
            '{"a":1}',
            '{"a":1,"a":2}',
            "[",
            "]",
            "{",
            "}",
            '"',
            ",",
            ":",
            '"a"',
            "1",
            "-1",
            "-0",
            "01",
            "1.0",
            "1e5",
            "1E400",
        ),
        *("NaN", "Infinity", "-Infinity", "true", "false", "null", "nul", '"\\ud800"', '"\\ud83d\\ude00"', '"\\u0041"'),
        *(
            '"\\n"',
            '"\\/"',
            '"\\x"',
            '"\t"',
            "\ufeff",
            " ",
            "\n",
            "\x0b",
            "\xa0",
            "//",
            "9007199254740993",
            "9" * 30,
            "'a'",
        ),
        *("[" * 2000, '{"a":' * 2000, '{"a":[1,2]}', '"é"', "\x00", "1" * 16, "1" * 17, "1_0", "+1", ".5", "５"),
    ]
)


@pytest.fixture(autouse=True)
def _either_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_text, "_left", json_text._left)  # put back, as the process needs it


def both(ask: Callable[[], object]) -> list[object]:
    """Return what is found in the light way and by msgspec: a result, or the words of an error."""
    found: list[object] = []
    for little in (MUCH, 0):
        json_text.use(little)
        try:
            found.append(ask())
        except (ValueError, Invalid) as error:
            found.append((type(error), str(error)))
    return found


def types(value: Any) -> object:
    """Return data with its types and the order of its keys."""
    if isinstance(value, dict):
        return [(key, types(each)) for key, each in value.items()]
    return [types(each) for each in value] if isinstance(value, list) else (type(value), value)


@given(data=DATA, ordered=st.booleans())
def test_data_is_written_alike_and_read_back(data: Any, ordered: bool) -> None:
    light, heavy = both(lambda: json_text.encode(data, ordered=ordered))
    assert light == heavy == msgspec.json.encode(data, order="sorted" if ordered else None)
    assert isinstance(light, bytes)
    first, second = both(lambda: types(json_text.decode(light)))
    assert first == second
    if not ordered:
        assert first == types(data)


@given(st.dictionaries(TEXTS, st.floats(allow_nan=False, allow_infinity=False) | st.integers(0, 9), max_size=3))
def test_an_object_with_numbers_that_are_not_whole_is_written_alike(data: dict[str, float]) -> None:
    light, heavy = both(lambda: json_text.encode(data))
    assert light == heavy == msgspec.json.encode(data)


@given(st.lists(PIECES, max_size=6).map("".join) | st.text())
@example("[" * 100_000 + "]" * 100_000)
@example('{"a":1}\n \t\r')
@example('{"a":1} \x0b')
def test_a_text_is_read_alike_or_refused_with_the_same_words(text: str) -> None:
    data = text.encode("utf-8", "surrogatepass")
    light, heavy = both(lambda: types(json_text.decode(data)))
    assert light == heavy


@given(st.binary(max_size=12) | st.binary(max_size=3).map(lambda noise: b'{"a' + noise + b'":1}'))
def test_bytes_that_are_not_utf8_are_refused_alike(data: bytes) -> None:
    light, heavy = both(lambda: types(json_text.decode(data)))
    assert light == heavy


@given(states(max_size=8))
def test_a_state_is_written_and_read_alike(state: tuple[Head, dict[str, Counter]]) -> None:
    light, heavy = both(lambda: written(*state))
    assert light == heavy
    assert isinstance(light, bytes)
    first, second = both(lambda: read_canonical(light))
    assert first == second == state


@pytest.mark.parametrize("document", REFUSED.values(), ids=REFUSED)
def test_a_document_that_is_no_state_is_refused_alike(document: bytes) -> None:
    for reader in (read_canonical, read_other, read):
        light, heavy = both(lambda reader=reader: reader(document))  # type: ignore[misc]
        assert light == heavy
        assert isinstance(light, tuple)
        assert light[0] is Invalid


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.name)
def test_a_golden_file_is_read_alike(path: Path) -> None:
    light, heavy = both(lambda: read(path.read_bytes()))
    assert light == heavy


@given(st.integers(0, len(SOUND)), st.binary(max_size=3), st.integers(0, 3))
def test_a_damaged_document_is_read_or_refused_alike(at: int, noise: bytes, cut: int) -> None:
    data = SOUND[:at] + noise + SOUND[at + cut :]
    light, heavy = both(lambda: read(data))
    assert light == heavy


@given(st.dictionaries(TEXTS, st.integers(-1, 2**53) | st.booleans() | TEXTS, max_size=3), PIECES)
def test_a_clock_is_read_alike(clock: dict[str, object], more: str) -> None:
    for text in (msgspec.json.encode(clock).decode(), msgspec.json.encode(clock).decode() + more, more):
        light, heavy = both(lambda text=text: decode_clock(text))  # type: ignore[misc]
        assert light == heavy


def test_msgspec_is_imported_for_much_only() -> None:
    code = (
        "import sys\nfrom crdtctl import json_text\n"
        "text = json_text.encode({'a': [1] * 1000})\nassert json_text.decode(text) == {'a': [1] * 1000}\n"
        "assert 'msgspec' not in sys.modules\n"
        "for _ in range(json_text.LITTLE // len(text)): json_text.decode(text)\n"
        "assert 'msgspec' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-S", "-c", f"import sys; sys.path[:] = {sys.path!r}\n{code}"], check=True)


def test_a_python_without_its_own_scanner_reads_and_writes_too() -> None:
    code = (
        "import sys; sys.modules['_json'] = None\nfrom crdtctl import json_text\n"
        "assert json_text.decode(json_text.encode({'b': 1, 'a': 'é'}, ordered=True)) == {'a': 'é', 'b': 1}\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("text", ['{"a":1', '{"a" 1}', '"a\nb"', "[1,", '{"a":nul}', "", '"\\x"'])
def test_faulty_text_is_refused_by_a_process_without_json(text: str) -> None:
    code = (
        "import sys; from crdtctl import json_text; assert 'json' not in sys.modules\n"
        "try: json_text.decode(sys.argv[1].encode())\n"
        "except ValueError: print('refused')"
    )
    done = subprocess.run([sys.executable, "-c", code, text], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("refused\n", "")
