"""What is told of web servers and proxies that do not do what they are asked. Pure, but for the time of day."""

import email.utils
import re
import ssl
import time
from email.message import Message
from urllib.parse import SplitResult

from crdtctl.errors import AccessError, CrdtctlError, TransientError, UnavailableError, printable
from crdtctl.sync.transports.http import challenges, proxies

#: How the library says that a proxy does not connect us to a server.
TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})")
#: What OpenSSL says of a certificate that is not valid yet, or no longer; and of one for another host or address.
_VALIDITY, _OTHER_NAMES = (9, 10), (62, 64)
#: A time to wait that has so many digits is none.
_DIGITS = 7


def passing(message: str, headers: Message) -> TransientError:
    """Return a failure that passes by itself, after as many seconds as the server says, if it says that."""
    said = headers.get("Retry-After", "").strip()
    seconds = float(said) if said.isascii() and said.isdigit() and len(said) < _DIGITS else 0.0
    if until := email.utils.parsedate_tz(said):
        now = email.utils.parsedate_tz(headers.get("Date", ""))
        seconds = email.utils.mktime_tz(until) - (email.utils.mktime_tz(now) if now else time.time())
    if seconds <= 0:
        return TransientError(message, "try again")
    failure = TransientError(message, f"try again after {seconds:g} seconds, as it asks for")
    failure.after = seconds
    return failure


def not_trusted(error: ssl.SSLCertVerificationError, host: str) -> CrdtctlError:
    """Return the failure that says what is wrong with a certificate, which may be the clock here."""
    why = printable(error.verify_message)
    if error.verify_code in _VALIDITY:
        return UnavailableError(
            f"the certificate of {host} is not valid now: {why}",
            "is the clock of this machine right? else renew it there",
        )
    if error.verify_code in _OTHER_NAMES:
        return UnavailableError(
            f"the certificate of {host} is for another name: {why}", "see the host in the remote's URL"
        )
    return UnavailableError(
        f"the certificate of {host} is not trusted: {why}",
        "if it should be, name the file of who signed it in SSL_CERT_FILE",
    )


def proxy_advice(proxy: SplitResult | None, headers: list[str]) -> str:
    """Return what to do about a proxy that answers 407 with these challenges."""
    offered = challenges.parse(headers)
    if offered and all(one.scheme != "basic" for one in offered):
        return f"the proxy wants {challenges.named(offered)}; only Basic is spoken to a proxy"
    if proxy is not None and proxy.username:
        return "see the user and password in https_proxy or http_proxy"
    return "the proxy wants a user and password, in https_proxy or http_proxy"


def not_led(host: str, proxy: SplitResult, status: int) -> CrdtctlError:
    """Return the failure that says that a proxy does not connect us to a server."""
    message = f"cannot reach {host}: the proxy {proxies.shown(proxy)} says {status}"
    if status == 407:
        return AccessError(message, proxy_advice(proxy, []) + "; only Basic is spoken to a proxy")
    if status in (408, 429) or status >= 500:
        return TransientError(message, "try again")
    return UnavailableError(message, "see what the proxy allows, and https_proxy and no_proxy")
