"""A bucket of S3, Google Cloud Storage or Azure Blob Storage, or of a compatible server, with ``obstore``.

``obstore`` finds credentials and endpoints in the environment (``AWS_…``, ``GOOGLE_…``, ``AZURE_…``), in gcloud's
application default credentials, and in the metadata of the machine or container. It does not read ``~/.aws``; ``aws
configure export-credentials --format env`` prints those settings as variables.

Conditional puts are not used, because many servers accept a condition and overwrite the object all the same. Operations
run in a thread of their own, so that a signal ends them at once.
"""

import asyncio
import os
import re
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from crdtctl.errors import (
    AccessError,
    CrdtctlError,
    MissingError,
    UnavailableError,
    UsageError,
    printable,
)
from crdtctl.sync.local_files import LocalFile, LocalFiles
from crdtctl.sync.schemes import Endpoint
from crdtctl.sync.transport import (
    CHECK_PREFIX,
    STALE_SECONDS,
    LimitedWriter,
    ListedObject,
    Transport,
    checked_name,
    interruptible_result,
    is_draft,
)
from crdtctl.sync.transports.bucket.errors import Failed, failure, status_in

if TYPE_CHECKING:
    from obstore.store import AzureStore, ClientConfig, GCSStore, RetryConfig, S3Store

_T = TypeVar("_T")
_READ_SIZE = 2**18
#: Size of the parts of larger objects, and the number of parts that are sent at the same time, from memory.
_PART, _PARTS = 2**23, 4
#: Number of retries of a request, as in the providers' own tools.
_RETRIES = 2
#: Seconds between the end of the deadline, with its clear message, and the library's own timeout.
_EXTRA_SECONDS = 1.0
_ENDPOINT_HINT = "check its endpoint, and whether this network requires a log-in"


class _Provider(NamedTuple):
    """The differences between providers: the variables for an endpoint, and the hint for missing credentials."""

    endpoints: tuple[str, ...]
    credentials: str


_PROVIDERS: Final = {
    "s3": _Provider(
        ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
        "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; 'aws configure export-credentials --format env' prints those"
        " of a profile",
    ),
    "gs": _Provider(
        ("GOOGLE_BASE_URL",), "set GOOGLE_APPLICATION_CREDENTIALS, or run 'gcloud auth application-default login'"
    ),
    "az": _Provider(
        ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"),
        "set AZURE_STORAGE_ACCOUNT_NAME, and AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_SAS_TOKEN",
    ),
}
#: Valid endpoints and buckets. Others crash the library.
_ENDPOINT = re.compile(r"(https?)://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?(?:/[!-~]*)?")
_BUCKET = re.compile(r"[A-Za-z0-9._$-]+")


