"""CRC-32 of pieces put together, from the checksums of the pieces.

A CRC is the remainder of a polynomial with coefficients 0 and 1. To append n bytes multiplies the polynomial by
x to the power 8n. The coefficients are the bits of a number here, the one of x^0 first, as in `zlib.crc32`.
"""

_POLYNOMIAL = 0xEDB88320
_ONE = 1 << 31


def combined(first: int, second: int, size: int) -> int:
    """Return the checksum of two pieces in a row, whose checksums are `first` and `second`; `size`: of the second."""
    return _times(_power(size), first) ^ second


def _power(size: int) -> int:
    """Return x to the power of 8 times `size`, modulo the polynomial."""
    product, power = _ONE, _ONE >> 8
    while size:
        if size & 1:
            product = _times(power, product)
        size >>= 1
        power = _times(power, power)
    return product


def _times(a: int, b: int) -> int:
    product = 0
    while a:
        if a & _ONE:
            product ^= b
        a = (a << 1) & 0xFFFFFFFF
        b = (b >> 1) ^ _POLYNOMIAL if b & 1 else b >> 1
    return product
