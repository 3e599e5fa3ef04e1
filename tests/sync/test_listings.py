"""Listings of web servers: valid, incomplete and hostile ones."""

import json

import pytest

from crdtctl.errors import TransientError, UnavailableError
from crdtctl.sync.transport import ListedObject
from crdtctl.sync.transports.http.listings import from_html, from_json, name_in, read_multistatus

_FILE = """<D:response><D:href>{href}</D:href><D:propstat><D:prop><D:getcontentlength>3</D:getcontentlength>
<D:getetag>W/"1"</D:getetag><D:resourcetype/></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>"""


def multistatus(*responses: str, before: str = "") -> bytes:
    return f'<?xml version="1.0"?>{before}<D:multistatus xmlns:D="DAV:">{"".join(responses)}</D:multistatus>'.encode()


def folder(href: str) -> str:
    return _FILE.format(href=href).replace("<D:resourcetype/>", "<D:resourcetype><D:collection/></D:resourcetype>")


def from_multistatus(pieces: list[bytes], place: str) -> list[ListedObject]:
    return read_multistatus(pieces, place).entries


def listed(*hrefs: str) -> list[str]:
    answer = multistatus(*(_FILE.format(href=href) for href in hrefs))
    return [entry.name for entry in from_multistatus([answer], "/dav/")]


def test_a_file_is_listed_with_its_size_and_etag() -> None:
    answer = multistatus(_FILE.format(href="/dav/a.json"))
    assert from_multistatus([answer], "/dav/") == [ListedObject("a.json", 3, 'W/"1"')]


def test_an_answer_may_come_in_pieces_of_any_size() -> None:
    answer = multistatus(_FILE.format(href="/dav/b%C3%BCro.json"))
    pieces = [answer[at : at + 1] for at in range(len(answer))]
    assert from_multistatus(pieces, "/dav/") == [ListedObject("büro.json", 3, 'W/"1"')]


def test_hrefs_may_be_paths_or_whole_urls_and_say_hosts_that_only_the_server_knows() -> None:
    assert listed("/dav/a", "https://files.example.org/dav/b", "http://10.0.0.7:8080/dav/c") == ["a", "b", "c"]
    assert name_in("/my%20dav/", "/my%20dav/a%2520b") == "a%20b"
    assert name_in("/", "/a") == "a"


@pytest.mark.parametrize(
    "href",
    [
        "/dav/../a",
        "/dav/..",
        "/dav/%2e%2e",
        "/dav/..%2f..%2fetc%2fpasswd",
        "/dav/%2Fetc",
        "/dav/deeper/a",
        "/dav/deeper/",
        "/elsewhere/a",
        "/dav",
        "/dav/",
        "",
        "/dav/a%0Ab",
        "/dav/a%1B[31m",
        "/dav/%E2%80%AEa",
        "/dav/a%FFb",
        "http://[/dav/a",
        "https://evil.example/",
    ],
)
def test_what_is_no_name_directly_in_the_folder_is_left_out(href: str) -> None:
    assert listed(href, "/dav/a.json") == ["a.json"]


def test_folders_and_files_that_the_server_does_not_vouch_for_are_left_out() -> None:
    gone = "<D:response><D:href>/dav/gone</D:href><D:status>HTTP/1.1 404 Not Found</D:status></D:response>"
    assert from_multistatus([multistatus(folder("/dav/folder"), gone)], "/dav/") == []


def test_what_the_server_does_not_know_of_a_file_is_not_taken_for_known() -> None:
    halves = _FILE.format(href="/dav/a").replace(
        "</D:response>",
        "<D:propstat><D:prop><D:getlastmodified>x</D:getlastmodified><D:getetag>2</D:getetag></D:prop>"
        "<D:status>HTTP/1.1 404 Not Found</D:status></D:propstat></D:response>",
    )
    assert from_multistatus([multistatus(halves)], "/dav/") == [ListedObject("a", 3, 'W/"1"')]


def test_without_an_etag_the_time_and_size_tell_versions_apart() -> None:
    answer = _FILE.format(href="/dav/a").replace(
        '<D:getetag>W/"1"</D:getetag>', "<D:getlastmodified>now</D:getlastmodified>"
    )
    assert from_multistatus([multistatus(answer)], "/dav/") == [ListedObject("a", 3, "now 3")]


@pytest.mark.parametrize("size", ["-1", "3.5", "9" * 30, "٣", "many", ""])
def test_a_size_that_is_none_is_no_failure(size: str) -> None:
    answer = multistatus(_FILE.format(href="/dav/a").replace(">3<", f">{size}<"))
    assert from_multistatus([answer], "/dav/") == [ListedObject("a", 0, 'W/"1"')]


