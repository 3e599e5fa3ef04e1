"""Errors of buckets, recognised in the messages of the library.

These messages contain URLs and responses of servers, so they are never shown. They contain a status, and most of them
the provider's own error code.
"""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from crdtctl.errors import (
    AccessError,
    CrdtctlError,
    MissingError,
    StorageError,
    TransientError,
    UnavailableError,
)

_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>([A-Za-z]{1,60})</Code>")
_REACHED = re.compile(r"Error performing [A-Z]+ (https?://\S+) in ")
_NO_BUCKET = ("NoSuchBucket", "ContainerNotFound", "ContainerBeingDeleted")
_EXPIRED = ("ExpiredToken", "InvalidToken", "TokenRefreshRequired")
_ARCHIVED = ("InvalidObjectState", "BlobArchived")
_FULL = ("XMinioStorageFull", "QuotaExceeded", "InsufficientStorage", "StorageQuotaExceeded")
#: Retention and locks, which come with many statuses.
_KEPT = re.compile(
    r"<Code>(BlobImmutable\w*|ObjectLocked|SnapshotsPresent)</Code>|retention|legal hold|object lock", re.IGNORECASE
)
#: Messages of S3, Azure, Google and Microsoft's log-in about a wrong clock.
_SKEWED = re.compile(
    r"RequestTimeTooSkewed|RequestInTheFuture|RequestExpired|Request date header too (old|new)|Signature expired"
    r"|Signature not yet current|reasonable timeframe|AADSTS700024"
)
#: Azure's message about a SAS token that is not valid yet, or has expired.
_OUT_OF_TIME = "Signature not valid in the specified time frame"
_WRONG_KEYS = ("SignatureDoesNotMatch", "InvalidAccessKeyId", "AuthenticationFailed", "InvalidAuthenticationInfo")
#: Requests for credentials.
_FOR_CREDENTIALS = re.compile(
    r"Error performing (token request|[A-Z]+ https?://"
    r"(169\.254\.|metadata\.google\.internal|[^/]+/latest/(api/token|meta-data/)))"
)
_PAGE = re.compile(r"<!doctype html|<html", re.IGNORECASE)
#: Faults of certificates: the library's message, the fault, and the hint.
_CERTIFICATES: Final = (
    (
        re.compile("NotValidYet|not valid yet|Expired|expired"),
        "is not valid now",
        "check the clock of this machine",
    ),
    (re.compile("NotValidForName|not valid for name"), "is for another name", "check the host of the endpoint"),
)


@dataclass(frozen=True, slots=True)
class Failed:
    """A failed operation: its verb, its description, whether it concerned an object, and the library's message."""

    doing: str
    what: str
    is_object: bool
    text: str
    status: int = 0

    @property
    def code(self) -> str:
        """The code of the error, such as ``AccessDenied``; empty if the server sent none."""
        found = _CODE.search(self.text)
        return found[1] if found else ""

    @property
    def why(self) -> str:
        """The status and the code, if the server sent them."""
        return f"{self.status} {self.code}".strip() if self.status else "unknown error"


def status_in(text: str) -> int:
    """Return the HTTP status in a message, or 0."""
    found = _STATUS.search(text)
    return int(found[1]) if found else 0


def failure(failed: Failed, hint: str) -> CrdtctlError:
    """Return the error for a failed operation; `hint` explains where to set credentials."""
    what, text = failed.what, failed.text
    if _SKEWED.search(text):
        return AccessError(
            f"{what}: the clock of this machine is wrong ({failed.why})", "set the clock; the keys may be right"
        )
    if _FOR_CREDENTIALS.search(text):
        return AccessError(f"{what}: no credentials were found", hint)
    return _of_object(failed) or _of_access(failed) or _of_server(failed) or _of_connection(failed)


def _of_object(failed: Failed) -> CrdtctlError | None:
    what, status, code = failed.what, failed.status, failed.code
    if status == 404 and failed.is_object and failed.doing != "write" and code not in _NO_BUCKET:
        return MissingError(f"{what}: it does not exist")
    if status == 404:
        return UnavailableError(
            f"{what}: the bucket does not exist ({failed.why})", "make it, or check its name and endpoint"
        )
    if code in _ARCHIVED:
        return UnavailableError(f"{what}: it is archived ({failed.why})", "restore it, or delete it")
    is_refusal = 400 <= status < 500 and status not in (408, 429)
    if is_refusal and failed.doing in ("write", "delete") and _KEPT.search(failed.text):
        return AccessError(
            f"{what}: a retention rule or lock protects it ({failed.why})",
            "check the bucket's retention and object lock",
        )
    if failed.doing == "delete" and status in (405, 409, 412):
        return AccessError(f"{what}: the bucket does not allow it ({failed.why})", "check the rules of the bucket")
    return None


def _of_access(failed: Failed) -> CrdtctlError | None:
    what, code = failed.what, failed.code
    if code in _EXPIRED or _OUT_OF_TIME in failed.text:
        return AccessError(
            f"{what}: the credentials are not valid now ({failed.why})",
            "get new credentials, and check the clock of this machine",
        )
    if failed.status not in (401, 403):
        return None
    if code in _WRONG_KEYS:
        return AccessError(f"{what}: the credentials are wrong ({failed.why})", "check the key and the secret")
    return AccessError(f"{what}: not allowed ({failed.why})", "check the credentials and their permissions")


def _of_server(failed: Failed) -> CrdtctlError | None:
    what, status = failed.what, failed.status
    if status == 507 or failed.code in _FULL:
        return StorageError(f"{what}: no space left ({failed.why})", "free some space there and try again")
    if status in (408, 429) or status >= 500:
        return TransientError(f"{what}: the server is busy or failing ({failed.why})", "try again")
    if _PAGE.search(failed.text):
        return UnavailableError(
            f"{what}: the server answers with a web page",
            "check its endpoint, and whether this network requires a log-in",
        )
    return None


def _of_connection(failed: Failed) -> CrdtctlError:
    what, text = failed.what, failed.text
    reached = _REACHED.search(text)
    host = urlsplit(reached[1]).netloc if reached else ""
    if "InvalidCertificate" in text and host:
        found = ((wrong, todo) for pattern, wrong, todo in _CERTIFICATES if pattern.search(text))
        wrong, todo = next(
            found, ("is not trusted", "if you trust it, set SSL_CERT_FILE to the file of its certificate authority")
        )
        return UnavailableError(f"{what}: the certificate of {host} {wrong}", todo)
    if "HTTP error" in text and host:
        return TransientError(f"{what}: {host} does not answer", "try again")
    if "HTTP error" in text or failed.doing == "read":
        return TransientError(f"{what}: the connection was lost", "try again")
    return UnavailableError(f"{what}: {failed.why}", "check its region and endpoint")
