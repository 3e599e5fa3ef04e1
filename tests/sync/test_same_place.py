"""Spellings of one place, and of other places."""

from pathlib import Path

import pytest

from crdtctl.sync.same_place import is_same_place
from crdtctl.sync.schemes import check

SAME = [
    ("http://example.org/counts", "HTTP://EXAMPLE.org:80//counts/"),
    ("https://example.org/counts", "https://example.org:443/%63ounts"),
    ("http://localhost:8080/p", "http://127.0.0.1:8080/p"),
    ("ssh://hub/srv/counts", "ssh://hub:22/srv//counts/"),
    ("git+ssh://git@example.org/a", "git+ssh://git@EXAMPLE.org/a/"),
    ("exec:/usr/bin/x y", "exec: /usr/bin/x  y"),
    ("rclone:office:counts", "rclone:office:counts/"),
    ("s3://bucket/counts", "s3://bucket/counts/"),
]
OTHER = [
    ("http://example.org/counts", "https://example.org/counts"),
    ("http://example.org/counts", "http://example.org:8080/counts"),
    ("ssh://a@hub/srv/counts", "ssh://b@hub/srv/counts"),
    ("s3://bucket/counts", "s3://bucket/Counts"),
    ("s3://bucket/counts", "gs://bucket/counts"),
    ("git+https://example.org/a#one", "git+https://example.org/a#two"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_spellings_of_one_place_are_the_same(one: str, other: str) -> None:
    assert is_same_place(check(one), check(other))
    assert is_same_place(check(other), check(one))


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_other_places_are_others(one: str, other: str) -> None:
    assert not is_same_place(check(one), check(other))


def test_paths_are_compared_without_links(tmp_path: Path) -> None:
    (tmp_path / "hub").mkdir()
    (tmp_path / "link").symlink_to("hub")
    for other in (f"{tmp_path}/link", f"file://{tmp_path}/hub/", f"git+file://{tmp_path}/link"):
        assert is_same_place(check(f"{tmp_path}/hub"), check(other))
    assert not is_same_place(check(f"{tmp_path}/hub"), check(f"{tmp_path}/hub#branch"))
