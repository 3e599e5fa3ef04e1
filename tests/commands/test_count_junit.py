"""``crdtctl count junit`` counts what real writers of JUnit XML and TAP write, and refuses files that could harm."""

import json
from pathlib import Path

import pytest

from crdtctl import Replica
from crdtctl.cli.outcomes import seconds
from tests.conftest import Shell
from tests.support.expect import assert_refused, contents

PYTEST = """<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests">
<testsuite name="pytest" errors="1" failures="1" skipped="1" tests="4" time="1.5" hostname="ci">
<testcase classname="tests.test_a" name="test_one" time="0.250" />
<testcase classname="tests.test_a" name="test_two[&lt;x&gt;]" time="0.5">
<failure message="assert 0">E &amp;</failure></testcase>
<testcase classname="tests.test_a" name="test_three" time="0"><skipped type="pytest.skip" message="no" /></testcase>
<testcase classname="" name="tests.test_b" time="0.000"><error message="collection failure">x</error></testcase>
</testsuite></testsuites>"""
JEST = """<testsuites name="jest tests" tests="2" failures="0" time="2">
<testsuite name="math" tests="1"><testcase classname="math adds" name="math adds" time="0.003"></testcase></testsuite>
<testsuite name="text"><testcase classname="text trims" name="text trims"/></testsuite></testsuites>"""
GO = """<testsuites tests="2" failures="1"><testsuite name="example.org/pkg" tests="2"><properties>
<property name="go.version" value="go1.22"></property></properties>
<testcase classname="pkg" name="TestA" time="0.060"></testcase>
<testcase classname="pkg" name="TestB" time="1.100"><failure message="Failed" type=""><![CDATA[<failure/>]]></failure>
</testcase></testsuite></testsuites>"""
SUREFIRE = """<testsuite name="org.A" time="1,234.5" tests="2"><testcase name="again" classname="org.A" time="1,234.5">
<flakyFailure message="x" type="y"><stackTrace>z</stackTrace></flakyFailure></testcase>
<testcase name="never" classname="org.A" time="0.1"><failure/><rerunFailure/><rerunFailure/></testcase></testsuite>"""
GRADLE = """<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="org.example.AppTest" tests="3" skipped="1" failures="1" errors="0" hostname="ci" time="0.021">
<properties/><testcase name="adds()" classname="org.example.AppTest" time="0.014"/>
<testcase name="fails()" classname="org.example.AppTest" time="0.007">
<failure message="expected: &lt;1&gt; but was: &lt;2&gt;" type="org.opentest4j.AssertionFailedError">at x</failure>
</testcase>
<testcase name="later()" classname="org.example.AppTest" time="0.0"><skipped/></testcase>
<system-out><![CDATA[<testcase name="printed"/>]]></system-out>
<system-err><![CDATA[]]></system-err></testsuite>"""
NESTED = """<testsuites><testsuite name="outer"><testsuite name="inner"><testcase name="a"/></testsuite>
<testcase name="b"><system-out>&#x1F600;</system-out></testcase></testsuite></testsuites>"""
TAP = """TAP version 14
1..5
# Subtest: files
    ok 1 - opens
    not ok 2 - closes
      ---
      not ok: this is YAML
      ...
    1..2
not ok 1 - files
ok 2 - fast # SKIP no clock
not ok 3 - later # TODO write it
ok 4
"""


@pytest.fixture
def here(shell: Shell) -> Shell:
    shell.ok("init", "--name", "here")
    return shell


def counted(here: Shell, **texts: str) -> dict[str, int]:
    for name, text in texts.items():
        (here.directory / name).write_text(text)
    here.ok("count", "junit", *texts)
    return values(here)


def values(here: Shell) -> dict[str, int]:
    """Return spelling without 'tests.' → value, of what is not 0, beside the times."""
    rows = [line.split("\t") for line in here.ok("show", "--series", "--format", "tsv").splitlines()]
    return {name.removeprefix("tests."): int(value) for name, kind, value in rows if kind != "hist" and value != "0"}


