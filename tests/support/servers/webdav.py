"""Web servers on loopback, each a process of its own that ends with the test: WsgiDAV, rclone's, Apache and nginx."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path

import pytest

#: Serves a folder, as a JSON object on standard input says; tells the port; logs each request and who it claims to be.
_WSGIDAV = """
import json, sys
from cheroot import wsgi
from cheroot.ssl.builtin import BuiltinSSLAdapter
from wsgidav.wsgidav_app import WsgiDAVApp

given = json.load(sys.stdin)
users = {user: {"password": password} for user, password in given["users"].items()}
app = WsgiDAVApp({
    "provider_mapping": {"/": given["root"]},
    "simple_dc": {"user_mapping": {"*": users or True}},
    "http_authenticator": {
        "accept_basic": not given["digest"], "accept_digest": given["digest"], "default_to_digest": given["digest"]
    },
    "verbose": 0,
    "logging": {"enable": False},
})
log = open(given["log"], "a", buffering=1)

def logged(environ, start_response):
    kind = environ.get("HTTP_AUTHORIZATION", "-").split()[0]
    log.write(f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']} {kind}\\n")
    return app(environ, start_response)

server = wsgi.Server(("127.0.0.1", 0), logged, numthreads=20)
if given["certificate"]:
    server.ssl_adapter = BuiltinSSLAdapter(given["certificate"], given["key"])
server.prepare()
print(server.bind_addr[1], flush=True)
server.serve()
"""

_NGINX = """
daemon off;
master_process off;
pid {own}/pid;
error_log {own}/errors;
events {{}}
http {{
  client_body_temp_path {own}/bodies;
  proxy_temp_path {own}/proxy;
  fastcgi_temp_path {own}/fastcgi;
  uwsgi_temp_path {own}/uwsgi;
  scgi_temp_path {own}/scgi;
  log_format short '$request_method $uri -';
  access_log {own}/log short;
  client_max_body_size 0;
  server {{
    listen 127.0.0.1:{port};
    root {root};
    autoindex on;
    {settings}
  }}
}}
"""

_APACHE = """
ServerRoot {own}
ServerName localhost
PidFile {own}/pid
ErrorLog {own}/errors
Listen 127.0.0.1:{port}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule dav_module {modules}/mod_dav.so
LoadModule dav_fs_module {modules}/mod_dav_fs.so
LogFormat "%m %U -" short
CustomLog {own}/log short
DavLockDB {own}/locks
DocumentRoot {root}
<Directory {root}>
  {access}
  Dav On
</Directory>
{user}
"""
_APACHE_DIGEST = """
  AuthType Digest
  AuthName counts
  AuthDigestNonceLifetime 1
  AuthUserFile {own}/users
  Require valid-user
"""
_APACHE_AUTHENTICATION = ("authn_core", "authn_file", "authz_user", "auth_digest")
#: Where Debian keeps Apache's modules.
_APACHE_MODULES = Path("/usr/lib/apache2/modules")


@dataclass
class Server:
    """A server that runs: its URL, the folder that it serves, and what was asked of it."""

    url: str
    root: Path
    log: Path

    def requests(self) -> list[str]:
        """Return what was asked since this was last called: method, path, and how the client said who it is."""
        found = self.log.read_text().splitlines()
        self.log.write_text("")
        return found


@contextmanager
def wsgidav(
    own: Path, users: dict[str, str] | None = None, certificate: Path | None = None, *, digest: bool = False
) -> Iterator[Server]:
    """Run WsgiDAV; with a certificate, whose key is in the same file, over https."""
    pytest.importorskip("wsgidav")
    pytest.importorskip("cheroot")
    root, log = _prepared(own)
    given = {
        "root": str(root),
        "log": str(log),
        "users": users or {},
        "certificate": str(certificate or ""),
        "key": str(certificate or ""),
        "digest": digest,
    }
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", _WSGIDAV], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps(given).encode())
            process.stdin.close()
            port = int(process.stdout.readline())
            yield Server(f"{'https' if certificate else 'http'}://127.0.0.1:{port}", root, log)
        finally:
            process.kill()


@contextmanager
def rclone(own: Path) -> Iterator[Server]:
    """Run ``rclone serve webdav``."""
    root, log = _prepared(own)
    port = _free_port()
    command = ["rclone", "--config", f"{own}/none", "serve", "webdav", "--addr", f"127.0.0.1:{port}", str(root)]
    with _running(command, port):
        yield Server(f"http://127.0.0.1:{port}", root, log)


@contextmanager
def nginx(own: Path, settings: str) -> Iterator[Server]:
    """Run nginx, which knows no PROPFIND; `settings` say what it knows."""
    root, log = _prepared(own)
    port = _free_port()
    configuration = own / "nginx.conf"
    configuration.write_text(_NGINX.format(own=own, root=root, port=port, settings=settings))
    command = ["nginx", "-p", str(own), "-e", f"{own}/errors", "-c", str(configuration)]
    with _running(command, port):
        yield Server(f"http://127.0.0.1:{port}", root, log)


@contextmanager
def apache(users: dict[str, str] | None = None) -> Iterator[Server]:
    """Run Apache's mod_dav, in a directory of its own: started by root, it becomes somebody who sees no other.

    With users it lets only these in, by Digest, with a nonce that is good for one second.
    """
    if not (_APACHE_MODULES / "mod_dav_fs.so").exists():
        pytest.skip("apache2 is not installed")
    with tempfile.TemporaryDirectory() as place:
        root, log = _prepared(own := Path(place))
        port = _free_port()
        is_root = os.geteuid() == 0
        if is_root:
            own.chmod(0o777)
            root.chmod(0o777)
        user = "User nobody\nGroup nogroup" if is_root else ""
        configuration = own / "apache.conf"
        access = "Require all granted"
        if users:
            access = _APACHE_DIGEST.format(own=own)
            lines = (
                f"{name}:counts:{md5(f'{name}:counts:{word}'.encode()).hexdigest()}" for name, word in users.items()
            )
            (own / "users").write_text("".join(f"{line}\n" for line in lines))
            modules = (f"LoadModule {one}_module {_APACHE_MODULES}/mod_{one}.so" for one in _APACHE_AUTHENTICATION)
            user = "\n".join((user, *modules))
        configuration.write_text(
            _APACHE.format(own=own, root=root, port=port, modules=_APACHE_MODULES, user=user, access=access)
        )
        with _running(["apache2", "-X", "-f", str(configuration)], port):
            yield Server(f"http://127.0.0.1:{port}", root, log)


def _prepared(own: Path) -> tuple[Path, Path]:
    root, log = own / "root", own / "log"
    root.mkdir(parents=True)
    log.touch()
    return root, log


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@contextmanager
def _running(command: Sequence[str], port: int) -> Iterator[None]:
    """Run a server until it answers at a port, and end it."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            while process.poll() is None and not _answers(port):
                time.sleep(0.02)
            assert process.poll() is None, f"{command[0]} does not start"
            yield
        finally:
            process.kill()


def _answers(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0
