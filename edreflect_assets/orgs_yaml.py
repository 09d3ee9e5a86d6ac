"""Reading and editing the org registry as text, so that comments and order survive an edit.

Every scalar is read as text (``08:30`` and ``no`` mean what they say); its meaning is decided where the field is known.
No error shows the file's content: someone may have put a password there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml
from yaml.emitter import Emitter
from yaml.representer import SafeRepresenter
from yaml.resolver import BaseResolver
from yaml.serializer import Serializer

from edreflect_assets.errors import ConfigurationError

HEADER = "# The org registry. `edreflect orgs add|pause|remove` edit this file; so may you. It never holds a secret.\n"


class _Loader(yaml.BaseLoader):
    """Text scalars only, and no key twice in one mapping."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            name = str(key.value)
            if name in seen:
                raise yaml.MarkedYAMLError(problem="an entry stands twice", problem_mark=key.start_mark)
            seen.add(name)
        return super().construct_mapping(node, deep)


def read(text: str, file: str) -> dict[str, Any]:
    """Return the entries below ``orgs:`` by name, scalars as text; an empty text has none.

    Raises ConfigurationError with file and line when the text is not YAML, names something twice or is laid out
    differently.
    """
    try:
        content = yaml.load(text, Loader=_Loader)  # noqa: S506 - a BaseLoader constructs nothing but text
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        what = "an entry stands twice" if error.problem == "an entry stands twice" else "this is not valid YAML"
        raise ConfigurationError(f"{file}{line}: {what}; correct it by hand.") from None
    except yaml.YAMLError:
        raise ConfigurationError(f"{file} is not valid YAML; correct it by hand.") from None
    if content in (None, ""):
        return {}
    if not isinstance(content, dict) or set(content) - {"orgs"}:
        raise ConfigurationError(f"{file}: the only entry at the top is orgs:, with one entry per org below it.")
    orgs = content.get("orgs") or {}
    if not isinstance(orgs, dict):
        raise ConfigurationError(f"{file}: below orgs: each org is an entry of its own, as in `  springfield: {{}}`.")
    return orgs


def with_org(text: str, org_id: str, fields: Mapping[str, Any]) -> str:
    """Return the text with one more org at the end; the name must not be there yet."""
    orgs = read(text, "orgs.yml")
    node = _orgs_node(text)
    block = _block({org_id: fields}) if fields else f"{org_id}:\n"
    if node is not None and not node.flow_style and node.value:
        lines = text.splitlines(keepends=True)
        indent = " " * node.value[0][0].start_mark.column
        end = _end_line(node.value[-1][1])
        if end and not lines[end - 1].endswith("\n"):
            lines[end - 1] += "\n"
        edited = "".join([*lines[:end], *(indent + line for line in block.splitlines(keepends=True)), *lines[end:]])
        if _same(edited, {**orgs, org_id: fields}):
            return edited
    return _dumped(text, {**orgs, org_id: dict(fields)})


def without_org(text: str, org_id: str) -> str:
    """Return the text without an org; the name must be there."""
    orgs = read(text, "orgs.yml")
    remaining = {name: fields for name, fields in orgs.items() if name != org_id}
    span = _lines_of(text, org_id)
    if span is not None:
        lines = text.splitlines(keepends=True)
        edited = "".join([*lines[: span[0]], *lines[span[1] :]])
        if _same(edited, remaining):
            return edited
    return _dumped(text, remaining)


def with_field(text: str, org_id: str, name: str, value: str) -> str:
    """Return the text with one scalar field of one org set to ``value``, a plain YAML word; the org must be there."""
    orgs = read(text, "orgs.yml")
    changed = {**orgs, org_id: {**(orgs[org_id] or {}), name: value}}
    span = _lines_of(text, org_id)
    if span is not None:
        lines = text.splitlines(keepends=True)
        first, end = span
        body = [number for number in range(first + 1, end) if lines[number].strip().startswith(f"{name}:")]
        column = len(lines[first]) - len(lines[first].lstrip())
        inner = next((line for line in lines[first + 1 : end] if line.strip() and not line.strip().startswith("#")), "")
        indent = inner[: len(inner) - len(inner.lstrip())] if inner else " " * (column + 2)
        for number in body:
            edited = "".join([*lines[:number], f"{indent}{name}: {value}\n", *lines[number + 1 :]])
            if _same(edited, changed):
                return edited
        lines[first] = lines[first].rstrip().removesuffix("{}").rstrip() + "\n"
        edited = "".join([*lines[: first + 1], f"{indent}{name}: {value}\n", *lines[first + 1 :]])
        if _same(edited, changed):
            return edited
    return _dumped(text, changed)


def _orgs_node(text: str) -> yaml.MappingNode | None:
    root = yaml.compose(text, Loader=yaml.BaseLoader)
    if not isinstance(root, yaml.MappingNode):
        return None
    return next((value for _, value in root.value if isinstance(value, yaml.MappingNode)), None)


def _lines_of(text: str, org_id: str) -> tuple[int, int] | None:
    """Return first line and line after the last of an org's entry, or None when it has no lines of its own."""
    node = _orgs_node(text)
    if node is None or node.flow_style:
        return None
    for key, value in node.value:
        if key.value == org_id:
            return key.start_mark.line, max(_end_line(value), key.start_mark.line + 1)
    return None


def _end_line(node: yaml.Node) -> int:
    """Return the line after a node's last; comments and blank lines that follow it are not its own."""
    # A block ends, for the parser, where the next thing begins; its last entry knows better.
    if isinstance(node, yaml.MappingNode) and not node.flow_style and node.value:
        return _end_line(node.value[-1][1])
    if isinstance(node, yaml.SequenceNode) and not node.flow_style and node.value:
        return _end_line(node.value[-1])
    return int(node.end_mark.line) + (1 if node.end_mark.column else 0)


def _same(text: str, orgs: Mapping[str, Any]) -> bool:
    try:
        edited, wanted = read(text, "orgs.yml"), read(_dumped("", orgs), "orgs.yml")
    except ConfigurationError:
        return False
    return {name: fields or {} for name, fields in edited.items()} == {name: f or {} for name, f in wanted.items()}


def _dumped(text: str, orgs: Mapping[str, Any]) -> str:
    """Return the registry written anew; only the comments at its top survive."""
    lines = text.splitlines(keepends=True)
    top = next((n for n, line in enumerate(lines) if line.strip() and not line.startswith("#")), len(lines))
    return ("".join(lines[:top]) or HEADER) + _block({"orgs": orgs})


def _block(content: Mapping[str, Any]) -> str:
    return yaml.dump(_as_text(content), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000)


def _as_text(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _as_text(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_as_text(item) for item in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


class _Dumper(Emitter, Serializer, SafeRepresenter, BaseResolver):
    """Writes text, without quotes wherever ``_Loader`` reads the same text back."""

    def __init__(self, stream: Any, **options: Any) -> None:
        emitter = {name: options.get(name) for name in ("canonical", "indent", "width", "allow_unicode", "line_break")}
        Emitter.__init__(self, stream, **emitter)
        Serializer.__init__(
            self,
            **{name: options.get(name) for name in ("encoding", "explicit_start", "explicit_end", "version", "tags")},
        )
        SafeRepresenter.__init__(self, default_flow_style=False, sort_keys=False)
        BaseResolver.__init__(self)

    def ignore_aliases(self, data: Any) -> bool:
        """Write every value out."""
        return True
