"""A bucket of S3, Google Cloud Storage or Azure Blob Storage, or of a server that speaks as they do, by ``obstore``.

Credentials and endpoints are what ``obstore`` finds in the environment: ``AWS_…``, ``GOOGLE_…``, ``AZURE_…``; the
application default credentials of gcloud; what the machine or container that this runs on is given. It does not read
``~/.aws``: ``aws configure export-credentials --format env`` prints that as variables.

Nothing is put on a condition: many servers accept that and overwrite all the same. What is waited for is waited for in
a thread of its own, so that a signal ends it at once.
"""

import asyncio
import os
import re
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple, TypeVar
from urllib.parse import urlsplit

from crdtctl.errors import (
    AccessError,
    CrdtctlError,
    MissingError,
    TransientError,
    UnavailableError,
    UsageError,
    printable,
)
from crdtctl.sync.schemes import Place
from crdtctl.sync.transport import Entry, Sieve, Transport, file_name, outcome

if TYPE_CHECKING:
    from obstore.store import AzureStore, ClientConfig, GCSStore, RetryConfig, S3Store

_T = TypeVar("_T")
_BLOCK = 2**18
#: What is larger goes in parts of this size, so many at once: these are in memory.
_PART, _PARTS = 2**23, 4
#: A request is made so often again, as the providers' own tools do it.
_RETRIES = 2
#: The library's own time is over so many seconds after ours, which says what to do.
_LATER = 1.0


class _Provider(NamedTuple):
    """What differs between providers: where an endpoint is given, and what to tell who has no credentials."""

    endpoints: tuple[str, ...]
    credentials: str


_PROVIDERS: Final = {
    "s3": _Provider(
        ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
        "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; of a profile, 'aws configure export-credentials --format env'"
        " prints them",
    ),
    "gs": _Provider(
        ("GOOGLE_BASE_URL",), "set GOOGLE_APPLICATION_CREDENTIALS, or run 'gcloud auth application-default login'"
    ),
    "az": _Provider(
        ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"),
        "set AZURE_STORAGE_ACCOUNT_NAME, and AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_SAS_TOKEN",
    ),
}
_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>([A-Za-z]{1,60})</Code>")
_REACHED = re.compile(r"Error performing [A-Z]+ (https?://\S+) in ")
#: What can be an address and a bucket: at others the library does not fail, but breaks.
_ENDPOINT = re.compile(r"(https?)://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?(?:/[!-~]*)?")
_BUCKET = re.compile(r"[A-Za-z0-9._$-]+")
_NO_BUCKET = ("NoSuchBucket", "ContainerNotFound", "ContainerBeingDeleted")
_EXPIRED = ("ExpiredToken", "InvalidToken")
#: Where credentials are asked for.
_FOR_CREDENTIALS = re.compile(
    r"Error performing (token request|[A-Z]+ https?://"
    r"(169\.254\.|metadata\.google\.internal|[^/]+/latest/(api/token|meta-data/)))"
)


