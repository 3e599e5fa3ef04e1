"""Who we are at a web server: what the environment says, else ``~/.netrc``. Nothing here is ever part of a message."""

import netrc
import os
from base64 import b64encode
from typing import Final

from crdtctl.errors import ConfigError

TOKEN: Final = "CRDTCTL_HTTP_TOKEN"  # noqa: S105  # the name of a variable
USER: Final = "CRDTCTL_HTTP_USER"
PASSWORD: Final = "CRDTCTL_HTTP_PASSWORD"  # noqa: S105  # the same
#: Where users can keep a credential, in words.
WHERE: Final = f"~/.netrc, {USER} and {PASSWORD}, or {TOKEN}"


def authorization(host: str) -> str:
    """Return the value of an ``Authorization`` header for a host, or nothing if no credential is known for it.

    Raise `ConfigError` if what is meant to hold a credential is not well formed.
    """
    token, user, password = (os.environ.get(name, "") for name in (TOKEN, USER, PASSWORD))
    if token:
        if not token.isascii() or not token.isprintable() or " " in token:
            raise ConfigError(f"{TOKEN} holds no token", "a token is of printable characters without spaces")
        return f"Bearer {token}"
    if user or password:
        if not (user and password):
            raise ConfigError(f"of {USER} and {PASSWORD} only one is set", "set both, or none")
        return basic(user, password)
    found = _in_netrc(host)
    return basic(*found) if found else ""


def basic(user: str, password: str) -> str:
    """Return the header's value for a name and a password (RFC 7617)."""
    if ":" in user:
        raise ConfigError("the name of a user at a web server has no ':'")
    return "Basic " + b64encode(f"{user}:{password}".encode("utf-8", "surrogateescape")).decode("ascii")


def _in_netrc(host: str) -> tuple[str, str] | None:
    """Return the user and password for a host; what netrc says of its mistakes may quote secrets, so it is not told."""
    try:
        found = netrc.netrc().authenticators(host)
    except FileNotFoundError:
        return None
    except netrc.NetrcParseError as error:
        where = f", line {error.lineno}" if error.lineno else ""
        raise ConfigError(
            f"~/.netrc cannot be used{where}", "it must be well formed, and only its owner may read it (chmod 600)"
        ) from None
    except (OSError, UnicodeDecodeError):
        raise ConfigError("~/.netrc cannot be read", "check its owner, mode and encoding") from None
    return (found[0], found[2] or "") if found else None