CASES = {
    "pytest": (PYTEST, {"runs": 4, "failures": 1, "skipped": 1, "errors": 1}, "pytest"),
    "go": (GO, {"runs": 2, "failures": 1}, "example.org/pkg"),
    "gradle": (GRADLE, {"runs": 3, "failures": 1, "skipped": 1}, "org.example.AppTest"),
    "surefire": (SUREFIRE, {"runs": 2, "failures": 1, "flaky": 1}, "org.A"),
}


@pytest.mark.parametrize("writer", CASES)
def test_results_of_a_writer_are_counted_under_its_suite(here: Shell, writer: str) -> None:
    text, expected, suite = CASES[writer]
    assert counted(here, report=text) == {f'{name}{{suite="{suite}"}}': count for name, count in expected.items()}


def test_several_files_are_one_commit_and_suites_stay_apart(here: Shell) -> None:
    found = counted(here, jest=JEST, nested=NESTED)
    assert found == {f'runs{{suite="{suite}"}}': 1 for suite in ("math", "text", "outer", "inner")}
    with Replica(here.directory / ".crdtctl").snapshot() as now:
        assert list(now.clock().values()) == [1]


def test_tap_with_a_subtest_counts_its_tests_and_what_did_not_run(here: Shell) -> None:
    assert counted(here, report=TAP) == {
        'runs{suite="files"}': 2,
        'failures{suite="files"}': 1,
        "runs": 4,
        "skipped": 2,
        "errors": 1,
    }


def test_tap_that_bails_out_has_an_error(here: Shell) -> None:
    assert counted(here, report="ok 1 - a\nBail out! no disk\nok 2 - b\n") == {"runs": 2, "errors": 1}


def test_times_are_a_distribution(here: Shell) -> None:
    counted(here, report=SUREFIRE)
    (row,) = json.loads(here.ok("show", "tests.seconds", "--format", "json"))["counters"]
    assert (row["count"], row["sum"]) == (2, 1234.6)


def test_repeated_job_counts_once(here: Shell) -> None:
    (here.directory / "report.xml").write_text(PYTEST)
    words = ("count", "junit", "report.xml", "--by", "test", "--label", "os=linux", "--once", "run-1/1/tests")
    here.ok(*words)
    before = contents(here.directory)
    here.ok(*words)
    assert contents(here.directory) == before
    assert here.ok("show", "tests.runs") == "4\n"
    assert here.ok("show", 'tests.failures{os="linux",suite="pytest",test="tests.test_a.test_two[<x>]"}') == "1\n"


def test_key_that_was_used_for_other_results_is_refused(here: Shell) -> None:
    (here.directory / "a").write_text(GO)
    (here.directory / "b").write_text(
        GO.replace("<failure message", "<skipped message").replace("/failure>", "/skipped>")
    )
    here.ok("count", "junit", "a", "--once", "job")
    assert_refused(here("count", "junit", "b", "--once", "job"), 4)


BOMB = '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><testsuite name="&b;"/>'
EXTERNAL = '<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]><testsuite name="x">&a;</testsuite>'
BAD = {
    "a bomb of entities": BOMB.encode(),
    "an external entity": EXTERNAL.encode(),
    "great depth": b"<testsuite>" * 1000 + b"</testsuite>" * 1000,
    "a broken encoding": b'<?xml version="1.0" encoding="utf-8"?><testsuite name="\xff"/>',
    "an unknown encoding": b'<?xml version="1.0" encoding="no-such"?><testsuite/>',
    "an encoding of several bytes": b'<?xml version="1.0" encoding="shift_jis"?><testsuite/>',
    "an endless tag": b'<testsuite name="' + b"a" * 2_000_000 + b'"/>',
    "a file cut off": PYTEST[:-20].encode(),
    "another root": b"<html><testcase name='a'/></html>",
    "a suite that lists none of its tests": b'<testsuites><testsuite tests="3" failures="1"/></testsuites>',
    "no results": b"hello\n",
    "nothing": b"",
    "an endless line": b"ok" * 2_000_000,
    "an endless plan": b"1..999999999\n",
    "an endless indent": b" " * 500 + b"ok 1\n",
}


