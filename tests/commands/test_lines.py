"""``--lines`` says what a line of a batch is; without it, what may mean two things is refused."""

import random
import string
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdtctl import Replica
from crdtctl.cli.lines import count_line
from crdtctl.errors import UsageError
from tests.conftest import Shell
from tests.support.expect import assert_refused, contents
from tests.support.sh import in_sh


def values(replica: Replica) -> dict[str, int]:
    return {one.name: one.value for one in replica.counters()}


def test_names_takes_a_whole_line_whatever_it_ends_with(shell: Shell, replica: Replica) -> None:
    lines = "/index.html 200\n/index.html 200\n2 x\n404\n-1\n\n  \nplain\r\n"
    shell.ok("increment", "--batch", "-", "--lines", "names", stdin=lines)
    assert values(replica) == {"/index.html 200": 2, "2 x": 1, "404": 1, "-1": 1, "plain": 1}


def test_uniq_takes_what_uniq_prints(shell: Shell, replica: Replica) -> None:
    (shell.directory / "log").write_text("x\nx\n404\n404\n404\n\n\n2 y\n")
    for command in ("sort log | uniq -c", "sort log | uniq -c | sort -rn", "sort log | uniq -c | sed 's/^ *//'"):
        assert in_sh(shell, f"{command} | crdtctl increment --batch - --lines uniq").status == 0
    assert values(replica) == {"x": 6, "404": 9, "2 y": 3}


@pytest.mark.parametrize("form", ["tsv", "auto"])
def test_a_line_with_more_tabs_is_refused_for_them(shell: Shell, replica: Replica, form: str) -> None:
    told = assert_refused(shell("increment", "--batch", "-", "--lines", form, stdin="a\t2\t3\n"), 2)
    assert "line 1 of standard input: not NAME, a tab and AMOUNT: there are more tabs" in told


def test_tsv_takes_an_amount_behind_a_tab_only(shell: Shell, replica: Replica) -> None:
    shell.ok("increment", "--batch", "-", "--lines", "tsv", stdin="a 200\na 200\t3\n2 x\t4\nb\t0\n404\t 12\n")
    assert values(replica) == {"a 200": 4, "2 x": 4, "b": 0, "404": 12}


def test_json_takes_objects_only(shell: Shell, replica: Replica) -> None:
    shell.ok("increment", "--batch", "-", "--lines", "json", stdin='{"name":"2 x"}\n {"name":"a","amount":"+4"}\n')
    assert values(replica) == {"2 x": 1, "a": 4}
    for line in ("plain", '"plain"', "7", "[]", "null"):
        told = assert_refused(shell("increment", "--batch", "-", "--lines", "json", stdin=line), 2)
        assert "not a JSON object" in told


@pytest.mark.parametrize(
    "line", ["2 x", "      2 x", "      1 ", "200 404", "404 Not Found", "404 Not Found 3", " 7 \u00e9"]
)
def test_what_may_be_a_count_and_a_name_is_refused_with_both_ways_to_say_it(
    shell: Shell, replica: Replica, line: str
) -> None:
    before = contents(replica.path)
    told = assert_refused(shell("increment", "--batch", "-", stdin=f"fine\n{line}\n"), 2)
    assert "line 2 of standard input" in told
    assert "--lines uniq" in told
    assert "--lines names" in told
    assert contents(replica.path) == before


def test_a_tab_and_json_leave_no_doubt(shell: Shell, replica: Replica) -> None:
    shell.ok("increment", "--batch", "-", stdin='404\t12\n404 Not Found\t3\n{"name":"2 x","amount":2}\n404\n')
    assert values(replica) == {"404": 13, "404 Not Found": 3, "2 x": 2}


def test_a_pair_is_told_of_the_tab(shell: Shell) -> None:
    told = assert_refused(shell("increment", "--batch", "-", stdin="builds=3\n"), 2)
    assert "a counter's name cannot hold '='" in told
    assert "NAME, a tab, AMOUNT" in told


def test_a_form_that_there_is_not_and_a_form_without_a_batch_are_refused(shell: Shell) -> None:
    assert "names, uniq, tsv, json" in assert_refused(shell("increment", "--batch", "-", "--lines", "csv"), 2)
    assert "--batch" in assert_refused(shell("increment", "builds", "--lines", "names"), 2)
    assert shell("increment", "builds", environment={"CRDTCTL_INCREMENT_LINES": "names"}).status == 0


