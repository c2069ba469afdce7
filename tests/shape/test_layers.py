"""import-linter checks imports; a string can reach up a package too. Those that do are listed, and there are none without a reason."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Each package and those above it, which it may not name.
ABOVE = {
    "tenants": ("billing", "authflows", "broker_portal"),
    "billing": ("authflows", "broker_portal"),
    "authflows": ("broker_portal",),
}
LISTED: set[tuple[str, str]] = set()


def strings(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_no_string_names_a_module_of_a_package_above() -> None:
    found = set()
    for package, above in ABOVE.items():
        dotted = re.compile(rf"({'|'.join(above)})(\.\w+)+")
        for path in sorted((ROOT / package).rglob("*.py")):
            found |= {(str(path.relative_to(ROOT)), text) for text in strings(path) if dotted.fullmatch(text)}
    assert found == LISTED


def test_layers_are_those_of_the_map() -> None:
    assert {path.parent.name for path in ROOT.glob("*/apps.py")} == {"broker_portal", *ABOVE}
