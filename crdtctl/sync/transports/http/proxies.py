"""The proxy that the environment names for a web server, if any."""

from base64 import b64encode
from contextlib import suppress
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from crdtctl.errors import ConfigError, UsageError, printable

_PORTS = {"http": 80, "https": 443}
#: Scheme, host and port: whoever shares them gets the same credentials.
Origin = tuple[str, str, int]


def parsed(url: str) -> SplitResult:
    """Return the parts of a URL; raise `UsageError` unless it names a host, and a port that can be."""
    with suppress(ValueError):
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme in _PORTS and host.isascii() and host.encode("idna") and parts.port != 0:
            return parts
    raise UsageError(f"'{printable(url)}' is no URL of a web server", "it is like https://host:port/path")


def origin_of(parts: SplitResult) -> Origin:
    """Return the scheme, host and port of a URL."""
    return parts.scheme, parts.hostname or "", parts.port or _PORTS[parts.scheme]


def netloc(host: str) -> str:
    """Return a host as it stands before the port of a URL."""
    return f"[{host}]" if ":" in host else host


def proxy_for(origin: Origin) -> SplitResult | None:
    """Return the proxy for a server; raise `ConfigError` for one that cannot be used."""
    scheme, host, port = origin
    url = getproxies().get(scheme) or getproxies().get("all")
    if not url or proxy_bypass(f"{netloc(host)}:{port}"):
        return None
    try:
        found = parsed(url if "://" in url else f"http://{url}")
    except UsageError:
        found = None
    if found is None or found.scheme != "http":  # which may hold a password, so it is not shown
        raise ConfigError("the proxy that the environment names cannot be used", "it is to begin with http://")
    return found


def identity_at(proxy: SplitResult | None) -> dict[str, str]:
    """Return the headers that say to a proxy who we are."""
    if proxy is None or not proxy.username:
        return {}
    who = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": "Basic " + b64encode(who.encode()).decode("ascii")}


def shown(proxy: SplitResult) -> str:
    """Return a proxy fit to be told: its host and port."""
    return printable(f"{netloc(proxy.hostname or '')}:{proxy.port or 80}")
