"""Totals of all replicas at a remote, for a reader that has no replica and writes nothing there.

A **fleet** is all replicas with an object at a remote. `observe` reads the objects, and joins them with the code of a
merge. So the totals are those of ``merge`` and ``show``, for every type, and the same files are refused.

``observation``  reads and joins the objects of a remote
``views``        rows of tables, made from the joined counters
``tables``       rows in files: CSV, JSON lines, Parquet, Arrow
``queries``      SQL over the tables
"""

from crdtctl.fleet.observation import Observation, observe

__all__ = ["Observation", "observe"]
