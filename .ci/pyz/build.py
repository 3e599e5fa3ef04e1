"""Puts a directory of installed packages into one file that Python runs: build.py PACKAGES OUTPUT."""

import hashlib
import io
import os
import stat
import sys
import zipfile
from pathlib import Path

#: What Python does not import: the data of installers, scripts, and what it compiles again.
_LEFT_OUT = ("*.dist-info", "bin", "share", "__pycache__", "*.pth")
#: The time of every member, so that the same packages make the same file.
_TIME = (1980, 1, 1, 0, 0, 0)
_FIRST_LINE = b"#!/usr/bin/env -S python3 -EP\n"


def packed(directory: Path) -> bytes:
    """Return an archive of the packages in a directory."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for path in sorted(directory.rglob("*")):
            name = path.relative_to(directory)
            if path.is_file() and not any(part.match(left) for part in map(Path, name.parts) for left in _LEFT_OUT):
                _add(archive, str(name), path.read_bytes())
    return data.getvalue()


def _add(archive: zipfile.ZipFile, name: str, data: bytes, compression: int = zipfile.ZIP_DEFLATED) -> None:
    member = zipfile.ZipInfo(name, _TIME)
    member.external_attr = (stat.S_IFREG | 0o644) << 16
    archive.writestr(member, data, compression)


def build(directory: Path, output: Path) -> None:
    """Write the file, which replaces an older one when it is complete."""
    packages = packed(directory)
    digest = hashlib.sha256(packages).hexdigest()[:32]
    start = Path(__file__).with_name("start.py").read_text().replace('DIGEST = ""', f'DIGEST = "{digest}"')
    temporary = output.with_name(f"{output.name}.new")
    with temporary.open("wb") as file:
        file.write(_FIRST_LINE)
        with zipfile.ZipFile(file, "w") as archive:
            _add(archive, "__main__.py", start.encode())
            _add(archive, "packages.zip", packages, zipfile.ZIP_STORED)
    temporary.chmod(0o755)
    os.replace(temporary, output)


if __name__ == "__main__":
    build(Path(sys.argv[1]), Path(sys.argv[2]))