def test_suite_without_tests_counts_nothing(here: Shell) -> None:
    (here.directory / "empty").write_text('<testsuites tests="0"><testsuite tests="00" name="x"/></testsuites>')
    before = contents(here.directory)
    here.ok("count", "junit", "empty")
    assert contents(here.directory) == before


@pytest.mark.parametrize("kind", BAD)
def test_bad_file_is_refused_and_nothing_is_counted(here: Shell, kind: str) -> None:
    (here.directory / "good").write_text(GO)
    (here.directory / "bad").write_bytes(BAD[kind])
    before = contents(here.directory)
    assert "bad: " in assert_refused(here("count", "junit", "good", "bad"), 65)
    assert contents(here.directory) == before


def test_long_text_in_one_element_is_no_long_tag(here: Shell) -> None:
    text = PYTEST.replace("E &amp;", "<![CDATA[" + "x" * 5_000_000 + "]]>" + "y" * 5_000_000)
    assert counted(here, report=text)['runs{suite="pytest"}'] == 4


def test_names_of_strangers_become_labels_of_bounded_size(here: Shell) -> None:
    long = "n" * 50_000
    text = f'<testsuite name="a&#9;&quot;{{b}}"><testcase name="{long}1"/><testcase name="{long}2"/></testsuite>'
    (here.directory / "report").write_text(text)
    here.ok("count", "junit", "report", "--by", "test", "--once", "job")
    assert len(values(here)) == 2
    assert here.ok("show", "tests.runs") == "2\n"


def test_too_many_series_are_refused(here: Shell, tmp_path: Path) -> None:
    report = tmp_path / "many.xml"
    report.write_text("<testsuite>" + "".join([f'<testcase name="t{n}"/>' for n in range(10_001)]) + "</testsuite>")
    assert "--by suite" in assert_refused(here("count", "junit", str(report), "--by", "test"), 4)
    here.ok("count", "junit", str(report))
    assert here.ok("show", "tests.runs") == "10001\n"


def test_label_that_the_results_have_is_refused(here: Shell) -> None:
    (here.directory / "report").write_text(JEST)
    assert_refused(here("count", "junit", "report", "--label", "suite=x"), 2)
    here.ok("count", "junit", "report", "--label", "suite=x", "--by", "none")


def test_wrong_words_are_refused(here: Shell) -> None:
    (here.directory / "report").write_text(JEST)
    assert_refused(here("count"), 2)
    assert_refused(here("count", "junit", "report", "--by", "class"), 2)
    assert_refused(here("count", "junit", "-", "-"), 2)
    assert_refused(here("count", "junit", "missing"), 66)


@pytest.mark.parametrize(
    ("typed", "read"),
    [("", None), ("x", None), ("-1", None), ("inf", None), ("1e-05", "0.00001"), ("9" * 50, None), ("10", "10")],
)
def test_time_is_read_as_writers_write_it(typed: str, read: str | None) -> None:
    assert seconds(typed) == read


def test_faults_of_suites_and_tests_that_did_not_run_are_counted(shell: Shell, replica: Replica) -> None:
    (shell.directory / "j.xml").write_text(
        '<testsuite name=" s "><testcase classname=" a" name=" a 1"/><error message="x"/>'
        '<testcase name="z" status="notrun"/></testsuite>'
    )
    shell.ok("count", "junit", "j.xml", "--by", "test")
    found = {name: int(shell.ok("show", f"tests.{name}")) for name in ("runs", "errors", "skipped", "failures")}
    assert found == {"runs": 3, "errors": 1, "skipped": 1, "failures": 0}


def test_lines_of_tap_with_times_numbers_and_hashes(shell: Shell, replica: Replica) -> None:
    lines = "not ok 1 - handles C# todo items\nok 2 - b # time=0.7ms\nok 3\nok 4 - d # SKIP later\n1..4\n"
    shell.ok("count", "junit", "-", "--by", "test", stdin=lines)
    assert [shell.ok("show", f"tests.{name}") for name in ("failures", "skipped")] == ["1\n", "1\n"]
    named = shell.ok("show", "tests.runs", "--by", "test", "--format", "csv")
    assert "handles C# todo items" in named
    assert "time=" not in named
