"""What is told of buckets that do not do what they are asked: found in what the library says, which is never shown.

That holds URLs, and what servers answer: each of those has a status, and most a code in their own words.
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
#: What keeps an object as it is for a time, and is said with statuses of all kinds.
_KEPT = re.compile(
    r"<Code>(BlobImmutable\w*|ObjectLocked|SnapshotsPresent)</Code>|retention|legal hold|object lock", re.IGNORECASE
)
#: How S3, Azure, Google and Microsoft's log-in say that the time of a request is not theirs.
_SKEWED = re.compile(
    r"RequestTimeTooSkewed|RequestInTheFuture|RequestExpired|Request date header too (old|new)|Signature expired"
    r"|Signature not yet current|reasonable timeframe|AADSTS700024"
)
#: How Azure says that a SAS token is not valid yet, or no longer.
_OUT_OF_TIME = "Signature not valid in the specified time frame"
_WRONG_KEYS = ("SignatureDoesNotMatch", "InvalidAccessKeyId", "AuthenticationFailed", "InvalidAuthenticationInfo")
#: Where credentials are asked for.
_FOR_CREDENTIALS = re.compile(
    r"Error performing (token request|[A-Z]+ https?://"
    r"(169\.254\.|metadata\.google\.internal|[^/]+/latest/(api/token|meta-data/)))"
)
_PAGE = re.compile(r"<!doctype html|<html", re.IGNORECASE)
#: What is wrong with a certificate: what the library says, and what to do.
_CERTIFICATES: Final = (
    (
        re.compile("NotValidYet|not valid yet|Expired|expired"),
        "is not valid now",
        "is the clock of this machine right?",
    ),
    (re.compile("NotValidForName|not valid for name"), "is for another name", "see the host of the endpoint"),
)


@dataclass(frozen=True, slots=True)
class Failed:
    """What could not be done: the verb; all of it in words; whether it was about an object; what the library says."""

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
        """The status and the code, if the server said them."""
        return f"{self.status} {self.code}".strip() if self.status else "the answer is not understood"


def status_in(text: str) -> int:
    """Return the status that a server answered, 0 if there was none."""
    found = _STATUS.search(text)
    return int(found[1]) if found else 0


def failure(failed: Failed, hint: str) -> CrdtctlError:
    """Return the failure that says what went wrong; `hint` says how credentials are given."""
    what, text = failed.what, failed.text
    if _SKEWED.search(text):
        return AccessError(
            f"{what}: the clock of this machine is wrong ({failed.why})", "set it; the keys may be right"
        )
    if _FOR_CREDENTIALS.search(text):
        return AccessError(f"{what}: no credentials were found", hint)
    return _of_object(failed) or _of_access(failed) or _of_server(failed) or _of_connection(failed)


def _of_object(failed: Failed) -> CrdtctlError | None:
    what, status, code = failed.what, failed.status, failed.code
    if status == 404 and failed.is_object and failed.doing != "write" and code not in _NO_BUCKET:
        return MissingError(f"{what}: it is not there")
    if status == 404:
        return UnavailableError(
            f"{what}: there is no such bucket ({failed.why})", "make it, or see its name and endpoint"
        )
    if code in _ARCHIVED:
        return UnavailableError(f"{what}: it is archived ({failed.why})", "restore it, or delete it")
    is_refusal = 400 <= status < 500 and status not in (408, 429)
    if is_refusal and failed.doing in ("write", "delete") and _KEPT.search(failed.text):
        return AccessError(f"{what}: the bucket keeps it as it is ({failed.why})", "see its retention and object lock")
    if failed.doing == "delete" and status in (405, 409, 412):
        return AccessError(f"{what}: it may not be deleted ({failed.why})", "see what the bucket allows")
    return None


def _of_access(failed: Failed) -> CrdtctlError | None:
    what, code = failed.what, failed.code
    if code in _EXPIRED or _OUT_OF_TIME in failed.text:
        return AccessError(
            f"{what}: the credentials are not valid now ({failed.why})",
            "get new ones; is the clock of this machine right?",
        )
    if failed.status not in (401, 403):
        return None
    if code in _WRONG_KEYS:
        return AccessError(f"{what}: the credentials are not right ({failed.why})", "see the key and the secret")
    return AccessError(f"{what}: not allowed ({failed.why})", "see the credentials, and what they are allowed to do")


def _of_server(failed: Failed) -> CrdtctlError | None:
    what, status = failed.what, failed.status
    if status == 507 or failed.code in _FULL:
        return StorageError(f"{what}: there is no space left ({failed.why})", "free some space there and try again")
    if status in (408, 429) or status >= 500:
        return TransientError(f"{what}: the server is busy or failing ({failed.why})", "try again")
    if _PAGE.search(failed.text):
        return UnavailableError(
            f"{what}: the server answers with a page for people", "see its endpoint; does this network want a log-in?"
        )
    return None


def _of_connection(failed: Failed) -> CrdtctlError:
    what, text = failed.what, failed.text
    reached = _REACHED.search(text)
    host = urlsplit(reached[1]).netloc if reached else ""
    if "InvalidCertificate" in text and host:
        found = ((wrong, todo) for pattern, wrong, todo in _CERTIFICATES if pattern.search(text))
        wrong, todo = next(found, ("is not trusted", "see SSL_CERT_FILE"))
        return UnavailableError(f"{what}: the certificate of {host} {wrong}", todo)
    if "HTTP error" in text and host:
        return TransientError(f"{what}: {host} does not answer", "try again")
    if "HTTP error" in text or failed.doing == "read":
        return TransientError(f"{what}: the connection was lost", "try again")
    return UnavailableError(f"{what}: {failed.why}", "see its region and endpoint")
