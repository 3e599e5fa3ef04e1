"""The row of metrics: the text for Prometheus, against the official client, which makes the same series."""

import json
import sys
from importlib.util import find_spec

from tests.bench.contest import Command, Contest, Rival
from tests.bench.ground import Ground
from tests.bench.process import Wrong

_SERIES = 100_000
_CLIENT = f"""
import sys
from prometheus_client import CollectorRegistry, Counter, disable_created_metrics, generate_latest
disable_created_metrics()
registry = CollectorRegistry()
views = Counter("page_views", "page.views (gcounter)", ["os", "path"], registry=registry)
for number in range({_SERIES}):
    views.labels("linux", f"/{{number}}").inc(number)
sys.stdout.buffer.write(generate_latest(registry))
"""


def prom(ground: Ground) -> Contest:
    """Print many series in the text format of Prometheus."""
    directory = ground.replica("exposed")
    lines = (
        json.dumps({"name": "page.views", "labels": {"os": "linux", "path": f"/{number}"}, "amount": number})
        for number in range(_SERIES)
    )
    ground.call([ground.crdtctl, "create", "page.views", "--type", "gcounter"], directory)
    ground.batch(directory, lines)

    def command(words: list[str], shown: str, file: str) -> Command:
        output = directory / file

        def check(runs: int) -> None:
            samples = [line for line in output.read_text().splitlines() if line.startswith("page_views_total{")]
            total = sum(float(line.rpartition(" ")[2]) for line in samples)
            if (len(samples), total) != (_SERIES, _SERIES * (_SERIES - 1) // 2):
                raise Wrong(f"{shown} printed {len(samples)} series with the sum {total}")

        return Command(
            name=shown,
            processes=[words],
            directory=str(directory),
            environment=ground.environment,
            output=str(output),
            check=check,
        )

    ours = command([ground.crdtctl, "show", "--format", "prom"], "crdtctl", "ours.prom")
    client = command([sys.executable, "-c", _CLIENT], "`prometheus_client`, the same series", "client.prom")
    return Contest(ours=ours, rivals=[Rival(client, 1.2)] if find_spec("prometheus_client") else [], turns=5)
