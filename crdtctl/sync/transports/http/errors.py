"""Errors of web servers and proxies. Pure, except for the time of day."""

import email.utils
import re
import ssl
import time
from email.message import Message
from urllib.parse import SplitResult

from crdtctl.errors import AccessError, CrdtctlError, TransientError, UnavailableError, printable
from crdtctl.sync.transports.http import challenges, proxies

#: The library's message for a proxy that refuses to connect to a server.
TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})")
#: OpenSSL's error codes for a certificate that is not valid yet or any more, and for one of another host or address.
_VALIDITY, _OTHER_NAMES = (9, 10), (62, 64)
#: A pause with this number of digits is ignored.
_TOO_MANY_DIGITS = 7


def passing(message: str, headers: Message) -> TransientError:
    """Return a transient error, with the pause that the server asks for, if any."""
    value = headers.get("Retry-After", "").strip()
    seconds = float(value) if value.isascii() and value.isdigit() and len(value) < _TOO_MANY_DIGITS else 0.0
    if until := email.utils.parsedate_tz(value):
        now = email.utils.parsedate_tz(headers.get("Date", ""))
        seconds = email.utils.mktime_tz(until) - (email.utils.mktime_tz(now) if now else time.time())
    if seconds <= 0:
        return TransientError(message, "try again")
    failure = TransientError(message, f"try again after {seconds:g} seconds, as the server asks")
    failure.after = seconds
    return failure


def not_trusted(error: ssl.SSLCertVerificationError, host: str) -> CrdtctlError:
    """Return the error for an invalid certificate. A wrong clock on this machine is one possible reason."""
    why = printable(error.verify_message)
    if error.verify_code in _VALIDITY:
        return UnavailableError(
            f"the certificate of {host} is not valid now: {why}",
            "check the clock of this machine; if it is right, the server needs a new certificate",
        )
    if error.verify_code in _OTHER_NAMES:
        return UnavailableError(
            f"the certificate of {host} is for another name: {why}", "check the host in the remote's URL"
        )
    return UnavailableError(
        f"the certificate of {host} is not trusted: {why}",
        "if you trust it, set SSL_CERT_FILE to the file of its certificate authority",
    )


def proxy_advice(proxy: SplitResult | None, headers: list[str]) -> str:
    """Return the hint for a proxy that answers 407 with these challenges."""
    offered = challenges.parse(headers)
    if offered and all(one.scheme != "basic" for one in offered):
        return f"the proxy asks for {challenges.named(offered)}; only Basic is supported for a proxy"
    if proxy is not None and proxy.username:
        return "check the user and password in https_proxy or http_proxy"
    return "the proxy asks for a user and password: set them in https_proxy or http_proxy"


def not_led(host: str, proxy: SplitResult, status: int) -> CrdtctlError:
    """Return the error for a proxy that refuses to connect to a server."""
    message = f"cannot reach {host}: the proxy {proxies.shown(proxy)} answers with status {status}"
    if status == 407:
        return AccessError(message, proxy_advice(proxy, []) + "; only Basic is supported for a proxy")
    if status in (408, 429) or status >= 500:
        return TransientError(message, "try again")
    return UnavailableError(message, "check the rules of the proxy, and https_proxy and no_proxy")
