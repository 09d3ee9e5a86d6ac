"""Texts of dbt's docs blocks, for descriptions that are read outside dbt."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

_CALL = re.compile(r"\{\{\s*doc\(\s*['\"](\w+)['\"]\s*\)\s*\}\}")
_BLOCK = re.compile(r"\{%-?\s*docs\s+(\w+)\s*-?%\}(.*?)\{%-?\s*enddocs\s*-?%\}", re.DOTALL)


def docs_blocks(models: Path) -> dict[str, str]:
    """Return the text of every docs block in the Markdown files below ``models``, by name."""
    return {
        name: text
        for path in sorted(models.rglob("*.md"))
        for name, text in _BLOCK.findall(path.read_text(encoding="utf-8"))
    }


def resolve_docs(description: str, blocks: Mapping[str, str]) -> str:
    """Return a description with each ``{{ doc('name') }}`` replaced by its block, white space folded to single spaces.

    Raises KeyError with the name of a block that does not exist.
    """
    return " ".join(_CALL.sub(lambda call: blocks[call[1]], description).split())
