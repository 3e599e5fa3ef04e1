"""The hash of contents and names, without the time that importing `hashlib` takes."""

try:
    from _blake2 import blake2b as blake2b
except ImportError:  # in other Pythons than CPython
    from hashlib import blake2b as blake2b
