"""The feeds' contracts, read from where dbt keeps them: ``dbt_project/models/sources/*.yml``.

A dbt source is a feed, each of its tables a file. What dbt has no word for (file names, load rules, keys) stands under
``config.meta``; this module turns it into the objects of ``feeds`` and refuses a contract that contradicts itself, so
that fetching, loading and the database's raw tables can rely on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from edreflect_assets.contracts.feeds import (
    LOAD_RULES,
    RESERVED_COLUMNS,
    Column,
    Feed,
    FileContract,
    KeyedReference,
    Parent,
)
from edreflect_assets.convention import SUFFIX, Convention, Recursion
from edreflect_assets.dbt_docs import docs_blocks, resolve_docs
from edreflect_assets.errors import ConfigurationError

# Beside the package in a source checkout and in an installed wheel alike.
DBT_PROJECT_DIR = Path(__file__).resolve().parents[2] / "dbt_project"

DATA_TYPES = frozenset({"text", "text[]", "uuid", "integer", "numeric", "boolean", "date", "timestamp", "timestamptz"})
# What a column's text may have to look like beyond its type; see models/sources/oneroster.yml.
FORMATS = frozenset({"guid", "guids", "year", "user_ids"})
# libyaml's where PyYAML was built with it: reading the contracts is much of a command's start.
_YAML_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# The raw table of files that describe columns; ops.snapshot_deliveries knows it by this name.
DEFINITIONS_TABLE = "field_definitions"

_FEED_META = frozenset(
    {
        "feed",
        "path",
        "dayless_path",
        "encoding",
        "deprecated",
        "aliases",
        "package",
        "expected",
        "recurring",
        "groups",
        "group_aliases",
        "recursive",
        "extends",
        "ids",
    }
)
_TABLE_META = frozenset(
    {
        "file",
        "load",
        "key",
        "drop_key",
        "touched_by",
        "removed_columns",
        "aliases",
        "dayless",
        "deleted_by",
        "modified_by",
        "type",
        "becomes",
        "further_files",
        "identity",
        "parent",
        "empty",
    }
)
_COLUMN_META = frozenset(
    {"assumed", "header", "required", "format", "references", "enumeration", "vocabulary", "deletes"}
)
_COLUMN_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")


@lru_cache(maxsize=4)
def load_feeds(project_dir: Path = DBT_PROJECT_DIR) -> Mapping[str, Feed]:
    """Return every feed of the dbt project by name; read once per process.

    Raises ConfigurationError naming the YAML file and the table when a contract is missing or contradicts itself.
    """
    docs = docs_blocks(project_dir / "models")
    paths = sorted((project_dir / "models" / "sources").glob("*.yml"))
    feeds: dict[str, Feed] = {}
    for path in paths:
        for source in _parse(path).get("sources") or []:
            feed = _read_feed(path, source, docs)
            if feed.name in feeds:
                raise ConfigurationError(f"{path.name}: feed {feed.name} is described twice; keep one of them.")
            feeds[feed.name] = feed
    feeds = {name: _extended(feed, feeds) for name, feed in feeds.items()}
    if not feeds:
        raise ConfigurationError(f"No feed is described below {project_dir / 'models' / 'sources'}; is it complete?")
    return MappingProxyType(feeds)


def _parse(path: Path) -> dict[str, Any]:
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_YAML_LOADER)  # noqa: S506 - a safe loader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigurationError(f"{path.name} is not valid YAML near line {line}: {error.problem}.") from None
    return content if isinstance(content, dict) else {}


def _read_feed(path: Path, source: Mapping[str, Any], docs: Mapping[str, str]) -> Feed:
    place = f"{path.name}, source {source.get('name')}"
    meta = _meta(source, _FEED_META, place)
    for needed in ("feed", "path"):
        _require(bool(meta.get(needed)), place, f"config.meta lacks {needed}")
    aliases = _aliases(meta, place)
    raw_schema = str(source.get("schema") or source["name"])
    contracts: dict[str, FileContract] = {}
    definitions: FileContract | None = None
    for table in source.get("tables") or []:
        contract = replace(_read_table(path, str(meta["feed"]), table, aliases, docs), raw_schema=raw_schema)
        if contract.load == "definitions":
            named = contract.table == DEFINITIONS_TABLE
            _require(named, f"{path.name}, table {contract.table}", f"definitions are called {DEFINITIONS_TABLE}")
            _require(definitions is None, f"{path.name}, table {contract.table}", "there is another one of definitions")
            definitions = contract
            continue
        taken = {name.casefold() for known in contracts.values() for name in (known.file, known.table)}
        further = ((table.get("config") or {}).get("meta") or {}).get("further_files") or ()
        files = [contract.file, *map(str, further)]
        once = not taken & {contract.table, *(file.casefold() for file in files)}
        _require(once, f"{path.name}, table {contract.table}", "the table or its file is listed twice")
        contracts.update({file: replace(contract, file=file) for file in files})
    convention = _read_convention(path, meta, contracts, place)
    dayless = any(contract.dayless for contract in contracts.values())
    _require(not dayless or bool(meta.get("dayless_path")), place, "files without a day need a dayless_path")
    known = {column for contract in contracts.values() for column in contract.column_names}
    _require(set(aliases.values()) <= known, place, "an alias stands for a column that no table has")
    return Feed(
        name=str(meta["feed"]),
        path=str(meta["path"]),
        dayless_path=meta.get("dayless_path"),
        files=MappingProxyType({file: _check_references(path, c, contracts) for file, c in contracts.items()}),
        deprecated=frozenset(meta.get("deprecated") or ()),
        raw_schema=raw_schema,
        encoding=str(meta.get("encoding") or "utf-8"),
        description=_text(source.get("description"), docs, place),
        package=meta.get("package"),
        expected=bool(meta.get("expected", False)),
        recurring=bool(meta.get("recurring", True)),
        convention=convention,
        definitions=definitions,
        extends=meta.get("extends"),
        ids=MappingProxyType({str(column): tuple(kinds) for column, kinds in (meta.get("ids") or {}).items()}),
    )


def _extended(feed: Feed, feeds: Mapping[str, Feed]) -> Feed:
    """Return a feed with the files of the one that it extends: whole lists, so that no file names what was touched."""
    if feed.extends is None:
        return feed
    _require(feed.extends in feeds, f"feed {feed.name}", f"it extends {feed.extends}, which does not exist")
    inherited = {
        file: replace(contract, feed=feed.name, touched_by=None, deleted_by=None, modified_by=None)
        for file, contract in feeds[feed.extends].files.items()
        if contract.load != "reference" and not contract.dayless
    }
    return replace(feed, files=MappingProxyType({**inherited, **feed.files}))


def _read_convention(
    path: Path, meta: Mapping[str, Any], contracts: Mapping[str, FileContract], place: str
) -> Convention | None:
    """Return how a feed with file groups names its files, after making sure that its listed files are named like this."""
    groups, recursive = meta.get("groups"), meta.get("recursive")
    if not groups:
        _require(not meta.get("group_aliases") and not recursive, place, "group_aliases and recursive need groups")
        return None
    aliases = dict(meta.get("group_aliases") or {})
    _require(all(alias == alias.lower() for alias in aliases), place, "group_aliases are written in lower case")
    whole = not recursive or set(recursive) == {"group", "part", "max_depth"}
    _require(whole, place, "recursive names a group, a part and a max_depth")
    named = {*aliases.values(), *([recursive["group"]] if recursive else [])}
    _require(named <= set(groups), place, "an alias or recursion names a group that does not exist")
    convention = Convention(
        groups=MappingProxyType({str(group): bool((rules or {}).get("optional")) for group, rules in groups.items()}),
        group_aliases=MappingProxyType(aliases),
        recursion=Recursion(recursive["group"], recursive["part"], int(recursive["max_depth"])) if recursive else None,
        spellings=frozenset(part for file in contracts for part in file.removesuffix(SUFFIX).split(".")[1:]),
    )
    for contract in contracts.values():
        read = convention.read(contract.file)
        table_place = f"{path.name}, table {contract.table}"
        _require(read is not None and read.file == contract.file, table_place, f"{contract.file} is of no group")
        _require(read is not None and read.table == contract.table, table_place, f"it is not named as {contract.file}")
    return convention


def _read_table(
    path: Path, feed: str, table: Mapping[str, Any], feed_aliases: Mapping[str, str], docs: Mapping[str, str]
) -> FileContract:
    place = f"{path.name}, table {table.get('name')}"
    meta = _meta(table, _TABLE_META, place)
    load = meta.get("load")
    _require(load in LOAD_RULES, place, f"load rule {load!r} is unknown; use one of {', '.join(sorted(LOAD_RULES))}")
    _require(bool(meta.get("file")) or load == "definitions", place, "config.meta lacks file")
    columns = tuple(_read_column(column, docs, place) for column in table.get("columns") or [])
    names = [column.name for column in columns]
    _require(len(set(names)) == len(names), place, "a column is listed twice")
    key, drop_key = tuple(meta.get("key") or ()), tuple(meta.get("drop_key") or ())
    needed, given = ("drop_key", drop_key) if load == "drop_insert" else ("key", key)
    _require(bool(given) or load == "kept", place, f"load rule {load} needs {needed}")
    _require(load != "drop_insert" or bool(meta.get("touched_by")), place, "load rule drop_insert needs touched_by")
    flags = [column for column in columns if column.deletes]
    flagged = len(flags) <= 1 and all(column.data_type == "boolean" for column in flags)
    _require(
        flagged and (not flags or load == "upsert"), place, "one boolean column of an upsert may say what it deletes"
    )
    _require(load != "bulk" or not meta.get("dayless"), place, "a bulk file is the state of a day and needs one")
    empty = meta.get("empty")
    _require(empty in {None, "refuse"}, place, "empty may only say refuse")
    _require(
        empty is None or load == "bulk", place, "empty is for bulk files; what others say without rows is no danger"
    )
    identity, parent = tuple(meta.get("identity") or ()), meta.get("parent")
    _require(parent is None or set(parent) == {"table", "key"}, place, "parent names a table and a key")
    for column in (*key, *drop_key, *identity, *(parent["key"] if parent else ())):
        _require(column in names, place, f"key column {column} is not one of its columns")
    own_aliases = _aliases(meta, place)
    _require(set(own_aliases.values()) <= set(names), place, "an alias stands for a column that it does not have")
    aliases = {alias: column for alias, column in {**feed_aliases, **own_aliases}.items() if column in names}
    removed = frozenset(meta.get("removed_columns") or ())
    _require(not (set(aliases) | removed) & set(names), place, "an alias or removed column is also one of its columns")
    return FileContract(
        feed=feed,
        file=str(meta.get("file") or ""),
        table=str(table["name"]),
        load=str(load),
        key=key,
        drop_key=drop_key,
        touched_by=meta.get("touched_by"),
        columns=columns,
        aliases=MappingProxyType(aliases),
        removed_columns=removed,
        dayless=bool(meta.get("dayless")),
        description=_text(table.get("description"), docs, place),
        deleted_by=_reference(meta.get("deleted_by")),
        modified_by=_reference(meta.get("modified_by")),
        type=meta.get("type"),
        becomes=meta.get("becomes"),
        identity=identity,
        parent=Parent(str(parent["table"]), tuple(parent["key"])) if parent else None,
        refuses_empty=empty == "refuse",
    )


def _read_column(column: Mapping[str, Any], docs: Mapping[str, str], place: str) -> Column:
    name, data_type = str(column.get("name")), str(column.get("data_type"))
    place = f"{place}, column {name}"
    _require(_COLUMN_NAME.fullmatch(name) is not None, place, "a name is lower case, digits and _, at most 63 long")
    _require(name not in RESERVED_COLUMNS, place, "the platform itself adds a column of this name")
    _require(data_type in DATA_TYPES, place, f"data_type {data_type} is not one of {', '.join(sorted(DATA_TYPES))}")
    meta = _meta(column, _COLUMN_META, place)
    value_format = meta.get("format")
    known = value_format is None or value_format in FORMATS
    _require(known, place, f"format {value_format} is not one of {', '.join(sorted(FORMATS))}")
    required = meta.get("required")
    return Column(
        name,
        data_type,
        _text(column.get("description"), docs, place),
        bool(meta.get("assumed", False)),
        header=meta.get("header"),
        required="always" if required is True else required or None,
        format=value_format,
        references=meta.get("references"),
        enumeration=tuple(meta.get("enumeration") or ()),
        vocabulary=meta.get("vocabulary"),
        deletes=bool(meta.get("deletes", False)),
    )


def _reference(meta: Mapping[str, Any] | None) -> KeyedReference | None:
    return KeyedReference(str(meta["table"]), tuple(meta["key"]), meta.get("date")) if meta else None


def _check_references(path: Path, contract: FileContract, contracts: Mapping[str, FileContract]) -> FileContract:
    """Return the contract with the tables it refers to replaced by their file names."""
    by_table = {other.table: other for other in contracts.values()}
    place = f"{path.name}, table {contract.table}"

    def file_of(rule: str, table: str, columns: Iterable[str]) -> str:
        _require(table in by_table, place, f"{rule} names {table}, which is not a table of this feed")
        for column in columns:
            _require(column in by_table[table].column_names, place, f"{rule} names {table}, which lacks {column}")
        return by_table[table].file

    def resolved(rule: str, reference: KeyedReference | None) -> KeyedReference | None:
        if reference is None:
            return None
        columns = (*reference.key, reference.date) if reference.date else reference.key
        return replace(reference, file=file_of(rule, reference.file, columns))

    if contract.parent is not None:
        file_of("parent", contract.parent.table, contract.parent.key)
    for column in contract.columns:
        if column.references is not None:
            file_of(f"references of {column.name}", column.references, ())

    return replace(
        contract,
        touched_by=contract.touched_by and file_of("touched_by", contract.touched_by, contract.drop_key),
        deleted_by=resolved("deleted_by", contract.deleted_by),
        modified_by=resolved("modified_by", contract.modified_by),
    )


def _meta(node: Mapping[str, Any], known: frozenset[str], place: str) -> Mapping[str, Any]:
    meta = (node.get("config") or {}).get("meta") or {}
    unknown = sorted(set(meta) - known)
    _require(not unknown, place, f"config.meta has unknown entries: {', '.join(unknown)}")
    return dict(meta)


def _aliases(meta: Mapping[str, Any], place: str) -> dict[str, str]:
    aliases = meta.get("aliases") or {}
    _require(all(alias == alias.strip().lower() for alias in aliases), place, "aliases are written in lower case")
    return dict(aliases)


def _text(description: str | None, docs: Mapping[str, str], place: str) -> str:
    try:
        return resolve_docs(description or "", docs)
    except KeyError as missing:
        raise ConfigurationError(f"{place}: the docs block {missing.args[0]} does not exist.") from None


def _require(condition: bool, place: str, complaint: str) -> None:
    if not condition:
        raise ConfigurationError(f"{place}: {complaint}.")
