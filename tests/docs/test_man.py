"""Man pages: one for each command and topic, which man and mandoc read without a complaint."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from crdtctl.cli.verbs import VERBS
from crdtctl.help import man, topics


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("man")
    man.write(directory)
    return directory


def needed(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"there is no {program}")
    return found


def test_each_command_and_each_topic_has_a_page(pages: Path) -> None:
    assert {path.name for path in pages.glob("man7/*")} == {f"crdtctl-{name}.7" for name in topics.NAMES}
    commands = {path.name for path in pages.glob("man1/*")}
    assert commands >= {"crdtctl.1", *(f"crdtctl-{verb}.1" for verb in VERBS)}
    assert "crdtctl-remote-add.1" in commands


def test_mandoc_has_no_complaint(pages: Path) -> None:
    done = subprocess.run([needed("mandoc"), "-Tlint", *pages.glob("*/*")], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


@pytest.mark.parametrize("section", [1, 7])
def test_man_has_no_warning(pages: Path, section: int) -> None:
    found = sorted(pages.glob(f"man{section}/*"))
    done = subprocess.run(
        [needed("man"), "--warnings", "--local-file", "-Tutf8", *found],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "80", "PAGER": "cat", "MANPAGER": "cat"},
    )
    assert (done.stderr, done.returncode) == ("", 0)
    assert len(re.findall(r"^NAME$", re.sub(r".\x08", "", done.stdout), re.MULTILINE)) == len(found)


def test_page_of_a_command_has_its_options_and_exit_statuses(pages: Path) -> None:
    page = (pages / "man1" / "crdtctl-show.1").read_text()
    for words in (
        '.SH "SYNOPSIS"',
        r"\fB\-\-by\-replica\fR",
        '.SH "EXAMPLES"',
        '.SH "EXIT STATUS"',
        "CRDTCTL_SHOW_MIN",
    ):
        assert words in page


def test_page_of_the_program_lists_commands_and_topics(pages: Path) -> None:
    page = (pages / "man1" / "crdtctl.1").read_text()
    for name in VERBS:
        assert f"\\fB{name}\\fR" in page
    for name in topics.NAMES:
        assert f"crdtctl\\-{man.escaped(name)}\\fR(7)" in page


def test_pages_of_a_command_and_of_its_topic_name_each_other(pages: Path) -> None:
    assert r"\fBcrdtctl\-jobs\fR(7)" in (pages / "man1" / "crdtctl-absorb.1").read_text()
    assert r"\fBcrdtctl\-absorb\fR(1)" in (pages / "man7" / "crdtctl-jobs.7").read_text()
    assert r"\fBcrdtctl\-reset\fR(7)" in (pages / "man1" / "crdtctl-reset.1").read_text()
    assert r"\fBcrdtctl\-reset\fR(1)" in (pages / "man7" / "crdtctl-reset.7").read_text()


def test_lines_that_begin_like_requests_of_roff_are_text(pages: Path) -> None:
    """A line of an example may begin with a period or a quote."""
    page = (pages / "man7" / "crdtctl-files.7").read_text()
    assert "\n\\&.crdtctl/\n" in page


def test_date_is_the_one_of_the_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert " 7 1970-01-02 " in man.page_of_topic("gset")
