"""SQL over the views of a fleet, with DuckDB. Needs the extra ``fleet``.

Whole numbers are BIGNUM, so sums of any size are exact. ``label(labels, 'os')`` is the value of a label, or the
empty text, and ``part(name, 2)`` the second part of a name between dots. A query cannot read or write files.
"""

from __future__ import annotations

from crdtctl.errors import UsageError, printable
from crdtctl.fleet import views
from crdtctl.fleet.tables import arrow, require

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from crdtctl.fleet.observation import Observation

_MACROS = """
CREATE MACRO part(name, n) AS split_part(name, '.', n);
CREATE MACRO label(labels, key) AS coalesce(labels[key], '');
"""
#: Maximum number of rows in memory.
_ROWS = 10_000


def query(seen: Observation, sql: str) -> tuple[list[str], Iterator[Sequence[Any]]]:
    """Return the columns and the rows of the result of a query. Raise `UsageError` for a wrong one.

    A table exists for each view, see `crdtctl.fleet.views`. Only those that the query names are made.
    """
    require("duckdb")
    import duckdb

    connection = duckdb.connect(config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"})
    connection.execute(_MACROS)
    words = sql.lower()
    for name, view in views.VIEWS.items():
        if name in words:
            reader = arrow(seen, name)
            connection.register("incoming", reader)
            columns = [
                f'CAST("{column}_exact" AS BIGNUM) AS "{column}"' if kind == views.WHOLE else f'"{column}"'
                for column, kind in view.columns.items()
            ]
            connection.execute(f"CREATE TABLE {name} AS SELECT {', '.join(columns)} FROM incoming")  # noqa: S608
            connection.unregister("incoming")
    connection.execute("SET enable_external_access = false; SET lock_configuration = true")
    try:
        result = connection.execute(sql)
    except duckdb.Error as error:
        raise UsageError(f"the query is refused: {printable(' '.join(str(error).split()))}") from None
    if result is None:
        raise UsageError("the query is empty", "for example: SELECT name, value FROM totals")
    description = result.description or []
    whole = [place for place, column in enumerate(description) if str(column[1]) == "BIGNUM"]

    def rows() -> Iterator[Sequence[Any]]:
        while some := result.fetchmany(_ROWS):
            for one in some:
                row = list(one)
                for place in whole:  # these come as text
                    row[place] = None if row[place] is None else int(row[place])
                yield row

    return [column[0] for column in description], rows()