def test_an_answer_that_declares_entities_is_refused_before_they_grow() -> None:
    laughs = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(20))
    bomb = multistatus("<D:response>&l20;</D:response>", before=f'<!DOCTYPE x [<!ENTITY l0 "ha">{laughs}]>')
    with pytest.raises(UnavailableError, match="document type"):
        from_multistatus([bomb], "/dav/")


def test_an_answer_that_points_to_files_of_this_machine_is_refused() -> None:
    stolen = multistatus("&f;", before='<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>')
    with pytest.raises(UnavailableError, match="document type"):
        from_multistatus([stolen], "/dav/")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"no xml",
        b"<html/>",
        multistatus(),
        b'<?xml version="1.0" encoding="x-none"?><a/>',
        b"\xff\xfe",
        b"<a>" * 10**5,
    ],
)
def test_what_is_no_multistatus_is_no_empty_folder(answer: bytes) -> None:
    with pytest.raises(UnavailableError):
        from_multistatus([answer], "/dav/")


@pytest.mark.parametrize("end", [1, 5, 60, 200])
def test_a_multistatus_that_is_cut_is_no_short_listing_and_is_asked_for_again(end: int) -> None:
    answer = multistatus(folder("/dav/"), _FILE.format(href="/dav/a"), _FILE.format(href="/dav/b\u00fc"))
    with pytest.raises(TransientError, match="is incomplete"):
        from_multistatus([answer[:-end]], "/dav/")


@pytest.mark.parametrize(
    ("asked", "own"),
    [
        ("/counts/", "/webdav/counts/"),
        ("/a/b/counts/", "/"),
        ("//webdav/counts/", "/webdav/counts/"),
        ("/webdav/counts/", "//webdav//counts"),
        ("/webdav/Counts/", "/webdav/counts/"),
        ("/~ann/counts/", "/%7Eann/counts/"),
        ("/%7Eann/counts/", "/~ann/counts/"),
        ("/b%C3%BCro/", "/bu%CC%88ro/"),
        ("/b%c3%bcro/", "/b%C3%BCro/"),
        ("/counts/", "http://inner:8080/counts"),
        ("/counts/", "https://inner/webdav/counts"),
        ("/", "/webdav/"),
    ],
)
def test_a_folder_by_another_path_than_was_asked_for_is_that_folder(asked: str, own: str) -> None:
    names = ["a.json", "B%C3%BC.json"]
    answer = multistatus(folder(own), *(_FILE.format(href=f"{own.rstrip('/')}/{name}") for name in names))
    assert [entry.name for entry in from_multistatus([answer], asked)] == ["a.json", "Bü.json"]
    assert from_multistatus([multistatus(folder(own))], asked) == []
    assert name_in(read_multistatus([answer], asked).path, f"{own.rstrip('/')}/a.json") == "a.json"


def test_a_folder_by_another_path_is_told_from_those_in_it() -> None:
    responses = [folder("/dav/counts/below/"), _FILE.format(href="/dav/counts/a"), folder("/dav/counts/")]
    assert [entry.name for entry in from_multistatus([multistatus(*responses)], "/counts/")] == ["a"]


def test_hrefs_may_be_relative_to_the_folder() -> None:
    answer = multistatus(folder("./"), _FILE.format(href="a.json"), _FILE.format(href="./b.json"))
    assert [entry.name for entry in from_multistatus([answer], "/dav/counts/")] == ["a.json", "b.json"]
    assert [entry.name for entry in from_multistatus([answer], "/dav/counts")] == ["a.json", "b.json"]


def test_names_that_differ_in_their_composition_alone_are_two_files() -> None:
    answer = multistatus(folder("/dav/"), *(_FILE.format(href=f"/dav/{name}") for name in ("b%C3%BC", "bu%CC%88")))
    assert [entry.name for entry in from_multistatus([answer], "/dav/")] == ["b\u00fc", "bu\u0308"]


@pytest.mark.parametrize(
    "responses",
    [
        [_FILE.format(href="/webdav/counts/a.json")],
        [folder("/counts/"), _FILE.format(href="/webdav/counts/a.json")],
        [folder("/webdav/counts/"), _FILE.format(href="/other/counts/a.json")],
    ],
)
def test_a_listing_of_another_folder_is_refused_with_both_paths(responses: list[str]) -> None:
    with pytest.raises(UnavailableError, match=r"lists /(webdav|other)/counts.* instead of /counts"):
        from_multistatus([multistatus(*responses)], "/counts/")