BLANK = ["\n", "\r\n", " \n", "\t\r\n", "\n\n\n"]


@pytest.mark.parametrize("blank", BLANK, ids=repr)
def test_blank_lines_ask_for_nothing_anywhere(shell: Shell, replica: Replica, blank: str) -> None:
    lines = f"{blank}page.home\n{blank}page.about 3\n{blank}"
    shell.ok("increment", "--batch", "-", stdin=lines)
    shell.ok("decrement", "--batch", "-", stdin=lines)
    shell.ok("add", "pages", "--batch", "-", stdin=lines)
    shell.ok("add", "sketched", "--type", "hll", "--batch", "-", stdin=lines)
    assert values(replica) == {"page.home": 0, "page.about": 0, "pages": 2, "sketched": 2}
    before = contents(replica.path)
    shell.ok("increment", "--batch", "-", stdin=blank)
    assert contents(replica.path) == before


TEXT = 'caf\u00e9 5\r\nplain\r\n{"name":"j\u00f6"}\r\n\r\nplain 2'


@pytest.mark.parametrize("coding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("way", ["-", "batch.txt"])
def test_a_byte_order_mark_says_how_a_batch_is_written(shell: Shell, replica: Replica, coding: str, way: str) -> None:
    mark = "\ufeff" if coding.startswith("utf-16-") else ""
    data = (mark + TEXT).encode(coding)
    (shell.directory / "batch.txt").write_bytes(data)
    shell.ok("increment", "--batch", way, stdin=data)
    shell.ok("add", "seen", "--batch", way, stdin=data)
    shell.ok("add", "sketched", "--type", "hll", "--batch", way, stdin=data)
    assert values(replica) == {"caf\u00e9": 5, "plain": 3, "j\u00f6": 1, "seen": 4, "sketched": 4}


def test_half_a_character_of_utf_16_is_a_wrong_line(shell: Shell) -> None:
    data = "\ufeffa\nb".encode("utf-16-le")[:-1]
    assert "line 2 of" in assert_refused(shell("increment", "--batch", "-", stdin=data), 2)


def oracle(line: str) -> tuple[str, int] | None:
    """Return what a line of plain words asks for in the simplest terms; None if it is refused."""
    words = line.split(" ")
    if "\t" in line:
        *parts, last = line.split("\t")
        name, number = "\t".join(parts), last.strip(" \t\r\n")
    elif len(words) > 1 and words[-1][:1] in tuple("+-0123456789"):
        name, number = " ".join(words[:-1]), words[-1]
    else:
        name, number = line, "1"
    stripped = line.lstrip(" \t")
    first = stripped.split(" ")[0]
    if "\t" not in line and " " in stripped and first and set(first) <= set(string.digits):
        return None
    number = number.removeprefix("+")
    if not number or not set(number) <= set(string.digits):
        return None
    if not name or name != name.strip() or set(name) & set("={}\t"):
        return None
    return name, int(number)


@given(st.text(st.sampled_from("ab 12+-=\t"), min_size=1, max_size=8).filter(lambda line: line.strip() != ""))
def test_a_line_asks_for_what_a_simple_reader_reads(line: str) -> None:
    try:
        found = count_line("increment", None)(line)
    except UsageError:
        assert oracle(line) is None
        return
    assert found is not None
    assert oracle(line) == (found.name, found.operation.amount)


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=12), st.integers(0, 10**100 - 1))
def test_names_uniq_and_tsv_read_a_name_alike(name: str, amount: int) -> None:
    readings = []
    for form, line in (("names", name), ("uniq", f"{amount:7} {name}"), ("tsv", f"{name}\t{amount}")):
        try:
            found = count_line("increment", None, form)(line)
            readings.append(None if found is None else found.name)
        except UsageError:
            readings.append(None)
    assert readings[1:] == [readings[0]] * 2


def test_a_batch_of_ten_thousand_lines_in_uniq_form_comes_to_its_log(shell: Shell, replica: Replica) -> None:
    log = random.Random(3).choices([f"/page {number}" for number in range(50)], k=10_000)
    counts = "".join(f"{count:7} {name}\n" for name, count in Counter(log).items())
    shell.ok("increment", "--batch", "-", "--lines", "uniq", stdin=counts)
    assert values(replica) == Counter(log)
