"""The zero-width joiners: in place where writing needs them, and nowhere else.

Persian, the scripts of India and emoji that are made of several need U+200C (ZWNJ) or U+200D (ZWJ) between two of
their characters. Both are invisible, so anywhere else two texts that look the same would differ. A joiner is in
place

* between two letters or marks of a script that joins or stacks its letters (Arabic, Syriac, Devanagari, Khmer, …);
* behind a virama, the mark that ends a consonant;
* ZWJ only: between two symbols that are not ASCII, as in emoji, with their variation selectors and skin tones.

Every other formatting character (direction marks, zero width space, soft hyphen, byte order mark) is never in place.
"""

ZWNJ = "\u200c"
ZWJ = "\u200d"
#: Where the scripts are that join or stack their letters.
_SCRIPTS = (
    (0x0600, 0x0DFF),  # Arabic, Syriac, Thaana, N'Ko; Devanagari to Sinhala
    (0x0F00, 0x109F),  # Tibetan, Myanmar
    (0x1780, 0x18AF),  # Khmer, Mongolian
    (0x10D00, 0x10D3F),  # Hanifi Rohingya
    (0x11000, 0x1193F),  # Brahmi and its daughters
    (0x1E900, 0x1E95F),  # Adlam
)
_VARIATION = "\ufe0f"
_VIRAMA = 9


def is_printable(text: str) -> bool:
    """Return whether `text` holds nothing but printable characters, and joiners in place.

    >>> is_printable("می\u200cخواهم"), is_printable("👩\u200d🚀"), is_printable("bui\u200clds")
    (True, True, False)
    """
    if text.isprintable():
        return True
    if not text.replace(ZWNJ, "").replace(ZWJ, "").isprintable():
        return False
    return all(is_in_place(text, index) for index, character in enumerate(text) if character in (ZWNJ, ZWJ))


def is_in_place(text: str, index: int) -> bool:
    """Return whether the character of `text` at `index` is a joiner, and stands where one may stand."""
    if text[index] not in (ZWNJ, ZWJ) or index == 0:
        return False
    import unicodedata  # only here and below: joiners are rare

    before, after = text[index - 1], text[index + 1 : index + 2]
    if unicodedata.combining(before) == _VIRAMA:
        return after not in (ZWNJ, ZWJ)
    if not after:
        return False
    if _is_joining(before) and _is_joining(after):
        return True
    return text[index] == ZWJ and (_is_symbol(before) or before == _VARIATION) and _is_symbol(after)


def _is_joining(character: str) -> bool:
    import unicodedata

    code = ord(character)
    return any(first <= code <= last for first, last in _SCRIPTS) and unicodedata.category(character)[0] in "LM"


def _is_symbol(character: str) -> bool:
    import unicodedata

    return not character.isascii() and unicodedata.category(character)[0] == "S"
