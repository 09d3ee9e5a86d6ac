"""The name of an encoding is a guess; a good one for what school systems export."""

from __future__ import annotations

import pytest

from edreflect_assets.roster.validation.encodings import looks_like

JAPANESE = "u1,山田,太郎,ヤマダ\nu2,佐藤,花子,サトウ\nu3,鈴木,次郎,スズキ\n"
FRENCH = "s1,École élémentaire Émile Zola\ns2,Collège Saint-Exupéry\ns3,Lycée Molière, Orléans\n"
SPANISH = "u1,Nuñez,José\nu2,Peña,María\n"
CHINESE = "u1,王小明,张伟\nu2,李娜,刘洋\nu3,陈静,杨丽\n"
KOREAN = "u1,김민준,이서연\nu2,박지훈,최수빈\n"


@pytest.mark.parametrize(
    ("text", "encoding", "name"),
    [
        (JAPANESE, "cp932", "Shift-JIS (cp932)"),
        (JAPANESE, "euc_jp", "an East Asian encoding"),
        (FRENCH, "cp1252", "Windows-1252"),
        (FRENCH, "latin-1", "Windows-1252"),
        (SPANISH, "cp1252", "Windows-1252"),
        (CHINESE, "gb18030", "an East Asian encoding"),
        (KOREAN, "euc_kr", "an East Asian encoding"),
        (JAPANESE, "utf-16", "UTF-16"),
        (SPANISH, "utf-16-le", "UTF-16"),
        (SPANISH, "utf-16-be", "UTF-16"),
        (SPANISH, "utf-32", "UTF-32"),
    ],
)
def test_an_encoding_is_named(text: str, encoding: str, name: str) -> None:
    assert (looks_like(text.encode(encoding)) or "").startswith(name)


@pytest.mark.parametrize("text", ["", "u1,Ann\n", JAPANESE, FRENCH, CHINESE, KOREAN])
def test_utf_8_is_no_other_encoding(text: str) -> None:
    assert looks_like(text.encode()) is None


def test_a_sample_that_ends_inside_a_character_is_still_named() -> None:
    assert looks_like(JAPANESE.encode()[:10]) is None
    assert looks_like(JAPANESE.encode("cp932")[:-4]) == "Shift-JIS (cp932)"


def test_bytes_of_no_text_are_binary_data() -> None:
    assert looks_like(b"PK\x03\x04\x14\0" + bytes(range(1, 200))) == "binary data"
