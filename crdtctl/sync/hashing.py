"""The hash of contents and names, without what importing `hashlib` costs every sync."""

try:
    from _blake2 import blake2b as blake2b
except ImportError:  # in other Pythons than CPython
    from hashlib import blake2b as blake2b
