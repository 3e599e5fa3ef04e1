"""The data of a report → one page of HTML that needs no network.

Texts of users are in the page twice: as JSON without any character that HTML gives a meaning to, and escaped in the
title. The script writes them as text, never as HTML. The policy in the page allows this script and this style only.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256
from html import escape

from crdtctl import __version__
from crdtctl.system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

#: The beginning of every page.
MARK = b"<!doctype html><!-- crdtctl report -->"
#: JSON is ASCII here, so that these are the only characters with a meaning in HTML.
_IN_JSON = {ord(one): f"\\u{ord(one):04x}" for one in "<>&"}


def page(data: Mapping[str, Any]) -> bytes:
    """Return the page of a report."""
    style, script = _file("page.css"), _file("page.js")
    fields = {
        "style": style,
        "style_hash": _hash(style),
        "script": script,
        "script_hash": _hash(script),
        "data": json.dumps(data, separators=(",", ":")).translate(_IN_JSON),
        "replica": escape(data["replica"]),
        "version": escape(__version__),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: fields[found[1]], _file("page.html")).encode()


def _file(name: str) -> str:
    """Return the text of a file of this package."""
    with open(os.path.join(os.path.dirname(__file__), name), encoding="utf-8") as file:
        return file.read()


def _hash(text: str) -> str:
    """Return the source expression of a script or a style for the policy of the page."""
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
