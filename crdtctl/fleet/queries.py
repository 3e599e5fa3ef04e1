"""SQL over the views of a fleet, with DuckDB. Needs the extra ``fleet``.

Whole numbers are HUGEINT, or BIGNUM if one of them has more than 28 digits, so sums are exact.
Products and quotients of BIGNUM are not. ``label(labels, 'os')`` is the value of a label, or the
empty text, and ``part(name, 2)`` the second part of a name between dots. A query cannot read or write files.
"""

from __future__ import annotations

from crdtctl.errors import UsageError, printable
from crdtctl.fleet import views
from crdtctl.fleet.tables import arrow, require

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any

    import duckdb

    from crdtctl.fleet.observation import Observation

_MACROS = """
CREATE MACRO part(name, n) AS split_part(name, '.', n);
CREATE MACRO label(labels, key) AS coalesce(labels[key], '');
"""
#: Maximum number of rows in memory.
_ROWS = 10_000
#: Maximum number of digits of numbers whose sums fit into 128 bits, however many there are.
_SHORT = 28


def query(seen: Observation, sql: str) -> tuple[list[str], Iterator[Sequence[Any]]]:
    """Return the columns and the rows of the result of a query. Raise `UsageError` for a wrong one.

    A table exists for each view, see `crdtctl.fleet.views`. Only those that the query names are made.
    """
    require("duckdb")
    import duckdb

    connection = duckdb.connect(config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"})
    connection.execute("SET enable_progress_bar = false")
    connection.execute(_MACROS)
    try:
        statements = connection.extract_statements(sql)
    except duckdb.Error as error:
        raise _refused(error) from None
    if len(statements) != 1 or statements[0].type not in (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN):
        raise UsageError("a query is one SELECT", "for example: SELECT name, value FROM totals")
    words = sql.lower()
    named = [name for name in views.VIEWS if name in words]
    for name in named or views.VIEWS:  # without a name, the query may be about the tables themselves
        _load(connection, seen, name)
    connection.execute("SET enable_external_access = false; SET lock_configuration = true")
    try:
        result = _interruptible(connection, sql)
    except duckdb.Error as error:
        raise _refused(error) from None
    description = result.description or []
    whole = [place for place, column in enumerate(description) if str(column[1]) == "BIGNUM"]

    def rows() -> Iterator[Sequence[Any]]:
        while some := result.fetchmany(_ROWS):
            for one in some:
                row = list(one)
                for place in whole:  # these come as text
                    row[place] = None if row[place] is None else int(row[place])
                yield row

    return _distinct(column[0] for column in description), rows()


def _load(connection: duckdb.DuckDBPyConnection, seen: Observation, name: str) -> None:
    """Make the table of a view. Its whole numbers are HUGEINT if all are short enough for sums of them, else BIGNUM."""
    view = views.VIEWS[name]
    connection.register("stream", arrow(seen, name))
    connection.execute("CREATE TEMP TABLE incoming AS SELECT * FROM stream")
    connection.unregister("stream")
    columns = []
    for column, kind in view.columns.items():
        if kind != views.WHOLE:
            columns.append(f'"{column}"')
            continue
        found = connection.execute(f'SELECT max(length("{column}_exact")) FROM incoming').fetchone()  # noqa: S608
        longest = (found and found[0]) or 0
        number = "HUGEINT" if longest <= _SHORT else "BIGNUM"
        columns.append(f'CAST("{column}_exact" AS {number}) AS "{column}"')
    connection.execute(f"CREATE TABLE {name} AS SELECT {', '.join(columns)} FROM incoming")  # noqa: S608
    connection.execute("DROP TABLE incoming")


def _interruptible(connection: duckdb.DuckDBPyConnection, sql: str) -> duckdb.DuckDBPyConnection:
    """Run a query in a thread, so that a signal can end it."""
    from concurrent.futures import ThreadPoolExecutor

    from crdtctl.sync.transport import interruptible_result

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(connection.execute, sql)
        try:
            return interruptible_result(running)
        except BaseException:
            connection.interrupt()
            raise


def _refused(error: Exception) -> UsageError:
    return UsageError(f"the query is refused: {printable(' '.join(str(error).split()))}")


def _distinct(names: Iterable[str]) -> list[str]:
    """Return names of columns, with a number after each one that came before."""
    found: list[str] = []
    for name in names:
        number, unique = 0, name
        while unique in found:
            number += 1
            unique = f"{name}_{number}"
        found.append(unique)
    return found
