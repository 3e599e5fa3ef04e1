"""The user's credential for a web server: from the environment, or from ``~/.netrc``. No message contains any of it."""

import netrc
import os
from base64 import b64encode
from dataclasses import dataclass, field
from typing import Final

from crdtctl.errors import ConfigError

TOKEN: Final = "CRDTCTL_HTTP_TOKEN"  # noqa: S105  # the name of a variable
USER: Final = "CRDTCTL_HTTP_USER"
PASSWORD: Final = "CRDTCTL_HTTP_PASSWORD"  # noqa: S105  # the name of a variable
#: The places where users can keep a credential.
WHERE: Final = f"~/.netrc, {USER} and {PASSWORD}, or {TOKEN}"


@dataclass(frozen=True, slots=True)
class Credential:
    """A token, or a user with a password. An empty credential is false."""

    token: str = field(default="", repr=False)
    user: str = ""
    password: str = field(default="", repr=False)

    def __bool__(self) -> bool:
        return bool(self.token or self.user)

    def header(self) -> str:
        """Return the value of ``Authorization`` that is sent without a challenge (RFC 6750 and RFC 7617)."""
        if self.token:
            return f"Bearer {self.token}"
        both = f"{self.user}:{self.password}".encode("utf-8", "surrogateescape")
        return "Basic " + b64encode(both).decode("ascii") if self.user else ""


def find(host: str) -> Credential:
    """Return the credential for a host; raise `ConfigError` if the environment or ``~/.netrc`` is not well formed."""
    token, user, password = (os.environ.get(name, "") for name in (TOKEN, USER, PASSWORD))
    if token:
        if not token.isascii() or not token.isprintable() or " " in token:
            raise ConfigError(
                f"{TOKEN} is not a valid token", "a token consists of printable ASCII characters without spaces"
            )
        return Credential(token)
    if user or password:
        if not (user and password):
            raise ConfigError(f"only one of {USER} and {PASSWORD} is set", "set both, or neither")
    else:
        user, password = _in_netrc(host) or ("", "")
    if ":" in user:
        raise ConfigError("the user name for a web server must not contain ':'", f"check {USER} and ~/.netrc")
    return Credential("", user, password)


def _in_netrc(host: str) -> tuple[str, str] | None:
    """Return the user and password for a host. Error messages of `netrc` may contain secrets, so they are not shown."""
    try:
        found = netrc.netrc().authenticators(host)
    except FileNotFoundError:
        return None
    except netrc.NetrcParseError as error:
        where = f", line {error.lineno}" if error.lineno else ""
        raise ConfigError(
            f"~/.netrc is not valid{where}", "it must be well formed, and only its owner may read it (chmod 600)"
        ) from None
    except (OSError, UnicodeDecodeError):
        raise ConfigError("~/.netrc cannot be read", "check its owner, mode and encoding") from None
    return (found[0], found[2] or "") if found else None
