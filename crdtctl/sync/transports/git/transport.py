"""A branch of a git repository, by the system's git (2.20 or newer): ``git+ssh://…#BRANCH``, or a path.

The files are those at the top level of the branch's tree. Folders and links there are kept unchanged; a link is listed,
but cannot be read. Commits are made from trees alone, without a work tree or an index, and the only change to the
repository is to this branch.

Every push is one commit on top of the branch's present tip. So it is a fast-forward and works where forced pushes are
forbidden, and it succeeds only if the tip has not changed. After a change, the files are put on top of the new tip.
There is nothing to resolve, since only one replica writes each file. The history of the branch is never needed or
fetched. It may be cut off at any time, or the branch may be deleted: a sync that accepts this puts the missing files
again.
"""

import os
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import IO, Final, NamedTuple
from urllib.parse import unquote, urlsplit

from crdtctl.errors import (
    CrdtctlError,
    DataError,
    MissingError,
    TransientError,
    UnavailableError,
    UsageError,
    from_os,
    printable,
)
from crdtctl.store.temporary import temporary_file
from crdtctl.sync.local_files import LocalFile
from crdtctl.sync.process import ProgramResult
from crdtctl.sync.schemes import Endpoint, redacted
from crdtctl.sync.transport import ListedObject, Transport, checked_name, refuse_unprintable
from crdtctl.sync.transports.git.cache import TIP, Cache
from crdtctl.sync.transports.git.credential_helper import TRACE, Helper
from crdtctl.sync.transports.git.environment import SSH, message
from crdtctl.sync.transports.git.errors import (
    checked_out,
    damaged,
    failure,
    in_the_way,
    is_overtaken,
    refusal,
    refused,
    stuck,
)

#: The default branch.
BRANCH: Final = "crdtctl"
_READ_SIZE = 2**20
_MODE = b"100644"
_MODES = (_MODE, b"100755")
_FOLDER, _LINK = b"040000", b"120000"
#: Maximum number of pushes, if other clients push first each time.
_PUSHES = 24
#: Maximum number of refusals for the same reason while the branch does not change, so that no other client caused them.
_MAX_SAME = 5
#: Seconds between pushes.
FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0


class _Item(NamedTuple):
    """An item of a tree: its mode, the type and name of its git object, and its size if it is a file."""

    mode: bytes
    kind: bytes
    object: str
    size: int


_Tree = Mapping[bytes, _Item]


