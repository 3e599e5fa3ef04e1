"""Views as Arrow tables, and as files of Parquet and Arrow. Needs the extra ``fleet``.

A whole number is in two columns: ``value`` with up to 38 digits, and ``value_exact`` with all digits as text. The first
one is NULL for larger numbers, because neither format has them.
"""

from __future__ import annotations

from itertools import islice

from crdtctl.errors import UnavailableError
from crdtctl.fleet import views

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, BinaryIO

    import pyarrow as pa

    from crdtctl.fleet.observation import Observation

#: Maximum number of rows in memory.
_ROWS = 2**16
_MAX = 10**38


def arrow(seen: Observation, name: str) -> pa.RecordBatchReader:
    """Return a view as a stream of record batches, to be read while the observation lasts. Raise `UsageError`."""
    require("pyarrow")
    import pyarrow as pa

    view = views.view(name)
    kinds = {
        views.TEXT: pa.string(),
        views.LABELS: pa.map_(pa.string(), pa.string()),
        views.WHOLE: pa.decimal128(38, 0),
        views.NUMBER: pa.float64(),
        views.TIME: pa.timestamp("s", tz="UTC"),
    }
    fields = [(column, kinds[kind]) for column, kind in view.columns.items()]
    exact = [place for place, kind in enumerate(view.columns.values()) if kind == views.WHOLE]
    names = [*view.columns]
    fields += [(f"{names[place]}_exact", pa.string()) for place in exact]
    schema = pa.schema(fields)

    def batches() -> Iterator[pa.RecordBatch]:
        with seen.replica.snapshot() as now:
            rows = view.rows(seen, now)
            while some := [*islice(rows, _ROWS)]:
                columns: list[Sequence[Any]] = [*zip(*some, strict=True)]
                texts = [[str(number) for number in columns[place]] for place in exact]
                for place in exact:
                    columns[place] = [number if abs(number) < _MAX else None for number in columns[place]]
                for place, kind in enumerate(view.columns.values()):
                    if kind == views.LABELS:
                        columns[place] = [[*labels.items()] for labels in columns[place]]
                arrays = [
                    pa.array(values, type=field.type) for values, field in zip([*columns, *texts], schema, strict=True)
                ]
                yield pa.record_batch(arrays, schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())


def write_parquet(seen: Observation, name: str, file: BinaryIO) -> None:
    """Write a view to a file of Parquet, compressed with zstd."""
    require("pyarrow")
    from pyarrow import parquet

    reader = arrow(seen, name)
    with parquet.ParquetWriter(file, reader.schema, compression="zstd") as writer:
        for batch in reader:
            writer.write_batch(batch)


def write_arrow(seen: Observation, name: str, file: BinaryIO) -> None:
    """Write a view to a file of Arrow (IPC, "feather")."""
    require("pyarrow")
    from pyarrow import ipc

    reader = arrow(seen, name)
    with ipc.new_file(file, reader.schema) as writer:
        for batch in reader:
            writer.write_batch(batch)


def require(package: str) -> None:
    """Raise `UnavailableError` if a package of the extra is not installed."""
    from importlib.util import find_spec

    if find_spec(package) is None:
        raise UnavailableError(f"this needs the package {package}", "run: pip install 'crdtctl[fleet]'")