class Cloud(Transport):
    """The objects directly below a prefix; ``/`` divides names as if there were folders."""

    parallel: ClassVar[int] = 16

    def __init__(self, place: Place) -> None:
        self._scheme, bucket, prefix = _parse(place.address)
        self._shown = printable(place.address)
        self._deadline = place.deadline
        self._store = self._open(bucket, prefix)
        self._loop = asyncio.new_event_loop()
        self._over = asyncio.Event()
        self._thread = Thread(target=self._serve, name=f"crdtctl {self._scheme}", daemon=True)
        self._thread.start()

    def _open(self, bucket: str, prefix: str) -> "S3Store | GCSStore | AzureStore":
        """Return what reaches the bucket; nothing is reached yet."""
        try:
            from obstore.store import AzureStore, GCSStore, S3Store
        except ImportError:
            raise UnavailableError(
                f"{self._scheme}:// needs the package obstore", "run: pip install 'crdtctl[cloud]'"
            ) from None
        left = timedelta(seconds=self._deadline.remaining() + _LATER)
        endpoints = _endpoints(_PROVIDERS[self._scheme])
        client: ClientConfig = {"timeout": left, "allow_http": "http" in endpoints}
        retry: RetryConfig = {"max_retries": _RETRIES, "retry_timeout": left}
        with self._told("use"):
            match self._scheme:
                case "s3":
                    return S3Store(
                        bucket,
                        prefix=prefix,
                        config={"disable_bulk_delete": True},  # which not every server has
                        client_options=client,
                        retry_config=retry,
                    )
                case "gs":
                    return GCSStore(bucket, prefix=prefix, client_options=client, retry_config=retry)
                case _:
                    return AzureStore(bucket, prefix=prefix, client_options=client, retry_config=retry)

    def list(self) -> Sequence[Entry]:
        return self._wait(self._list())

    async def _list(self) -> Sequence[Entry]:
        with self._told("list"):
            found = await self._store.list_with_delimiter_async()
        return [
            Entry(one["path"], one["size"], one["e_tag"] or one["last_modified"].isoformat())
            for one in found["objects"]
            if one["path"]  # the prefix itself, which consoles make to show a folder
        ]

    def get(self, name: str, write: Callable[[bytes], object]) -> None:
        self._wait(self._get(name, write))

    async def _get(self, name: str, write: Callable[[bytes], object]) -> None:
        with self._told("read", file_name(name)):
            found = await self._store.get_async(name)
            async for piece in found.stream(min_chunk_size=_BLOCK):
                write(bytes(piece))

    def put(self, name: str, path: str) -> None:
        self._wait(self._put(name, path))

    async def _put(self, name: str, path: str) -> None:
        with self._told("write", file_name(name)):
            await self._store.put_async(name, Path(path), chunk_size=_PART, max_concurrency=_PARTS)

    def delete(self, name: str) -> None:
        self._wait(self._delete(name))

    async def _delete(self, name: str) -> None:
        with suppress(MissingError), self._told("delete", file_name(name)):
            await self._store.delete_async(name)

    def fetch(self, entries: Sequence[Entry], directory: str) -> Iterator[tuple[Entry, str | CrdtctlError]]:
        limit = asyncio.Semaphore(self.parallel)

        async def save(entry: Entry, path: str) -> None:
            async with limit:
                with open(path, "wb") as file:
                    await self._get(entry.name, Sieve(entry, file.write))

        paths = [f"{directory}/{number}" for number in range(len(entries))]
        futures = [self._begin(save(entry, path)) for entry, path in zip(entries, paths, strict=True)]
        try:
            for entry, path, future in zip(entries, paths, futures, strict=True):
                try:
                    outcome(future)
                except CrdtctlError as error:
                    yield entry, error
                else:
                    yield entry, path
        finally:
            for future in futures:
                future.cancel()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(_LATER)  # it ends with us at the latest

    def _serve(self) -> None:
        """Run what is waited for, until it is over; what is then not done is cancelled."""
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._over.wait())

    def _wait(self, doing: Coroutine[Any, Any, _T]) -> _T:
        """Return what comes of it; an exception here, such as a signal's, cancels it."""
        future = self._begin(doing)
        try:
            return outcome(future)
        finally:
            future.cancel()

    def _begin(self, doing: Coroutine[Any, Any, _T]) -> Future[_T]:
        return asyncio.run_coroutine_threadsafe(self._in_time(doing), self._loop)

    async def _in_time(self, doing: Coroutine[Any, Any, _T]) -> _T:
        try:
            async with asyncio.timeout(self._deadline.remaining()):
                return await doing
        except TimeoutError:
            raise self._deadline.over() from None
        finally:
            doing.close()

    @contextmanager
    def _told(self, doing: str, name: str = "") -> Iterator[None]:
        """Say in one line what failed: never what the library says, which holds URLs and what servers answer."""
        from obstore.exceptions import BaseError, InvalidPathError

        try:
            yield
        except FileNotFoundError as error:
            raise self._failure(doing, name, str(error), 404) from None
        except InvalidPathError:
            raise UnavailableError(
                f"cannot {doing} {self._shown}: there is a name there that it cannot list: one with '//' or '..'",
                "delete that object, or choose another prefix",
            ) from None
        except BaseError as error:
            found = _STATUS.search(text := str(error))
            raise self._failure(doing, name, text, int(found[1]) if found else 0) from None

    def _failure(self, doing: str, name: str, text: str, status: int) -> CrdtctlError:
        hint = _PROVIDERS[self._scheme].credentials
        what = f"cannot {doing} {self._shown}{f'/{printable(name)}' if name else ''}"
        said, reached = _CODE.search(text), _REACHED.search(text)
        code = said[1] if said else ""
        why = f"{status} {code}".strip() if status else "the answer is not understood"
        if doing == "use":
            return AccessError(f"{what}: what the environment says of it is not complete, or not right", hint)
        if _FOR_CREDENTIALS.search(text):
            return AccessError(f"{what}: no credentials were found", hint)
        if status == 404 and name and doing != "write" and code not in _NO_BUCKET:
            return MissingError(f"{what}: it is not there")
        if status == 404:
            return UnavailableError(f"{what}: there is no such bucket ({why})", "make it, or see its name and endpoint")
        if status in (401, 403) or code in _EXPIRED:
            return AccessError(f"{what}: not allowed ({why})", "see the credentials, and what they are allowed to do")
        if status in (408, 429) or status >= 500:
            return TransientError(f"{what}: the server is busy or failing ({why})", "try again")
        if "InvalidCertificate" in text and reached:
            return UnavailableError(
                f"{what}: the certificate of {urlsplit(reached[1]).netloc} is not trusted", "see SSL_CERT_FILE"
            )
        if "HTTP error" in text and reached:
            return TransientError(f"{what}: {urlsplit(reached[1]).netloc} does not answer", "try again")
        if "HTTP error" in text or doing == "read":
            return TransientError(f"{what}: the connection was lost", "try again")
        return UnavailableError(f"{what}: {why}", "see its region and endpoint")


def _endpoints(provider: _Provider) -> set[str]:
    """Return the schemes of the endpoints that the environment gives; raise `UsageError` if one is none."""
    found = set()
    for variable in provider.endpoints:
        if value := os.environ.get(variable):
            address = _ENDPOINT.fullmatch(value)
            if address is None:
                raise UsageError(f"{variable} is no address of a server", "write it as https://HOST:PORT")
            found.add(address[1])
    return found


def _parse(url: str) -> tuple[str, str, str]:
    """Return the scheme, the bucket, and the prefix without slashes around it, as they are written.

    >>> _parse("s3://bucket/a%20b/c/")
    ('s3', 'bucket', 'a%20b/c')
    """
    scheme, _, rest = url.partition(":")
    scheme, found, rest = scheme.lower(), rest.startswith("//"), rest.removeprefix("//")
    bucket, _, prefix = rest.partition("/")
    prefix = prefix.strip("/")
    if not (found and _BUCKET.fullmatch(bucket)) or (prefix and not {"", ".", ".."}.isdisjoint(prefix.split("/"))):
        raise UsageError(f"'{printable(url)}' is no place in a bucket", f"write {scheme}://BUCKET/PREFIX")
    return scheme, bucket, prefix