@pytest.mark.parametrize("status", ["507 Insufficient Storage", "403 Forbidden", "500 Internal Server Error"])
def test_a_folder_that_is_listed_in_part_is_refused(status: str) -> None:
    part = f"<D:response><D:href>/dav/</D:href><D:status>HTTP/1.1 {status}</D:status></D:response>"
    with pytest.raises(UnavailableError, match=status[:3]):
        from_multistatus([multistatus(folder("/dav/"), _FILE.format(href="/dav/a"), part)], "/dav/")


def test_a_file_that_the_server_cannot_look_at_is_listed_all_the_same() -> None:
    locked = "<D:response><D:href>/dav/b</D:href><D:status>HTTP/1.1 403 Forbidden</D:status></D:response>"
    answer = multistatus(folder("/dav/"), _FILE.format(href="/dav/a"), locked)
    assert [entry.name for entry in from_multistatus([answer], "/dav/")] == ["a", "b"]


def test_the_json_of_nginx_and_of_caddy_is_a_listing() -> None:
    nginx = [
        {"name": "a", "type": "file", "mtime": "Wed, 25 Nov 2026 17:59:47 GMT", "size": 5},
        {"name": "below", "type": "directory", "mtime": "Wed, 25 Nov 2026 17:59:47 GMT"},
    ]
    caddy = [
        {"name": "a", "size": 5, "url": "./a", "mod_time": "2026-11-25T17:59:47Z", "mode": 420, "is_dir": False},
        {"name": "below", "size": 5, "url": "./below/", "mod_time": "2026-11-25T17:59:47Z", "mode": 1, "is_dir": True},
    ]
    assert from_json(json.dumps(nginx).encode()) == [ListedObject("a", 5, "Wed, 25 Nov 2026 17:59:47 GMT 5")]
    assert from_json(json.dumps(caddy).encode()) == [ListedObject("a", 5, "2026-11-25T17:59:47Z 5")]


def test_hostile_names_in_json_are_left_out() -> None:
    names = ["../a", "..", ".", "", "/etc/passwd", "a\nb", "a\x1b[31m", "\ud800", "fine"]
    listing = json.dumps([{"name": name, "type": "file", "size": 1} for name in names if name != "\ud800"])
    assert [entry.name for entry in from_json(listing.encode())] == ["fine"]


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b"[" * 10**5, b'[{"name": 1}]', b'[{"name":"\\ud800"}]', b"\xff"])
def test_other_json_is_no_listing(data: bytes) -> None:
    with pytest.raises(UnavailableError):
        from_json(data)


def test_the_links_of_a_page_that_lead_into_its_own_folder_are_its_files() -> None:
    page = b"""<a href="../">up</a><a href="?C=N;O=D">Name</a><a href="a.json">a</a><a href="./b.json">b</a>
    <a href="/dav/c%20d.json">c</a><a href="below/">below</a><a href="below/x">x</a><a href="/x">x</a><a>none</a>
    <a href="https://evil.example/dav/e.json">e</a><a href="javascript:alert(1)">js</a><a href="//[">bad</a>
    <a href="%2e%2e">up</a><a href="a.json">again</a><img src="f.json">"""
    assert from_html(page, "https://example.org/dav/") == ["a.json", "b.json", "c d.json"]


def test_a_page_that_leads_up_and_nowhere_else_is_an_empty_folder() -> None:
    assert from_html(b'<a href="../">../</a>', "https://example.org/dav/") == []


@pytest.mark.parametrize(
    "page",
    [
        b'<a href="../">../</a>',
        b'<a href="/">Parent Directory</a>',
        b'<a href="/"><img src="up.png"> Parent directory/</a>',
    ],
)
def test_the_ways_in_which_servers_lead_up_are_known(page: bytes) -> None:
    assert from_html(page, "https://example.org/dav/") == []


@pytest.mark.parametrize(
    "page",
    [
        b'<a href="/">Home</a> Welcome to our network',
        b'<a href="help.html">Help</a><form><input name="user"><input type="PASSWORD" name="p"></form>',
    ],
)
def test_the_page_of_a_network_that_wants_a_log_in_is_no_folder(page: bytes) -> None:
    with pytest.raises(UnavailableError):
        from_html(page, "https://example.org/shared/")


@pytest.mark.parametrize("page", [b"", b"Please log in", b'<a href="/login?next=/dav/">log in</a>', b"\x00\xff<a href"])
def test_another_page_is_no_empty_folder(page: bytes) -> None:
    with pytest.raises(UnavailableError):
        from_html(page, "https://example.org/dav/")
