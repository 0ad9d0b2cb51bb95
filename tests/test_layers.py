"""The house's arrows: which room may import which, read from the source itself."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LEAVES = {"contract", "errors"}
MAY_IMPORT = {
    "errors": set[str](),
    "contract": set[str](),
    "pictures": LEAVES,
    "settings": set[str](),
    "guard": set[str](),
    "client": LEAVES | {"guard", "pictures"},
    "weights": {"errors"},
    "engine": LEAVES | {"weights"},
    "safety": LEAVES | {"weights"},
    "history": LEAVES,
    "service": LEAVES | {"guard", "pictures", "engine", "safety"},
    "lessons": {"contract"},
    "experiments": LEAVES | {"client", "history"},
    "ui": LEAVES | {"pictures", "client", "history", "experiments", "lessons"},
    "training": LEAVES | {"engine", "lessons", "service"},
    "__main__": LEAVES | {"engine", "safety", "service"},
}


def rooms_imported_by(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the arrows"
            base = node.module or ""
            names = [f"{base}.{alias.name}" if base == "playground" else base for alias in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("playground.")}
    return found - {"__version__"}


def room_of(path: Path) -> str:
    first = path.relative_to(ROOT / "playground").parts[0]
    return first.removesuffix(".py")


MODULES = sorted(
    path for path in (ROOT / "playground").rglob("*.py") if path.name != "__init__.py" or path.parent.name != "playground"
)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_module_imports_only_what_its_room_may(path: Path) -> None:
    room = room_of(path)
    assert rooms_imported_by(path) - {room} <= MAY_IMPORT[room]


def test_rules_cover_every_room() -> None:
    assert {room_of(path) for path in MODULES} == set(MAY_IMPORT)


def test_models_are_seen_by_the_service_only_as_protocols() -> None:
    for path in (ROOT / "playground" / "service").glob("*.py"):
        source = path.read_text(encoding="utf-8")
        assert "playground.engine.pocket" not in source
        assert "playground.safety.classifier" not in source


def test_arrow_check_sees_a_forbidden_import(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text("import playground.service.http\nfrom playground import history\nfrom playground.client.api import x\n")
    assert rooms_imported_by(module) == {"service", "history", "client"}
