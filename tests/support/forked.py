"""Child processes that are forked from the test: quick, and whatever they do to their process stays there."""

import io
import os
import signal
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import Result

Work = Callable[[], int | None]


@contextmanager
def child(
    work: Work, directory: Path | None = None, environment: Mapping[str, str] | None = None
) -> Iterator[Callable[[], Result]]:
    """Do `work` in a child meanwhile, in `directory` and with `environment`.

    What is yielded waits for it and says how it ended: with the status that `work` returned (None: 0), 99 if
    it raised something, a negative one if it was killed. It is gone when the context ends.
    """
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        pid = _fork()
        if pid == 0:
            _live(work, directory, environment, stdout.fileno(), stderr.fileno())
        statuses: list[int] = []

        def ended() -> Result:
            if not statuses:
                statuses.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
            texts = []
            for file in (stdout, stderr):
                file.seek(0)
                texts.append(file.read().decode(errors="surrogateescape"))
            return Result(statuses[0], *texts)

        try:
            yield ended
        finally:
            if not statuses:
                os.kill(pid, signal.SIGKILL)
                ended()


def forked(work: Work, directory: Path | None = None, environment: Mapping[str, str] | None = None) -> Result:
    """Do `work` in a child and say how it ended."""
    with child(work, directory, environment) as ended:
        return ended()


def in_process_of_its_own(work: Callable[[], None]) -> None:
    """Do `work`, assertions and all, in a child: for what forks itself, which a process with threads should not."""
    ended = forked(work)
    assert ended.status == 0, ended.stderr


def _fork() -> int:
    with warnings.catch_warnings():
        # Newer Pythons warn of the test runner's threads; the child uses nothing that they hold.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _live(work: Work, directory: Path | None, environment: Mapping[str, str] | None, stdout: int, stderr: int) -> None:
    status = 99
    try:
        os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
        os.dup2(stdout, 1)
        os.dup2(stderr, 2)
        sys.stdout = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), encoding="utf-8")
        sys.stderr = io.TextIOWrapper(io.FileIO(2, "w", closefd=False), encoding="utf-8", write_through=True)
        if environment is not None:
            os.environ.clear()
            os.environ.update(environment)
        if directory is not None:
            os.chdir(directory)
        status = work() or 0
        sys.stdout.flush()
    finally:
        if sys.exc_info()[0] is not None:
            traceback.print_exc()
        os._exit(status)
