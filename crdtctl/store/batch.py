"""The verbs that count, and a batch of them that becomes one commit.

Each verb imports `crdtctl.store.requests` itself: a replica that merges or is shown needs nothing of it.
"""

from __future__ import annotations

from crdtctl.errors import UsageError
from crdtctl.records import ABC, abstractmethod

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from decimal import Decimal
    from types import TracebackType
    from typing import Self

    from crdtctl.crdt.readings import OnDrop
    from crdtctl.store.commit import Request

#: Verbs that a batch with a key of its own may contain: under the key, or by themselves, they can be repeated safely.
_REPEATABLE = ("increment", "decrement", "add", "observe")


class Verbs(ABC):
    """The verbs that a replica and a batch share.

    A counter may have labels, which are a part of its identity: ``increment("tests", labels={"os": "linux"})`` counts
    the same counter as ``increment('tests{os="linux"}')``. `labels` win over those in a name.
    """

    @abstractmethod
    def _ask(self, request: Request) -> None:
        """Carry out a request, now or with the others of a batch."""

    def create(
        self,
        name: str,
        tag: str,
        *,
        bound: int | None = None,
        initial: int | None = None,
        precision: int | None = None,
        error: str | float | None = None,
        every: str | None = None,
        keep: float | None = None,
        source: str | None = None,
        also: bool = False,
        labels: Mapping[str, str] | None = None,
    ) -> None:
        """Declare a counter of type `tag`. Raise `ExistsError` if it exists, in this type or in another one.

        With `also`, it may have several types. A bcounter never falls below `bound` (default 0), and begins at
        `initial` (default: at its bound). The `precision` of an hll, 4 to 16, is the logarithm of its size: see
        `crdtctl.crdt.hyperloglog`. The `error` of a hist is the largest relative error of its quantiles, default 0.01.
        With a `source`, a gcounter or pncounter begins with the reading `initial` of it, see `observe`. With `every`
        (``15m``, ``hour`` or ``day``), it keeps the counts of each such period, for `keep` seconds; then it may exist.
        Raise `RefusedError` if its periods are finer already.
        """
        from crdtctl.store import requests

        begins = {"bound": bound, "initial": initial, "precision": precision}
        self._ask(
            requests.create(
                name, tag, **begins, error=error, source=source, every=every, keep=keep, also=also, labels=labels
            )
        )

    def increment(
        self,
        name: str,
        amount: int = 1,
        *,
        once: str | None = None,
        tag: str | None = None,
        also: bool = False,
        labels: Mapping[str, str] | None = None,
        at: float | None = None,
    ) -> None:
        """Count `amount` (≥ 0) up. An idempotency key `once` makes it count a single time across all replicas.

        Raise `RefusedError` if the key was used for another amount. Raise `ExistsError` if the counter exists in
        another type than `tag`. With `also`, it has both types from then on. If it keeps periods, the amount is in the
        one of the time `at`, in seconds since 1970, or of now.
        """
        from crdtctl.store import requests

        self._ask(requests.increment(name, amount, once=once, tag=tag, also=also, labels=labels, at=at))

    def decrement(
        self,
        name: str,
        amount: int = 1,
        *,
        once: str | None = None,
        tag: str | None = None,
        also: bool = False,
        labels: Mapping[str, str] | None = None,
        at: float | None = None,
    ) -> None:
        """Count `amount` (≥ 0) down. Raise `RefusedError` for a type that only grows."""
        from crdtctl.store import requests

        self._ask(requests.decrement(name, amount, once=once, tag=tag, also=also, labels=labels, at=at))

    def add(
        self,
        name: str,
        *elements: str | Iterable[str],
        tag: str | None = None,
        also: bool = False,
        labels: Mapping[str, str] | None = None,
        at: float | None = None,
    ) -> None:
        """Add elements to a set: strings, or iterables of strings; `at` a time in seconds since 1970, or now."""
        from crdtctl.store import requests
        from crdtctl.store.validation import flattened

        self._ask(requests.add(name, flattened(elements), tag=tag, also=also, labels=labels, at=at))

    def add_numbers(
        self,
        name: str,
        *numbers: float | str | Decimal,
        once: str | None = None,
        also: bool = False,
        labels: Mapping[str, str] | None = None,
        at: float | None = None,
    ) -> None:
        """Add numbers to a hist, which is created if it does not exist, `at` a time in seconds since 1970, or now.

        They have at most 30 digits before the decimal point and 30 after it. An idempotency key `once` makes them
        count a single time across all replicas. Raise `UsageError` for a wrong number, and `RefusedError` if the key
        was used for other numbers.
        """
        from crdtctl.crdt.hist import Hist
        from crdtctl.store import requests
        from crdtctl.store.validation import typed_numbers

        found = typed_numbers(numbers)
        self._ask(requests.add(name, found, once=once, tag=Hist.tag, also=also, labels=labels, at=at))

    def observe(
        self,
        name: str,
        total: int,
        *,
        source: str,
        on_drop: OnDrop = "refuse",
        at: float | None = None,
        tag: str | None = None,
        also: bool = False,
        labels: Mapping[str, str] | None = None,
    ) -> None:
        """Record that the meter `source` reads `total` (≥ 0), which counts a single time across all replicas.

        On read, the largest reading of each source counts. Raise `RefusedError` for one that is below what is known,
        unless `on_drop` is ``restart``: then it counts beside the earlier ones, or ``ignore``: then it does not count.
        With `at`, seconds since 1970, it is the reading of a period, which is part of the source.
        """
        from crdtctl.store import requests

        found = requests.observe(name, total, source=source, on_drop=on_drop, at=at, tag=tag, also=also, labels=labels)
        self._ask(found)

    def reset(self, name: str, *, tag: str | None = None, labels: Mapping[str, str] | None = None) -> None:
        """Cancel all counts of all replicas that this replica knows.

        Counts that it does not know, and later ones, still count. A used idempotency key stays used. Raise
        `MissingError` for an unknown counter and `RefusedError` for a type that cannot be reset.
        """
        from crdtctl.store import requests

        self._ask(requests.reset(name, tag=tag, labels=labels))


class Batch(Verbs):
    """Operations that become one commit, all or none, when the context ends without an exception.

    Outside of its context a batch refuses operations with `UsageError`: nothing would count them.
    """

    def __init__(self, commit: Callable[[list[Request]], object], once: str | None = None) -> None:
        self._commit = commit
        self._once = once
        self._requests: list[Request] = []
        self._is_open = False

    def transfer(self, name: str, to: str, amount: int, *, source: str = "") -> None:
        """Give rights to another replica, see `Replica.transfer`. `to` and `source` are whole ids."""
        from crdtctl.store import requests

        self._ask(requests.transfer(name, to, amount, source=source))

    def request(self, name: str, holder: str, amount: int) -> None:
        """Ask for rights, see `Replica.request`. `holder` is a whole id."""
        from crdtctl.store import requests

        self._ask(requests.ask(name, holder, amount))

    def _ask(self, request: Request) -> None:
        if not self._is_open:
            raise UsageError("a batch counts nothing outside of its context", "use 'with replica.batch() as batch:'")
        if self._once is not None and request.operation.verb not in _REPEATABLE:
            raise UsageError(
                f"a batch with a key cannot {request.operation.verb}: done again, it would be done twice",
                "leave the key out, or do it outside of the batch",
            )
        self._requests.append(request)

    def __enter__(self) -> Self:
        self._is_open = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        found, self._requests = self._requests, []
        self._is_open = False
        if kind is None:
            from crdtctl.store import requests

            self._commit(found if self._once is None else requests.under_key(found, self._once))
