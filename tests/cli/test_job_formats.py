"""What CI systems show, as they would read it: tables, variables of steps, badges and metrics with hostile names."""

import html
import json
import re
import shlex
from collections.abc import Mapping, Sequence
from xml.etree import ElementTree as ET

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crdtctl.cli import badges, markdown, step_outputs
from crdtctl.errors import PartialError, RefusedError

HOSTILE = (
    "a|b",
    "`",
    "`` ` ``",
    "<script>alert(1)</script>",
    "<!-- ",
    "&lt;",
    "[x](https://example.org)",
    "![x](y)",
    "@team",
    "#1",
    "**b**",
    "\\",
    "a\\|b",
    "\\`",
    "::error::x",
    "##[error]x",
    "a\nb",
    " a ",
    "]]>",
    "{{ x }}",
    "日本",
)
TEXTS = st.sampled_from(HOSTILE) | st.text(st.sampled_from("ab|`\\<>&#[]*_~!:@-\" '\n"), min_size=1, max_size=12)
PRINTABLE = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=20) | (
    st.sampled_from([one for one in HOSTILE if one.isprintable()])
)
_CELL = re.compile(r"<td[^>]*>(.*?)</td>", re.DOTALL)


def rendered(lines: Sequence[str]) -> list[list[str]]:
    """Return the cells of the rows of a table as HTML, as a renderer of Markdown makes it."""
    package = pytest.importorskip("markdown_it", reason="no renderer of Markdown is installed: markdown-it-py")
    page = package.MarkdownIt("commonmark").enable("table").render("\n".join(lines))
    return [_CELL.findall(row) for row in page.split("<tr>")[2:]]


@given(st.lists(st.tuples(TEXTS, st.integers()), max_size=4))
@example([(text, 1) for text in HOSTILE])
def test_table_shows_every_name_as_it_is_and_as_code(rows: list[tuple[str, int]]) -> None:
    found = rendered([*markdown.table(["name", "value"], rows, ["name"])])
    assert len(found) == len(rows)
    for (name, value), (shown, number) in zip(rows, found, strict=True):
        code = re.fullmatch("<code>(.*)</code>", shown, re.DOTALL)
        assert code is not None
        assert "<" not in code[1]
        assert html.unescape(code[1]) == name
        assert number == str(value)


@given(TEXTS)
def test_table_is_no_command_to_a_runner(name: str) -> None:
    for line in markdown.table([name, "value"], [[name, 1]]):
        assert line.startswith("|")
        assert "##[" not in line
        assert "\n" not in line


def test_limited_lines_say_how_many_are_left_out_and_stay_below_the_limit() -> None:
    lines = ["x" * 9] * 100
    assert [*markdown.limited(lines, 2000, "{} more")] == lines
    cut = [*markdown.limited(lines, 500, "{} more")]
    kept = cut.index("")
    assert cut[kept + 1 :] == [f"{100 - kept} more"]
    assert 300 < sum(len(line) + 1 for line in cut) <= 500


def read_outputs(text: str) -> dict[str, str]:
    """Read a file of outputs as the runner of GitHub Actions does."""
    lines, found = iter(text.splitlines()), {}
    for line in lines:
        name, is_block, delimiter = line.partition("<<")
        if is_block and "=" not in name:
            values = []
            while (value := next(lines)) != delimiter:
                values.append(value)
            found[name] = "\n".join(values)
        else:
            name, _, found[name] = line.partition("=")
    return found


@given(st.dictionaries(PRINTABLE, st.lists(PRINTABLE, min_size=1, max_size=3), max_size=5))
@example({"a": ["x", "b<<EOF", "EOF"], "b c": ["1"], "9": ["a=b"]})
@example({text: ["1"] for text in HOSTILE})
def test_outputs_are_read_back_and_none_injects_another(values: dict[str, list[str]]) -> None:
    found, clashing = step_outputs.variables([(text, value) for text in values for value in values[text]])
    assert sorted([*found.values(), *(values[one] for one in clashing)]) == sorted(values.values())
    text = "".join(f"{line}\n" for line in step_outputs.github(found, "end_0123"))
    assert read_outputs(text) == {name: "\n".join(several) for name, several in found.items()}
    for name in found:
        assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name)
    if clashing:
        assert isinstance(step_outputs.left_out(clashing), PartialError)


@pytest.mark.parametrize(
    ("values", "count"), [({"a": ["1", "2"]}, 1), ({f"v{n}": ["1234567890"] for n in range(400)}, 400)]
)
def test_dotenv_that_gitlab_would_refuse_is_refused(values: Mapping[str, Sequence[str]], count: int) -> None:
    assert len(values) == count
    with pytest.raises(RefusedError):
        list(step_outputs.dotenv(values))
    assert [*step_outputs.dotenv({"a": ["1"]})] == ["a=1"]


def test_outputs_beyond_the_limit_of_a_job_are_refused() -> None:
    with pytest.raises(RefusedError, match="1 MiB"):
        list(step_outputs.github({"a": ["x" * 2**19]}, "end"))


@given(PRINTABLE | TEXTS, PRINTABLE | TEXTS, st.sampled_from([True, False, None]))
def test_badge_is_xml_with_the_texts_alone(label: str, message: str, is_good: bool | None) -> None:
    badge = badges.Badge(label, message, is_good)
    tree = ET.fromstring(badges.svg(badge))
    space = "{http://www.w3.org/2000/svg}"
    assert {one.tag.removeprefix(space) for one in tree.iter()} == {"svg", "title", "clipPath", "rect", "g", "text"}
    clean = [text.replace("\n", "\N{REPLACEMENT CHARACTER}") for text in (label, message)]
    assert [one.text for one in tree.iter(f"{space}text")] == clean
    assert tree.get("aria-label") == ": ".join(clean)
    assert badges.endpoint(badge).items() >= {"schemaVersion": 1, "label": clean[0], "message": clean[1]}.items()


def test_long_texts_of_a_badge_are_cut() -> None:
    answer = badges.endpoint(badges.Badge("x" * 5000, "1", None))
    assert len(str(answer["label"])) == badges.MAX_TEXT
    assert len(badges.svg(badges.Badge("x" * 5000, "1", None))) < 2000


def test_colours_are_those_of_the_bounds() -> None:
    answers = [badges.endpoint(badges.Badge("x", "1", is_good))["color"] for is_good in (True, False, None)]
    assert answers == ["brightgreen", "red", "blue"]
    assert len({badges.svg(badges.Badge("x", "1", is_good)) for is_good in (True, False, None)}) == 3


@pytest.mark.parametrize("word", [json.dumps("x"), "a b"])
def test_words_of_gitlab_are_those_of_a_shell(word: str) -> None:
    assert shlex.split(f"x{{os={json.dumps(word)}}} 1")[1] == "1"
