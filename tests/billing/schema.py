"""As much of JSON Schema 2020-12 as docs/prices.schema.json uses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

TYPES: Mapping[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}
UNDERSTOOD = {"$schema", "$defs", "$ref", "title", "description", "default", "format", "type", "enum", "oneOf", "pattern", "minimum"}
UNDERSTOOD |= {"required", "properties", "additionalProperties", "items", "prefixItems", "minItems", "maxItems"}


def faults(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """ "path: what" of each; none where the value is as the schema says."""
    if strange := schema.keys() - UNDERSTOOD:
        raise NotImplementedError(f"{path}: {strange}")
    if "$ref" in schema:
        yield from faults(value, root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root, path)
    if "oneOf" in schema and sum(not list(faults(value, each, root, path)) for each in schema["oneOf"]) != 1:
        yield f"{path}: not one of"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path}: {value!r}"
    kind = schema.get("type")
    if kind and (not isinstance(value, TYPES[kind]) or (isinstance(value, bool) and kind != "boolean")):
        yield f"{path}: no {kind}"
        return
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        yield f"{path}: {value!r}"
    if isinstance(value, int | float) and value < schema.get("minimum", value):
        yield f"{path}: {value}"
    if isinstance(value, dict):
        yield from _members(value, schema, root, path)
    if isinstance(value, list):
        yield from _items(value, schema, root, path)


def _members(value: dict[str, Any], schema: Mapping[str, Any], root: Mapping[str, Any], path: str) -> Iterator[str]:
    known = schema.get("properties", {})
    yield from (f"{path}.{name}: missing" for name in schema.get("required", []) if name not in value)
    for name, inner in value.items():
        if name in known:
            yield from faults(inner, known[name], root, f"{path}.{name}")
        elif schema.get("additionalProperties") is False:
            yield f"{path}.{name}: not known"


def _items(value: list[Any], schema: Mapping[str, Any], root: Mapping[str, Any], path: str) -> Iterator[str]:
    if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
        yield f"{path}: {len(value)} items"
    first = schema.get("prefixItems", [])
    for n, inner in enumerate(value):
        each = first[n] if n < len(first) else schema.get("items", {})
        yield from faults(inner, each, root, f"{path}.{n}")
