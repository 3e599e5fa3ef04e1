"""Rows: hand-overs of short-lived clients."""

import sqlite3
import sys

from tests.bench.contest import Command, Contest, Rival
from tests.bench.ground import Ground
from tests.bench.process import Wrong

_NUMBER = 50
#: Each client counts, and hands over to a permanent replica by four merges. Every step is flushed to the disk.
_OURS = """
import sys
from crdtctl import Replica
hub, clients = Replica(sys.argv[1] + "/hub"), [Replica(f"{sys.argv[1]}/{n}") for n in range(int(sys.argv[2]))]
for client in clients:
    client.increment("hits", 3, tag="handoff")
    for to, of in ((hub, client), (client, hub), (hub, client), (client, hub)):
        to.merge_bytes(of.export_bytes())
"""
#: The same by hand: each client has a database, and the amounts in its outbox move to the server's database, once.
_BY_HAND = """
import sqlite3, sys
hub = sqlite3.connect(sys.argv[1] + "/hub.db", isolation_level=None)
for n in range(int(sys.argv[2])):
    client = sqlite3.connect(f"{sys.argv[1]}/{n}.db", isolation_level=None)
    client.execute("UPDATE count SET n = n + 3")
    client.execute("BEGIN IMMEDIATE")
    client.execute("INSERT INTO outbox SELECT 1 + coalesce((SELECT max(id) FROM outbox), 0), n FROM count")
    client.execute("UPDATE count SET n = 0")
    client.execute("COMMIT")
    for number, amount in client.execute("SELECT id, n FROM outbox").fetchall():
        hub.execute("BEGIN IMMEDIATE")
        seen = hub.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (n, number)).rowcount
        if seen:
            hub.execute("UPDATE count SET n = n + ?", (amount,))
        hub.execute("DELETE FROM seen WHERE client = ? AND id < ?", (n, number))
        hub.execute("COMMIT")
    client.execute("DELETE FROM outbox WHERE id < (SELECT max(id) FROM outbox)")
"""
_TABLES = "CREATE TABLE count (n); INSERT INTO count VALUES (0); CREATE TABLE outbox (id, n);"
_SEEN = "CREATE TABLE seen (client, id, UNIQUE (client, id));"


def hand_overs(ground: Ground) -> Contest:
    """Clients that each count once, and hand that over to one permanent replica."""
    directory = ground.empty("handoffs")
    words = [ground.crdtctl, "--replica"]
    ground.call([*words, directory / "hub", "init"])
    for number in range(_NUMBER):
        ground.call([*words, directory / str(number), "init", "--tier", "1"])
        _make(str(directory / f"{number}.db"), _TABLES)
    _make(str(directory / "hub.db"), _TABLES + _SEEN)

    def check(runs: int) -> None:
        found = ground.call([*words, directory / "hub", "show", "hits"]).strip()
        if found != str(3 * _NUMBER * runs):
            raise Wrong(f"{found} hits were handed over")

    def check_rival(runs: int) -> None:
        with sqlite3.connect(directory / "hub.db") as hub:
            (found,) = hub.execute("SELECT n FROM count").fetchone()
        if found != 3 * _NUMBER * runs:
            raise Wrong(f"{found} hits were moved")

    ours = _command(ground, "crdtctl", _OURS, str(directory))
    ours.check = check
    by_hand = _command(ground, "`sqlite3`, by hand", _BY_HAND, str(directory))
    by_hand.check = check_rival
    return Contest(ours=ours, rivals=[Rival(by_hand)])


def _make(path: str, script: str) -> None:
    with sqlite3.connect(path) as database:
        database.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;" + script)


def _command(ground: Ground, name: str, program: str, directory: str) -> Command:
    """Return a program that hands over `_NUMBER` counts."""
    return Command(
        name=name,
        processes=[[sys.executable, "-c", program, directory, str(_NUMBER)]],
        directory=directory,
        environment=ground.environment,
    )
