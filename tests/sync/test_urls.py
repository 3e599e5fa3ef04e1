"""URLs and paths of remotes that cannot be stored or shown."""

import os

import pytest

from crdtctl.errors import UsageError
from crdtctl.sync.schemes import check
from tests.conftest import Shell


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("", "the path of a remote is empty"),
        (" ", "the path of a remote is empty"),
        (os.fsdecode(b"./sh\xfe"), r"the path of a remote contains bytes that are not UTF-8: '\./sh\\udcfe'; .*ln -s"),
        ("./a\nb", r"the path of a remote contains a line break.*'\./a\\nb'; use a symbolic link"),
        ("./a\u202eb", r"another unprintable character: '\./a\\u202eb'"),
        ("./a ", "the path of a remote begins or ends with a space: './a '"),
        ("/" + "x" * 2000, "the path of a remote has 2001 characters; the maximum is 2000"),
        ("https://ann:hunter2@example.org/a\nb", "the URL of a remote contains a line break"),
        ("ssh://example.org/a ", "the URL of a remote begins or ends with a space"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_the_reason(url: str, told: str) -> None:
    with pytest.raises(UsageError, match=told) as raised:
        check(url)
    assert str(raised.value).isprintable()
    assert "hunter2" not in str(raised.value)


def test_a_link_to_a_folder_with_a_strange_name_will_do(shell: Shell) -> None:
    strange = shell.directory / os.fsdecode(b"sh\xfe\nb")
    strange.mkdir()
    (shell.directory / "link").symlink_to(strange.name)
    shell.ok("init")
    shell.ok("increment", "hits")
    ended = shell("sync", f"./{strange.name}")
    assert (ended.status, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert "not UTF-8" in ended.stderr
    shell.ok("sync", "./link")
    assert len(list(strange.iterdir())) == 1
