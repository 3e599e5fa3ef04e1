"""Regular expressions are compiled at their first use, and are then those of `re`."""

import re
import subprocess
import sys

from crdtctl import patterns


def test_a_pattern_has_the_methods_of_re() -> None:
    word = patterns.compile(r"([a-z]+)", re.IGNORECASE)
    assert word.fullmatch("Builds")[1] == "Builds"
    assert word.match("a1").end() == 1
    assert word.search("1b")[0] == "b"
    assert word.sub("x", "a b") == "x x"
    assert word.split("1a2") == ["1", "a", "2"]
    assert [found[0] for found in word.finditer("a b")] == word.findall("a b") == ["a", "b"]
    assert word.pattern == r"([a-z]+)"
    assert patterns.compile(rb"\s").search(b"a b")
    assert patterns.match("a", "ab")
    for flag in ("IGNORECASE", "MULTILINE", "DOTALL", "ASCII"):
        assert getattr(patterns, flag) == getattr(re, flag)


def test_re_is_imported_at_the_first_use() -> None:
    code = (
        "import sys; from crdtctl import patterns; one = patterns.compile('a'); assert 're' not in sys.modules;"
        "assert one.match('a'); assert 're' in sys.modules"
    )
    subprocess.run([sys.executable, "-S", "-c", f"import sys; sys.path += {sys.path!r}; {code}"], check=True)
