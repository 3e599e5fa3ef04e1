"""Counters that many machines change while they are apart, with no server and the right total.

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

They meet at remotes as well, in any folder, say:

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

TYPE_CHECKING = False  # what typing.TYPE_CHECKING says, without the cost of importing typing
if TYPE_CHECKING:
    from crdtctl.store.replica import Replica
    from crdtctl.sync.remotes import synchronize

__all__ = ["Replica", "__version__", "synchronize"]


def __getattr__(name: str) -> object:
    if name == "Replica":
        from crdtctl.store.replica import Replica

        return Replica
    if name == "synchronize":
        from crdtctl.sync.remotes import synchronize

        return synchronize
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
