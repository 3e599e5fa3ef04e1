"""A usage log is added up each night on several machines, and each token counts once."""

import json
import random
import shutil
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.examples.recipes import EXAMPLES, Machine

RECIPE = EXAMPLES / "usage-over-machines.sh"
DAYS, LINES = 40, 5_000
BEGIN = datetime(2026, 2, 1, tzinfo=UTC)

pytestmark = pytest.mark.skipif(shutil.which("jq") is None, reason="the recipe needs jq")


def usage() -> list[dict[str, str | int]]:
    """Return the lines of a made-up log, of two machines, in order."""
    chance = random.Random(13)
    times = sorted(BEGIN + timedelta(seconds=chance.randrange(DAYS * 86_400)) for _ in range(LINES))
    return [
        {
            "date": time.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "machine": chance.choice(("laptop", "desktop")),
            "model": chance.choice(("large", "small")),
            "project": chance.choice(("web", "cli")),
            "in": chance.randrange(1, 5_000),
            "out": chance.randrange(500),
        }
        for time in times
    ]


def added_up(lines: list[dict[str, str | int]], *, days: int) -> tuple[dict[str, int], dict[str, int]]:
    """Return the tokens of the last days of the log, by day and model, and by machine."""
    first = (BEGIN + timedelta(days=DAYS - days)).strftime("%Y-%m-%d")
    by_day: Counter[str] = Counter()
    by_machine: Counter[str] = Counter()
    for line in lines:
        if str(line["date"]) >= first:
            tokens = int(line["in"]) + int(line["out"])
            by_day[f"{str(line['date'])[:10]} {line['model']}"] += tokens
            by_machine[str(line["machine"])] += tokens
    return by_day, by_machine


def shown(machine: Machine, days: int) -> tuple[dict[str, int], dict[str, int], int]:
    """Return what the recipe prints: by day and model, by machine, and together."""
    since, until = (BEGIN + timedelta(days=DAYS - days), BEGIN + timedelta(days=DAYS - 1))
    text = machine.ok([RECIPE, "show", f"{since:%Y-%m-%d}", f"{until:%Y-%m-%d}"])
    _, rest = text.split("by day and model:\n")
    by_day, rest = rest.split("by machine:\n")
    by_machine, together = rest.split("together:\n")
    (_, *models), *rows = [line.split("\t") for line in by_day.splitlines()]
    found = {f"{day} {model}": int(cell) for day, *cells in rows for model, cell in zip(models, cells, strict=True)}
    (_, *names), (_, *totals) = [line.split("\t") for line in by_machine.splitlines()]
    return found, dict(zip(names, map(int, totals), strict=True)), int(together)


def write(path: Path, lines: list[dict[str, str | int]]) -> Path:
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return path


def test_each_token_counts_once_however_often_and_on_however_many_machines_the_logs_are_added_up(
    machine: Callable[[str], Machine], tmp_path: Path
) -> None:
    machine("admin").ok(["git", "init", "-q", "--bare", tmp_path / "usage.git"])
    remote = f"git+file://{tmp_path}/usage.git"
    names = {"GIT_AUTHOR_NAME": "x", "GIT_AUTHOR_EMAIL": "x@example.org", "GIT_CONFIG_NOSYSTEM": "1"}
    names |= {"GIT_COMMITTER_NAME": "x", "GIT_COMMITTER_EMAIL": "x@example.org"}
    laptop, desktop, hub = machines = [machine(name).with_environment(**names) for name in ("laptop", "desktop", "hub")]
    for one in machines:
        one.ok("crdtctl init >/dev/null")
    lines = usage()
    whole, half = write(tmp_path / "whole.jsonl", lines), write(tmp_path / "half.jsonl", lines[: LINES // 2])

    laptop.ok([RECIPE, "scan", remote, half])
    desktop.ok([RECIPE, "scan", remote, whole])
    hub.ok([RECIPE, "scan", remote, half])  # a copy that lags behind
    for one in machines:
        one.ok(["crdtctl", "sync", "--quiet", remote])
    for days in (DAYS, 30):
        by_day, by_machine = added_up(lines, days=days)
        for one in machines:
            assert shown(one, days) == (by_day, by_machine, sum(by_machine.values()))

    laptop.ok([RECIPE, "scan", remote, whole])
    shutil.rmtree(desktop.home / ".local", ignore_errors=True)
    shutil.rmtree(desktop.home / ".crdtctl", ignore_errors=True)
    desktop.ok("crdtctl init >/dev/null")  # it was installed again
    desktop.ok([RECIPE, "scan", remote, whole])
    laptop.ok([RECIPE, "scan", remote, whole])
    by_day, by_machine = added_up(lines, days=DAYS)
    for one in (laptop, desktop):
        assert shown(one, DAYS) == (by_day, by_machine, sum(by_machine.values()))