class Git(Transport):
    """A branch of a git repository. Puts and deletions become visible to others after `flush`, all at once."""

    is_consistent = True

    def __init__(self, place: Endpoint) -> None:
        address, _, branch = place.address.partition("#")
        scheme, _, rest = address.partition("://")
        self._branch = branch or BRANCH
        self._ref = f"refs/heads/{self._branch}"
        self._path = _path(place, address) if scheme.lower() == "file" else ""
        self._remote = self._path or f"{scheme.lower()}://{rest}"
        self._is_ssh = scheme.lower() == "ssh"
        self._is_web = scheme.lower() in ("http", "https")
        self._shown = redacted(place.url)
        self._deadline = place.deadline
        self._state = place.state
        self._cache = Cache(place.state, f"{self._remote}#{self._branch}", place.deadline)
        self._access: tuple[list[str], dict[str, str]] | None = None  # git's settings and variables for the repository
        self._tip: str | None = None  # None: not looked up yet; empty: the branch does not exist
        self._tree: _Tree = {}
        self._pending: dict[bytes, _Item | None] = {}

    def list(self) -> Sequence[ListedObject]:
        self._look()
        self.is_absent = not self._tip
        found = ((os.fsdecode(name), item) for name, item in self._tree.items() if item.mode != _FOLDER)
        return [ListedObject(name, item.size, item.object) for name, item in found]

    def get(self, name: str, write: Callable[[bytes], object]) -> None:
        item = self._item(name)
        with temporary_file(self._state) as file:
            self._ask("cat-file", "blob", item.object, stdout=file)
            file.seek(0)
            while block := file.read(_READ_SIZE):
                write(block)
                self._deadline.remaining()

    def fetch(
        self, entries: Sequence[ListedObject], directory: str
    ) -> Iterator[tuple[ListedObject, LocalFile | CrdtctlError]]:
        found = []
        for entry in entries:
            try:
                found.append((entry, self._item(entry.name)))
            except (DataError, MissingError) as error:
                yield entry, error
        path = f"{directory}/objects"
        with open(path, "w+b") as file:
            wanted = "".join(f"{item.object}\n" for _, item in found)
            try:
                self._ask("cat-file", "--batch", "--buffer", stdin=wanted.encode(), stdout=file)
            except TransientError as error:
                yield from ((entry, error) for entry, _ in found)
                return
            file.seek(0)
            for entry, item in found:
                if file.readline().split()[1:] != [b"blob", str(item.size).encode()]:
                    if self._tip is not None:
                        self._cache.forget()
                        self._tip = None
                    yield (
                        entry,
                        TransientError(f"'{printable(entry.name)}' was damaged after the download", "try again"),
                    )
                    continue
                content = LocalFile.of(file, path, item.size)
                file.readline()
                yield entry, content

    def put(self, name: str, path: str) -> None:
        key = os.fsencode(checked_name(name))
        if self._tip is None:
            self._look()
        try:
            with open(path, "rb") as file:
                made = self._ask("hash-object", "-w", "--stdin", stdin=file)
                size = os.fstat(file.fileno()).st_size
        except OSError as error:
            raise from_os(error, f"read {printable(path)}") from None
        self._pending[key] = _Item(_MODE, b"blob", made.decode().strip(), size)

    def delete(self, name: str) -> None:
        self._pending[os.fsencode(checked_name(name))] = None

    def flush(self) -> None:
        if not self._pending:
            return
        is_fresh = self._tip is None
        if is_fresh:
            self._look()
        refusals: list[str] = []  # while the tip stays the same
        for number in range(_PUSHES):
            before = self._tip
            tree = self._joined()
            if tree == self._tree and not is_fresh:  # the tip may have changed
                self._look()
                is_fresh = True
                tree = self._joined()
            done = None if tree == self._tree else self._push(tree)
            if done is None:
                self._pending.clear()
                return
            is_fresh = True
            refusals = [*refusals, refusal(done)] if self._tip == before else []
            if len(refusals) == _MAX_SAME and len(set(refusals)) == 1:
                raise stuck(done, self._shown, self._branch, is_seen=bool(self._tip))
            self._pause(number)
        raise TransientError(f"{self._shown}: other clients pushed first, {_PUSHES} times", "try again")

    def close(self) -> None:
        self._cache.close()

    # Reading --------------------------------------------------------------------------------------------

    def _look(self) -> None:
        """Find out the present tip and its tree. Nothing is fetched if the tip is known."""
        output = os.fsdecode(self._reach("ls-remote", "--", self._remote, self._ref).output)
        tips = {ref: tip for tip, _, ref in (line.partition("\t") for line in output.splitlines())}
        tip = tips.get(self._ref, "")
        if tip and not tip.strip("0"):  # git prints zeros for a branch that it cannot read
            raise damaged(self._shown, f"the branch '{self._branch}' cannot be read")
        if tip == self._tip:
            return
        self._refuse_checked_out()
        tree = self._read(tip) if tip else {}
        if tree is None:
            tip, tree = self._fetch(tip)
        self._tip, self._tree = tip, tree

    def _fetch(self, tip: str) -> tuple[str, _Tree]:
        """Fetch the branch's tip, which may have become newer since `tip` was seen."""
        hash_format = "sha256" if len(tip) == 64 else "sha1"
        if hash_format != self._cache.hash_format:
            self._cache.forget(hash_format)
        fetch = ["fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--depth=1", "--"]
        fetch += [self._remote, f"+{self._ref}:{TIP}"]
        try:
            self._reach(*fetch)
        except UnavailableError:  # the repository has just answered, so the cache may be damaged
            self._cache.forget()
            self._reach(*fetch)
        tip = self._cache.ask("rev-parse", "--verify", TIP).decode().strip()
        self._cache.keep(tip)
        tree = self._read(tip)
        if tree is None:
            self._cache.forget()
            raise TransientError(f"{self._shown}: the download is damaged", "try again")
        return tip, tree

    def _read(self, tip: str) -> _Tree | None:
        """Return the tree of a commit, or None if the commit is not in the cache."""
        done = self._cache.run("ls-tree", "-l", "-z", tip)
        if done.status:
            return None
        tree = {}
        for line in done.output.split(b"\0")[:-1]:
            facts, _, name = line.partition(b"\t")
            try:
                mode, kind, item, size = facts.split()
            except ValueError:  # a wrapper of git may print other lines
                return None
            tree[name] = _Item(mode, kind, item.decode(), 0 if size == b"-" else int(size))
        return tree

    def _item(self, name: str) -> _Item:
        refuse_unprintable(name)
        key = os.fsencode(checked_name(name))
        if self._tip is None:
            self._look()
        item = self._tree.get(key)
        if item is None or item.mode == _FOLDER:
            raise MissingError(f"the file '{printable(name)}' does not exist at {self._shown}")
        if item.mode not in _MODES:
            what = "symbolic link" if item.mode == _LINK else "submodule"
            raise DataError(f"'{printable(name)}' at {self._shown} is a {what}, which is not followed")
        return item

    def _ask(self, *arguments: str, stdin: IO[bytes] | bytes = b"", stdout: IO[bytes] | None = None) -> bytes:
        """Run git in the cache. After an error, fetch everything again."""
        try:
            return self._cache.ask(*arguments, stdin=stdin, stdout=stdout)
        except TransientError:
            self._tip = None
            raise

    # Writing --------------------------------------------------------------------------------------------

    def _joined(self) -> _Tree:
        """Return the tree of the tip with the pending puts and deletions."""
        tree = dict(self._tree)
        for name, item in self._pending.items():
            there = tree.get(name)
            is_foreign = there is not None and there.mode not in _MODES
            if item is None and not is_foreign:
                tree.pop(name, None)
            elif item is not None:
                if is_foreign:
                    raise UnavailableError(
                        f"'{printable(name)}' is a folder or link at {self._shown}, not a file", "rename it there"
                    )
                tree[name] = item
        return tree

    def _push(self, tree: _Tree) -> ProgramResult | None:
        """Push a commit of `tree` on top of the tip. If it is refused, read the new tip and return git's result."""
        lines = (b"%s %s %s\t%s\0" % (one.mode, one.kind, one.object.encode(), name) for name, one in tree.items())
        made = self._ask("mktree", "-z", stdin=b"".join(lines)).decode().strip()
        before = self._tip
        parents = ["-p", before] if before else []
        text = os.fsencode(self._message())
        commit = self._ask("commit-tree", *parents, made, stdin=text).decode().strip()
        lease = f"--force-with-lease={self._ref}:{before}"
        push = ["push", "--porcelain", "--no-verify", lease, "--", self._remote, f"{commit}:{self._ref}"]
        done = self._try(*push)
        if not done.status:
            self._tip, self._tree = commit, tree
            self._cache.keep(commit)
            return None
        if not refusal(done):
            self._cache.is_suspect = True
            raise failure(done, self._shown, self._path, is_readable=True)
        if blocked := in_the_way(done, self._shown, self._branch):
            raise blocked
        self._look()
        if self._tip == before and not is_overtaken(done):
            raise refused(done, self._shown, self._branch)
        return done

    def _message(self) -> str:
        put = sum(item is not None for item in self._pending.values())
        return message(put, len(self._pending) - put)

    def _pause(self, number: int) -> None:
        """Wait for a random time before the next push, so that clients do not collide again."""
        pause = random.uniform(0, min(_LONGEST_PAUSE, FIRST_PAUSE * 2**number))  # noqa: S311  # not a secret
        if pause < self._deadline.remaining():
            self._deadline.sleep(pause)

    # Reaching -------------------------------------------------------------------------------------------

    def _reach(self, *arguments: str) -> ProgramResult:
        """Run git with the remote repository; raise the error of a failure."""
        done = self._try(*arguments)
        if done.status:
            raise failure(done, self._shown, self._path)
        return done

    def _try(self, *arguments: str) -> ProgramResult:
        if self._access is None:
            self._check_branch()
            settings = ["-c", "protocol.file.allow=always"] if self._path else []
            self._access = settings, self._ssh() if self._is_ssh else {}
        settings, environment = self._access
        if not self._is_web:
            return self._cache.run(*settings, *arguments, environment=environment)
        with closing(Helper(self._cache.trace, self._shown)) as helper:
            traced = {**environment, TRACE: helper.trace}
            return self._cache.run(*settings, *arguments, environment=traced, watch=helper)

    def _check_branch(self) -> None:
        if self._branch == BRANCH:
            return
        if self._branch.startswith("-") or self._cache.run("check-ref-format", self._ref).status:
            raise UsageError(
                f"'{printable(self._branch)}' is not a valid name of a branch", "see 'git help check-ref-format'"
            )

    def _ssh(self) -> dict[str, str]:
        """Return the variables that keep ssh from asking, unless the user configured how git runs ssh."""
        chosen = any(os.environ.get(name) for name in ("GIT_SSH_COMMAND", "GIT_SSH"))
        if chosen or not self._cache.run("config", "--get", "core.sshCommand").status:
            return {}
        return {"GIT_SSH_COMMAND": SSH}

    def _refuse_checked_out(self) -> None:
        """Raise `UnavailableError` if the repository is on this machine and has the branch checked out."""
        if not self._path:
            return
        inner = f"{self._path}/.git"
        repository = inner if os.path.exists(inner) else self._path
        done = self._cache.run("worktree", "list", "--porcelain", repository=repository)
        if done.status:
            raise failure(done, self._shown, self._path)
        if f"branch {self._ref}" in os.fsdecode(done.output).splitlines():
            raise checked_out(self._shown, self._branch)


def _path(place: Endpoint, address: str) -> str:
    """Return the path of a repository on this machine, from a URL or a plain path."""
    if "://" not in place.url:
        return address.removeprefix("file://")
    parts = urlsplit(address)
    if parts.netloc not in ("", "localhost"):
        raise UsageError(f"'{redacted(place.url)}' is on another machine", "write git+ssh://HOST/PATH")
    return unquote(parts.path)
