"""A real headless Chromium, driven by its own protocol over two pipes."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pytest

_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
#: Moves two descriptors to 3 and 4, where the browser expects its pipes, and becomes the browser.
_START = """
import os, sys
reads, writes = map(int, sys.argv[1:3])
os.dup2(reads, 13), os.dup2(writes, 14)
os.dup2(13, 3), os.dup2(14, 4)
os.execvp(sys.argv[3], sys.argv[3:])
"""
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--remote-debugging-pipe",
    "--lang=en-US",
)

#: What the protocol needs for a key beside its name.
_CODES: dict[str, dict[str, Any]] = {"Enter": {"text": "\r"}, "Tab": {"windowsVirtualKeyCode": 9}}


class Browser:
    """One open page. `events` are those that the browser reported, such as requests, errors and dialogs."""

    def __init__(self, answers: int, questions: int) -> None:
        self.events: list[dict[str, Any]] = []
        self._answers = os.fdopen(answers, "rb")
        self._questions = os.fdopen(questions, "wb")
        self._rest = b""
        self._number = 0
        self._session: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.call("Browser.close", session=None)
        self._answers.close()
        self._questions.close()

    def open(self, page: Path, *, width: int = 1000, scheme: str = "light") -> Self:
        """Load a page in a window of so many pixels, for a system with a light or a dark scheme."""
        target = self.call("Target.createTarget", session=None, url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", session=None, targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600
        )
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.events.clear()
        self.call("Page.navigate", url=page.resolve().as_uri())
        while not any(one["method"] == "Page.loadEventFired" for one in self.events):
            self._read()
        return self

    def js(self, expression: str) -> Any:
        """Return the value of an expression of JavaScript in the page."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, userGesture=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def press(self, *keys: str) -> None:
        """Press keys, such as ``ArrowLeft``."""
        for key in keys:
            codes = _CODES.get(key, {})
            for kind in ("keyDown", "keyUp"):
                self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, **codes)

    def call(self, method: str, *, session: str | None = "", **parameters: object) -> Any:
        """Return the result of a method of the protocol."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if session is not None and self._session:
            message["sessionId"] = self._session
        self._questions.write(json.dumps(message).encode() + b"\0")
        self._questions.flush()
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            block = self._answers.read1(2**16)
            assert block, "the browser has ended"
            self._rest += block
        text, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        if "method" in message:
            self.events.append(message)
        return message


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """Start a browser with a profile of its own; skip the test where no Chromium is installed."""
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        pytest.skip("no Chromium is installed")
    reads, questions = os.pipe()
    answers, writes = os.pipe()
    command = [sys.executable, "-c", _START, str(reads), str(writes), program, *_FLAGS, f"--user-data-dir={profile}"]
    with subprocess.Popen(
        command, pass_fds=(reads, writes), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        os.close(reads)
        os.close(writes)
        try:
            with Browser(answers, questions) as found:
                yield found
            process.wait(20)
        finally:
            process.kill()
