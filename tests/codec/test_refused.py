"""Documents that are no states are refused, by every reader, with one printable line that says why."""

from collections.abc import Callable

import pytest

from crdtctl import json_text
from crdtctl.codec import other_layouts
from crdtctl.codec.invalid import Invalid
from crdtctl.codec.layout import InMemory
from crdtctl.codec.reader import Source
from tests.codec.files import decoded, file_with, opened, read, read_canonical, read_other
from tests.codec.refused import HEAD, REFUSED, SOUND, A, B

READERS = {"canonical": read_canonical, "any layout": read_other, "either": read}


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
@pytest.mark.parametrize("document", REFUSED.values(), ids=REFUSED)
def test_what_is_no_state_is_refused(document: bytes, reader: Callable[[bytes], object]) -> None:
    with pytest.raises(Invalid) as caught:
        reader(document)
    assert caught.value.message
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 500


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_the_document_that_the_refused_ones_are_made_of_is_sound(reader: Callable[[bytes], object]) -> None:
    assert reader(SOUND) == reader(file_with(HEAD, A, B))


def test_a_file_that_this_program_wrote_is_read_without_a_second_look_but_its_lines_must_be_sorted() -> None:
    json_text.use(0)  # as a large file is read
    unsorted = file_with(HEAD, '"a":{"gcounter":{"bob":[2,5],"ann":[1,7]}}')
    source = opened(unsorted, ours=True)
    assert decoded(source) == {"a": {"gcounter": {"ann": (1, 7), "bob": (2, 5)}}}
    with pytest.raises(Invalid, match="unsorted"):
        source.check()
    assert source.ours
    with pytest.raises(Invalid, match="not sorted"):
        decoded(opened(file_with(HEAD, B, A), ours=True))
    with pytest.raises(Invalid, match="unsorted"):
        decoded(opened(file_with(HEAD, '"a":{"gset":{"bob":[2,{"x":1}],"ann":[1,{"x":1}]}}'), ours=True))
    with pytest.raises(Invalid, match="not JSON"):
        decoded(opened(file_with(HEAD, '"a":{"gcounter"'), ours=True))


def test_what_is_wrong_with_a_line_is_found_even_where_only_that_line_is_read() -> None:
    source = opened(file_with(HEAD, A, '"b":{"gcounter":{"ann":[4,7]}}'))
    assert source.counter("a") == {"gcounter": {"ann": (1, 7), "bob": (2, 5)}}
    with pytest.raises(Invalid, match="newer than the clock"):
        source.counter("b")


def test_a_file_whose_size_is_not_what_was_said_is_refused() -> None:
    for size in (len(SOUND) - 1, len(SOUND) + 1, 10, 0):
        with pytest.raises(Invalid):
            Source(InMemory(SOUND), size).verify()


def test_a_file_in_another_layout_that_is_too_large_is_refused_unread() -> None:
    with pytest.raises(Invalid, match="larger than 64 MiB"):
        other_layouts.canonical(bytes(other_layouts.MAX_BYTES + 1))


def test_a_newer_version_is_told_apart_from_damage() -> None:
    for reader in (read_canonical, read_other):
        with pytest.raises(Invalid, match="version 2 of the format, and this program reads version 1: upgrade"):
            reader(REFUSED["header: a newer version"])


@pytest.mark.parametrize("where", [case for case in REFUSED if case.split(":")[0] in ("line", "header", "number")])
def test_a_refusal_names_the_file_and_its_source(where: str) -> None:
    with pytest.raises(Invalid) as caught:
        opened(REFUSED[where], label="their.json").check()
    assert caught.value.message == f"their.json is not a valid state: {caught.value.reason}"
    assert caught.value.hint == "ask for it to be exported again"
    assert isinstance(caught.value.source, Source)


def test_damage_to_a_file_of_ones_own_is_told_otherwise() -> None:
    for damaged in (SOUND[:-1], SOUND.replace(b"1,7", b"1,8"), REFUSED["header: a newer version"]):
        with pytest.raises(Invalid, match=r"^own\.json is damaged: ") as caught:
            opened(damaged, label="own.json", ours=True).verify()
        assert caught.value.hint == "see 'crdtctl check'"


@pytest.mark.parametrize("ours", [False, True])
def test_a_line_that_is_wrong_is_not_said_of_another_file(ours: bool) -> None:
    source = opened(file_with(HEAD, '"a":{"gcounter":{"ann":[1,}}'), label="a.json", ours=ours)
    with pytest.raises(Invalid, match=r"^a\.json is ") as caught:
        source.counter("a")
    assert caught.value.source is source
