"""The golden files: states of this format, written once, that every later version reads and rewrites alike.

They are never changed. A new type or field gets a new file.
"""

from pathlib import Path

FOLDER = Path(__file__).parent / "golden"
#: Name → canonical text.
CANONICAL = {path.stem: path.read_bytes() for path in sorted(FOLDER.glob("*.json"))}
#: File name → the same states in another layout; the name begins with that of the canonical file.
LAYOUTS = {path.name: path.read_bytes() for path in sorted((FOLDER / "layouts").iterdir())}


def canonical_of(layout: str) -> bytes:
    """Return the canonical text of what a file in another layout holds."""
    return CANONICAL[layout.split(".")[0]]