class Bucket(Transport):
    """The objects directly below a prefix; ``/`` divides names as if there were folders."""

    parallel = 16

    def __init__(self, place: Endpoint) -> None:
        self._scheme, bucket, prefix = _parse(place.address)
        self._shown = printable(place.address)
        self._deadline = place.deadline
        self._store = self._open(bucket, prefix)
        self._drafts: Mapping[str, datetime] = {}
        self._loop = asyncio.new_event_loop()
        self._over = asyncio.Event()
        self._thread = Thread(target=self._serve, name=f"crdtctl {self._scheme}", daemon=True)
        self._thread.start()

    def _open(self, bucket: str, prefix: str) -> "S3Store | GCSStore | AzureStore":
        """Return the store of the library. It does not connect yet."""
        try:
            from obstore.store import AzureStore, GCSStore, S3Store
        except ImportError:
            raise UnavailableError(
                f"{self._scheme}:// needs the package obstore", "run: pip install 'crdtctl[cloud]'"
            ) from None
        left = timedelta(seconds=self._deadline.remaining() + _EXTRA_SECONDS)
        endpoints = _endpoints(_PROVIDERS[self._scheme])
        client: ClientConfig = {"timeout": left, "allow_http": "http" in endpoints}
        retry: RetryConfig = {"max_retries": _RETRIES, "retry_timeout": left}
        with self._translating_errors("use"):
            match self._scheme:
                case "s3":
                    return S3Store(
                        bucket,
                        prefix=prefix,
                        config={"disable_bulk_delete": True},  # some servers do not support it
                        client_options=client,
                        retry_config=retry,
                    )
                case "gs":
                    return GCSStore(bucket, prefix=prefix, client_options=client, retry_config=retry)
                case _:
                    return AzureStore(bucket, prefix=prefix, client_options=client, retry_config=retry)

    def list(self) -> Sequence[ListedObject]:
        return self._wait(self._list())

    async def _list(self) -> Sequence[ListedObject]:
        with self._translating_errors("list"):
            found = await self._store.list_with_delimiter_async()
        if not found["objects"] and not found["common_prefixes"]:
            await self._expect_nothing()
        self._drafts = {one["path"]: one["last_modified"] for one in found["objects"] if is_draft(one["path"])}
        return [
            ListedObject(one["path"], one["size"], one["e_tag"] or one["last_modified"].isoformat())
            for one in found["objects"]
            if one["path"]  # not the prefix itself, which web consoles make for a folder
        ]

    async def _expect_nothing(self) -> None:
        """Raise `UnavailableError` if the server answers for a random name, as a server of web pages does.

        The library accepts any XML as a listing, even an unrelated document as an empty one.
        """
        with suppress(MissingError, AccessError):
            with self._translating_errors("look for a name at", name := f"{CHECK_PREFIX}{os.urandom(8).hex()}"):
                await self._store.head_async(name)
            raise UnavailableError(
                f"cannot list {self._shown}: the server does not answer like one with buckets", _ENDPOINT_HINT
            )

    def get(self, name: str, write: Callable[[bytes], object]) -> None:
        self._wait(self._get(name, write))

    async def _get(self, name: str, write: Callable[[bytes], object]) -> None:
        with self._translating_errors("read", checked_name(name)):
            found = await self._store.get_async(name)
            kind = str(found.attributes.get("Content-Type", ""))
            if kind.startswith("text/html") and not name.lower().endswith((".html", ".htm")):
                raise UnavailableError(
                    f"{self._shown} answers with a web page instead of {printable(name)}", _ENDPOINT_HINT
                )
            async for piece in found.stream(min_chunk_size=_READ_SIZE):
                write(bytes(piece))

    def put(self, name: str, path: str) -> None:
        self._wait(self._put(name, path))

    async def _put(self, name: str, path: str) -> None:
        with self._translating_errors("write", checked_name(name)):
            await self._store.put_async(name, Path(path), chunk_size=_PART, max_concurrency=_PARTS)
        await self._sweep()

    async def _sweep(self) -> None:
        """Delete the files of killed checks. Servers refuse requests with a wrong time, so the local clock is right."""
        drafts, self._drafts = self._drafts, {}
        for name, made in drafts.items():
            if time.time() - made.timestamp() > STALE_SECONDS:
                with suppress(CrdtctlError):
                    await self._delete(name)

    def delete(self, name: str) -> None:
        self._wait(self._delete(name))

    async def _delete(self, name: str) -> None:
        with suppress(MissingError), self._translating_errors("delete", checked_name(name)):
            await self._store.delete_async(name)

    def fetch(
        self, entries: Sequence[ListedObject], directory: str
    ) -> Iterator[tuple[ListedObject, LocalFile | CrdtctlError]]:
        limit = asyncio.Semaphore(self.parallel)
        files = LocalFiles(directory)

        async def save(entry: ListedObject) -> LocalFile:
            async with limit:
                with files.new() as incoming:
                    await self._get(entry.name, LimitedWriter(entry, incoming.write))
                    return incoming.finish()

        futures = [self._begin(save(entry)) for entry in entries]
        try:
            for entry, future in zip(entries, futures, strict=True):
                try:
                    yield entry, interruptible_result(future)
                except CrdtctlError as error:
                    yield entry, error
        finally:
            for future in futures:
                future.cancel()
            files.close()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(_EXTRA_SECONDS)  # at the latest it ends with the process

    def _serve(self) -> None:
        """Run operations until the transport is closed; cancel unfinished ones."""
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._over.wait())

    def _wait(self, doing: Coroutine[Any, Any, _T]) -> _T:
        """Return the result of an operation. An exception in this thread, such as a signal's, cancels it."""
        future = self._begin(doing)
        try:
            return interruptible_result(future)
        finally:
            future.cancel()

    def _begin(self, doing: Coroutine[Any, Any, _T]) -> Future[_T]:
        return asyncio.run_coroutine_threadsafe(self._in_time(doing), self._loop)

    async def _in_time(self, doing: Coroutine[Any, Any, _T]) -> _T:
        try:
            async with asyncio.timeout(self._deadline.remaining()):
                return await doing
        except TimeoutError:
            raise self._deadline.error() from None
        finally:
            doing.close()

    @contextmanager
    def _translating_errors(self, doing: str, name: str = "") -> Iterator[None]:
        """Raise an error for users. The library's messages contain URLs and responses, so they are not shown."""
        from obstore.exceptions import BaseError, InvalidPathError

        try:
            yield
        except FileNotFoundError as error:
            raise self._failure(doing, name, str(error), 404) from None
        except InvalidPathError:
            raise UnavailableError(
                f"cannot {doing} {self._shown}: the name of an object contains '//' or '..'",
                "delete that object, or choose another prefix",
            ) from None
        except BaseError as error:
            raise self._failure(doing, name, text := str(error), status_in(text)) from None

    def _failure(self, doing: str, name: str, text: str, status: int) -> CrdtctlError:
        hint = _PROVIDERS[self._scheme].credentials
        what = f"cannot {doing} {self._shown}{f'/{printable(name)}' if name else ''}"
        if doing == "use":
            return AccessError(f"{what}: its settings in the environment are incomplete or wrong", hint)
        return failure(Failed(doing, what, bool(name), text, status), hint)


def _endpoints(provider: _Provider) -> set[str]:
    """Return the schemes of the endpoints in the environment; raise `UsageError` if an endpoint is invalid."""
    found = set()
    for variable in provider.endpoints:
        if value := os.environ.get(variable):
            address = _ENDPOINT.fullmatch(value)
            if address is None:
                raise UsageError(f"{variable} is not a valid address of a server", "write it as https://HOST:PORT")
            found.add(address[1])
    return found


def _parse(url: str) -> tuple[str, str, str]:
    """Return the scheme, the bucket, and the prefix without slashes around it, all unchanged.

    >>> _parse("s3://bucket/a%20b/c/")
    ('s3', 'bucket', 'a%20b/c')
    """
    scheme, _, rest = url.partition(":")
    scheme, found, rest = scheme.lower(), rest.startswith("//"), rest.removeprefix("//")
    bucket, _, prefix = rest.partition("/")
    prefix = prefix.strip("/")
    if not (found and _BUCKET.fullmatch(bucket)) or (prefix and not {"", ".", ".."}.isdisjoint(prefix.split("/"))):
        raise UsageError(f"'{printable(url)}' is not a valid bucket or prefix", f"write {scheme}://BUCKET/PREFIX")
    return scheme, bucket, prefix
