"""Authentication challenges of web servers: parsing, answers, and hints for users."""

import pytest

from crdtctl.sync.transports.http.challenges import Challenge, advice, answering, parse
from crdtctl.sync.transports.http.credentials import Credential

ANN = Credential("", "Mufasa", "Circle of Life")
TOKEN = Credential("abc")
#: The example of RFC 7616, section 3.9.1.
EXAMPLE = {
    "realm": "http-auth@example.org",
    "qop": "auth, auth-int",
    "nonce": "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
    "opaque": "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
}
OWN_NONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_digest_answers_as_the_standard_does(algorithm: str, response: str) -> None:
    digest = answering([Challenge("digest", {**EXAMPLE, "algorithm": algorithm})], ANN)
    assert digest is not None
    said = digest.header("GET", "/dir/index.html", OWN_NONCE)
    assert said == (
        f'Digest username="Mufasa", realm="{EXAMPLE["realm"]}", nonce="{EXAMPLE["nonce"]}", uri="/dir/index.html", '
        f'response="{response}", algorithm={algorithm}, qop=auth, nc=00000001, cnonce="{OWN_NONCE}", '
        f'opaque="{EXAMPLE["opaque"]}"'
    )
    assert "nc=00000002" in digest.header("GET", "/dir/index.html")


def test_digest_without_qop_answers_as_the_first_standard_did() -> None:
    """The example of RFC 2069, section 2.4, with the response of its erratum."""
    given = {"realm": "testrealm@host.com", "nonce": "dcd98b7102dd2f0e8b11d0f600bfb0c093"}
    digest = answering([Challenge("digest", given)], Credential("", "Mufasa", "CircleOfLife"))
    assert digest is not None
    said = digest.header("GET", "/dir/index.html")
    assert 'response="1949323746fe6a43ef61f9606e7febea"' in said
    assert "nc=" not in said


def test_the_best_of_several_hashes_is_taken_and_what_cannot_be_answered_is_left() -> None:
    offered = parse([f'Digest realm="x", nonce="n", algorithm={name}, qop="auth"' for name in ("MD5", "X", "sha-256")])
    digest = answering(offered, ANN)
    assert digest is not None
    assert "algorithm=sha-256" in digest.header("GET", "/")
    assert answering(parse(['Digest nonce="n", qop="auth-int"']), ANN) is None
    assert answering(parse(["Digest realm=x"]), ANN) is None
    assert answering(offered, TOKEN) is None
    assert answering(offered, Credential()) is None


def test_names_beyond_ascii_and_quotes_are_sent_as_the_standard_says() -> None:
    given = {"realm": 'a "realm"', "nonce": "n", "qop": "auth", "userhash": "true", "algorithm": "SHA-256-sess"}
    digest = answering([Challenge("digest", given)], Credential("", "J\u00e4s\u00f8n", "p"))
    assert digest is not None
    said = digest.header("GET", "/")
    assert 'realm="a \\"realm\\""' in said
    assert "userhash=true" in said
    assert "J" not in said.partition("realm")[0].removeprefix("Digest username=")
    plain = answering([Challenge("digest", {"realm": "r", "nonce": "n"})], Credential("", "J\u00e4s\u00f8n", "p"))
    assert plain is not None
    assert "J\u00e4s\u00f8n".encode() in plain.header("GET", "/").encode("latin-1")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", []),
        ("Negotiate", [Challenge("negotiate")]),
        ("NTLM, Basic realm=x", [Challenge("ntlm"), Challenge("basic", {"realm": "x"})]),
        ('Digest a="b\\"c",  d = e ,, Bearer', [Challenge("digest", {"a": 'b"c', "d": "e"}), Challenge("bearer")]),
        ("=,=", []),
        ("\x00\xff", []),
    ],
)
def test_headers_are_taken_apart_also_odd_ones(header: str, expected: list[Challenge]) -> None:
    assert parse([header]) == expected


@pytest.mark.parametrize(
    ("header", "given", "expected"),
    [
        ("Basic realm=x", Credential(), "keep a credential in"),
        ("Negotiate", ANN, "the server asks for Negotiate; only Basic, Digest and Bearer are supported"),
        ("NTLM, Negotiate", TOKEN, "the server asks for NTLM or Negotiate; only"),
        ("Bearer", ANN, "set CRDTCTL_HTTP_TOKEN"),
        ("Basic realm=x", TOKEN, "asks for a user and a password, but CRDTCTL_HTTP_TOKEN contains a token"),
        ('Digest nonce="n", algorithm=X', ANN, "an unsupported kind of Digest"),
        ('Digest nonce="n"', ANN, "the server refuses the credential"),
        ("Basic realm=x", ANN, "the server refuses the credential"),
        ("", ANN, "names no authentication scheme"),
        ("\x1b[31m", ANN, "only"),
    ],
)
def test_what_is_said_blames_what_is_wrong(header: str, given: Credential, expected: str) -> None:
    said = advice(parse([header]), given)
    assert expected in said
    assert said.isprintable()
