"""Which encoding bytes that are not UTF-8 look like: a guess, good enough to tell an exporter what to change."""

from __future__ import annotations

import codecs

SAMPLE_BYTES = 64 * 1024
_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
_EAST_ASIAN = ("gb18030", "euc_jp", "big5", "euc_kr")


def looks_like(sample: bytes) -> str | None:
    """Return the name of the encoding that ``sample`` seems to be in, None when it is UTF-8.

    The sample may end inside a character.
    """
    for mark, name in _MARKS:
        if sample.startswith(mark):
            return name
    if b"\0" in sample:
        # Text in Latin letters has every other byte zero.
        return "UTF-16" if sample.count(0) * 4 > len(sample) else "binary data"
    if _decoded(sample, "utf-8") is not None:
        return None
    if _reads_as_words(sample, "cp932"):
        return "Shift-JIS (cp932)"
    if any(_reads_as_words(sample, codec) for codec in _EAST_ASIAN):
        # Their bytes are the same ones; only the words would tell.
        return "an East Asian encoding (GB18030, Big5, EUC-JP or EUC-KR)"
    return "Windows-1252" if any(0x80 <= byte < 0xA0 for byte in sample) else "Windows-1252 or ISO-8859-1"


def _reads_as_words(sample: bytes, codec: str) -> bool:
    """Tell whether most characters beyond ASCII stand beside another one: accented letters stand alone, kanji do not.

    Half-width katakana do not count as standing beside each other: bytes of other encodings read as them.
    """
    text = _decoded(sample, codec)
    if text is None:
        return False
    beyond = [not character.isascii() for character in text]
    wide = [there and not "\uff61" <= character <= "\uff9f" for there, character in zip(beyond, text, strict=True)]
    together = sum(
        here and (before or after)
        for before, here, after in zip([False, *wide], wide, [*wide[1:], False], strict=False)
    )
    return together * 2 > sum(beyond)


def _decoded(sample: bytes, codec: str) -> str | None:
    try:
        return codecs.getincrementaldecoder(codec)("strict").decode(sample)
    except UnicodeDecodeError:
        return None
