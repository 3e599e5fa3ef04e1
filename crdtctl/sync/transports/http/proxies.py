"""The proxy for a web server, from the environment."""

from base64 import b64encode
from contextlib import suppress
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from crdtctl.errors import ConfigError, UsageError, printable

_PORTS = {"http": 80, "https": 443}
#: Scheme, host and port. Credentials are sent to one origin only.
Origin = tuple[str, str, int]


def parsed(url: str) -> SplitResult:
    """Return the parts of a URL; raise `UsageError` unless it has a valid host and port."""
    with suppress(ValueError):
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme in _PORTS and host.isascii() and host.encode("idna") and parts.port != 0:
            return parts
    raise UsageError(f"'{printable(url)}' is not a valid URL of a web server", "write https://HOST:PORT/PATH")


def origin_of(parts: SplitResult) -> Origin:
    """Return the scheme, host and port of a URL."""
    return parts.scheme, parts.hostname or "", parts.port or _PORTS[parts.scheme]


def netloc(host: str) -> str:
    """Return a host as it is written before the port of a URL."""
    return f"[{host}]" if ":" in host else host


def proxy_for(origin: Origin) -> SplitResult | None:
    """Return the proxy for a server; raise `ConfigError` if it cannot be used."""
    scheme, host, port = origin
    url = getproxies().get(scheme) or getproxies().get("all")
    if not url or proxy_bypass(f"{netloc(host)}:{port}"):
        return None
    try:
        found = parsed(url if "://" in url else f"http://{url}")
    except UsageError:
        found = None
    if found is None or found.scheme != "http":  # not shown, because it may contain a password
        raise ConfigError("the proxy in the environment cannot be used", "its URL must begin with http://")
    return found


def identity_at(proxy: SplitResult | None) -> dict[str, str]:
    """Return the header with the credential for a proxy."""
    if proxy is None or not proxy.username:
        return {}
    who = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": "Basic " + b64encode(who.encode()).decode("ascii")}


def shown(proxy: SplitResult) -> str:
    """Return the host and port of a proxy for messages."""
    return printable(f"{netloc(proxy.hostname or '')}:{proxy.port or 80}")
