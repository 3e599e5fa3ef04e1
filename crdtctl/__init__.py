"""Counters that many machines change offline, without a server, and that always add up.

>>> import tempfile
>>> from crdtctl import Replica
>>> with tempfile.TemporaryDirectory() as home:
...     here = Replica.init(f"{home}/here", name="here")
...     there = Replica.init(f"{home}/there", name="there")
...     here.increment("builds", 3)
...     there.increment("builds", 4)
...     _ = here.merge_bytes(there.export_bytes())
...     here.value("builds")
7

Replicas also exchange states through remotes, for example through any folder:

>>> from crdtctl import synchronize
>>> with tempfile.TemporaryDirectory() as home:
...     here = Replica.init(f"{home}/here", name="here")
...     there = Replica.init(f"{home}/there", name="there")
...     here.increment("builds", 3)
...     there.increment("builds", 4)
...     for replica in (here, there, here):
...         _ = synchronize(replica, f"{home}/shared")
...     here.value("builds")
7

The public names are imported when they are first used: a plain increment from the shell needs none of them.
"""

__version__ = "0.1.0"

TYPE_CHECKING = False  # the value of typing.TYPE_CHECKING, without the cost of importing typing
if TYPE_CHECKING:
    from crdtctl import errors
    from crdtctl.crdt.names import counter_fault
    from crdtctl.errors import CrdtctlError
    from crdtctl.store.apply import Commit
    from crdtctl.store.batch import Batch
    from crdtctl.store.batching import BatchingCounter
    from crdtctl.store.merge import MergeReport
    from crdtctl.store.reading import Reading
    from crdtctl.store.replica import Replica
    from crdtctl.store.snapshot import Snapshot
    from crdtctl.store.totals import Total
    from crdtctl.sync.asynchronous import AsyncReplica
    from crdtctl.sync.remotes import synchronize
    from crdtctl.sync.report import Options, SyncReport

__all__ = [
    "AsyncReplica",
    "Batch",
    "BatchingCounter",
    "Commit",
    "CrdtctlError",
    "MergeReport",
    "Options",
    "Reading",
    "Replica",
    "Snapshot",
    "SyncReport",
    "Total",
    "__version__",
    "counter_fault",
    "errors",
    "synchronize",
]

if not TYPE_CHECKING:  # type checkers know the names from above, and report any other
    _HOMES = {
        "AsyncReplica": "crdtctl.sync.asynchronous",
        "Batch": "crdtctl.store.batch",
        "BatchingCounter": "crdtctl.store.batching",
        "Commit": "crdtctl.store.apply",
        "CrdtctlError": "crdtctl.errors",
        "MergeReport": "crdtctl.store.merge",
        "Options": "crdtctl.sync.report",
        "Reading": "crdtctl.store.reading",
        "Replica": "crdtctl.store.replica",
        "Snapshot": "crdtctl.store.snapshot",
        "SyncReport": "crdtctl.sync.report",
        "Total": "crdtctl.store.totals",
        "counter_fault": "crdtctl.crdt.names",
        "synchronize": "crdtctl.sync.remotes",
    }

    def __getattr__(name):
        if name not in __all__:  # a module of ours, before it is imported: nothing else is imported for it
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        import sys

        home = _HOMES.get(name, "crdtctl.errors")
        __import__(home)  # `importlib` would be imported for this alone
        return sys.modules[home] if name == "errors" else getattr(sys.modules[home], name)

    def __dir__():
        return __all__
