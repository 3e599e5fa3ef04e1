"""A real Prometheus scrapes the metrics of a replica, which a server on loopback hands out."""

import json
import shutil
import socket
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from crdtctl import Replica
from tests.conftest import Shell

CONFIG = """
global: {scrape_interval: 200ms, scrape_timeout: 200ms}
scrape_configs:
  - job_name: counters
    metrics_path: /counts.prom
    static_configs: [{targets: ["127.0.0.1:PORT"]}]
"""


class Pages(SimpleHTTPRequestHandler):
    """The files of a directory, with the media type that Prometheus expects, and without a log."""

    extensions_map = {".prom": "text/plain; version=0.0.4"}  # noqa: RUF012  # as in the library

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name in the library
        """Write nothing."""


@contextmanager
def served(directory: Path) -> Iterator[int]:
    """Serve a directory on loopback; yield the port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Pages, directory=str(directory))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def prometheus(directory: Path, port: int) -> Iterator[str]:
    """Run Prometheus, which scrapes a port of loopback; yield its address."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("Prometheus is not installed: Debian's package prometheus")
    directory.mkdir()
    (directory / "prometheus.yml").write_text(CONFIG.replace("PORT", str(port)))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    words = [f"--config.file={directory}/prometheus.yml", f"--storage.tsdb.path={directory}/data"]
    with (directory / "log").open("wb") as log:
        server = subprocess.Popen([program, *words, f"--web.listen-address={address}"], stderr=log, stdout=log)
        try:
            yield f"http://{address}"
        finally:
            server.terminate()
            server.wait()


def answer(address: str, query: str) -> dict[str, float]:
    """Return the samples that Prometheus has for a query, by their label ``os``, as soon as it has any."""
    url = f"{address}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
    for _ in range(600):
        try:
            with urllib.request.urlopen(url, timeout=10) as page:
                found: list[dict[str, Any]] = json.load(page)["data"]["result"]
        except OSError:
            found = []
        if found:
            return {one["metric"].get("os", ""): float(one["value"][1]) for one in found}
        time.sleep(0.1)
    pytest.fail(f"Prometheus has nothing for {query}")


def test_prometheus_scrapes_every_type_and_quotes_in_labels(shell: Shell, replica: Replica, tmp_path: Path) -> None:
    shell.ok("increment", "page.views", "5", "--type", "gcounter")
    shell.ok("increment", "page.views", "2", "--label", 'os=a"\\b')
    shell.ok("increment", "stock", "0")
    shell.ok("decrement", "stock", "9")
    shell.ok("add", "visitors", "ada", "bo")
    shell.ok("add", "guests", "ada", "bo", "--type", "hll")
    shell.ok("add", "latency", "0.25", "3", "3", "3", "--type", "hist")
    shell.ok("export", "--textfile", "counts.prom")
    with served(shell.directory) as port, prometheus(tmp_path / "prometheus", port) as address:
        assert answer(address, "page_views_total") == {"": 5, 'a"\\b': 2}
        assert answer(address, "sum(page_views_total)") == {"": 7}
        assert answer(address, "stock") == {"": -9}
        assert answer(address, "stock_decrements_total") == {"": 9}
        assert answer(address, "visitors + guests") == {"": 4}
        assert answer(address, "latency_sum") == {"": 9.25}
        for quantile, number in ((0.1, 0.25), (0.5, 3), (0.9, 3)):
            found = answer(address, f"histogram_quantile({quantile}, latency_bucket)")[""]
            assert abs(found - number) < 0.03 * number
        assert answer(address, "crdtctl_up * on() up") == {"": 1}
        shell.ok("increment", "page.views", "90")
        shell.ok("export", "--textfile", "counts.prom")
        assert answer(address, "sum(page_views_total) > 90") == {"": 97}
