"""Authentication challenges of web servers, hints for the user, and answers to Digest challenges. Pure.

The supported schemes are Basic (RFC 7617), Bearer (RFC 6750) and Digest (RFC 7616).
"""

import hashlib
import os
import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from crdtctl.errors import printable
from crdtctl.sync.transports.http.credentials import TOKEN, WHERE, Credential

#: A parameter with a quoted string or a token; or a word alone, which is a scheme.
_PART = re.compile(r"""([\w!#$%&'*+.^`|~-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?[\s,]*""", re.ASCII)
#: The hash algorithms of Digest, the best one first.
_HASHES: Final = {"SHA-512-256": "sha512_256", "SHA-256": "sha256", "MD5": "md5"}
#: Schemes that are written in upper case.
_UPPER = ("aws4-hmac-sha256", "ntlm")
_SUPPORTED: Final = "Basic, Digest and Bearer"


@dataclass(frozen=True, slots=True)
class Challenge:
    """An authentication scheme that a server offers, in lower case, with its parameters."""

    scheme: str
    parameters: dict[str, str] = field(default_factory=dict)


def parse(headers: Iterable[str]) -> list[Challenge]:
    """Return the challenges in the headers ``WWW-Authenticate`` of a response (RFC 9110, section 11.6.1).

    >>> parse(['Digest realm="a, b", nonce=x, Basic realm="c"'])[1]
    Challenge(scheme='basic', parameters={'realm': 'c'})
    """
    found: list[Challenge] = []
    for header in headers:
        for part in _PART.finditer(header):
            name, quoted, plain = part.groups()
            if quoted is None and plain is None:
                found.append(Challenge(name.lower()))
            elif found:
                value = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else plain
                found[-1].parameters.setdefault(name.lower(), value)
    return found


def advice(challenges: Iterable[Challenge], given: Credential) -> str:
    """Return the hint for a response 401 with these challenges, after a request with or without a credential."""
    offered = list(challenges)
    schemes = {one.scheme for one in offered}
    if not given:
        return f"keep a credential in {WHERE}"
    if not schemes:
        return f"the server names no authentication scheme; check the credential in {WHERE}, and the URL of the remote"
    if schemes.isdisjoint(("basic", "digest", "bearer")):
        return f"the server asks for {named(offered)}; only {_SUPPORTED} are supported"
    if given.token and "bearer" not in schemes:
        return f"the server asks for a user and a password, but {TOKEN} contains a token"
    if not given.token and schemes.isdisjoint(("basic", "digest")):
        return f"the server asks for a token, but got a user and a password: set {TOKEN}"
    if not given.token and "basic" not in schemes and best(offered) is None:
        return (
            f"the server asks for an unsupported kind of Digest: only {', '.join(_HASHES)} with qop=auth are supported"
        )
    return f"the server refuses the credential: check {WHERE}"


def named(challenges: Iterable[Challenge]) -> str:
    """Return the names of the schemes for a message."""
    schemes = dict.fromkeys(printable(one.scheme[:20]) for one in challenges)
    return " or ".join(name.upper() if name in _UPPER else name.title() for name in schemes)


class Digest:
    """The answers to one Digest challenge, for any number of requests, from any thread."""

    def __init__(self, parameters: dict[str, str], algorithm: str, credential: Credential) -> None:
        self._parameters = parameters
        self._algorithm = algorithm
        self._credential = credential
        self._lock = threading.Lock()
        self._count = 0

    @property
    def nonce(self) -> str:
        """The nonce from the server."""
        return self._parameters.get("nonce", "")

    def header(self, method: str, target: str, own_nonce: str = "") -> str:
        """Return the value of ``Authorization`` for a request for the path `target`."""
        with self._lock:
            self._count += 1
            count = f"{self._count:08x}"
        own_nonce = own_nonce or os.urandom(16).hex()
        given, realm, user = self._parameters, self._parameters.get("realm", ""), self._credential.user
        secret = self._hash(f"{user}:{realm}:{self._credential.password}")
        if self._algorithm.lower().endswith("-sess"):
            secret = self._hash(f"{secret}:{self.nonce}:{own_nonce}")
        asked = self._hash(f"{method}:{target}")
        is_old = "qop" not in given  # as before RFC 2617
        middle = self.nonce if is_old else f"{self.nonce}:{count}:{own_nonce}:auth"
        hides_user = given.get("userhash", "").lower() == "true"
        answer = {
            "username": _quoted(self._hash(f"{user}:{realm}") if hides_user else user),
            "realm": _quoted(realm),
            "nonce": _quoted(self.nonce),
            "uri": _quoted(target),
            "response": _quoted(self._hash(f"{secret}:{middle}:{asked}")),
        }
        if "algorithm" in given:
            answer["algorithm"] = self._algorithm
        if not is_old:
            answer |= {"qop": "auth", "nc": count, "cnonce": _quoted(own_nonce)}
        if "opaque" in given:
            answer["opaque"] = _quoted(given["opaque"])
        if hides_user:
            answer["userhash"] = "true"
        return "Digest " + ", ".join(f"{name}={value}" for name, value in answer.items())

    def _hash(self, text: str) -> str:
        name = _HASHES[self._algorithm.upper().removesuffix("-SESS")]
        return hashlib.new(name, text.encode("utf-8", "surrogateescape"), usedforsecurity=False).hexdigest()


def best(challenges: Iterable[Challenge]) -> Challenge | None:
    """Return the best Digest challenge that can be answered, if there is one."""
    able = [one for one in challenges if one.scheme == "digest" and _can_answer(one.parameters)]
    order = list(_HASHES)
    return min(able, key=lambda one: order.index(_hash_of(one.parameters)), default=None)


def answering(challenges: Iterable[Challenge], credential: Credential) -> Digest | None:
    """Return the answers to the best Digest challenge, or None if the credential cannot answer one."""
    chosen = best(challenges)
    if chosen is None or credential.token or not credential:
        return None
    return Digest(chosen.parameters, chosen.parameters.get("algorithm", "MD5"), credential)


def _hash_of(parameters: dict[str, str]) -> str:
    return parameters.get("algorithm", "MD5").upper().removesuffix("-SESS")


def _can_answer(parameters: dict[str, str]) -> bool:
    qualities = [one.strip().lower() for one in parameters.get("qop", "auth").split(",")]
    name = _HASHES.get(_hash_of(parameters), "")
    return name in hashlib.algorithms_available and "auth" in qualities and bool(parameters.get("nonce"))


def _quoted(text: str) -> str:
    """Return a quoted string for a header, with characters beyond ASCII as bytes of UTF-8."""
    plain = text.encode("utf-8", "surrogateescape").decode("latin-1")
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'
