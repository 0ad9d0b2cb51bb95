"""The project's own promises: one list of requirements, documented settings, small files, nothing of a machine in the tree."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from playground.settings import Settings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
TOP_LEVEL = {"pyproject.toml", "README.md", "playground", "presets", "tests", "app.py", "requirements.txt", "LICENSE", "NOTICE"}
LARGEST_FILE_BYTES = 10_000_000


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode != 0:
        pytest.fail("the tests need the git checkout, to know which files belong to the project")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_requirements_equal_the_dependencies_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (ROOT / "requirements.txt").read_text(encoding="utf-8").split("\n")[:-1] == project["dependencies"]


def test_readme_documents_every_setting() -> None:
    rows = set(re.findall(r"^\| `(PLAYGROUND_[A-Z_]+)` \|", README, flags=re.MULTILINE))
    own = {name for name, field in Settings.model_fields.items() if field.validation_alias is None}
    assert rows == {f"PLAYGROUND_{name.upper()}" for name in own}


def test_readme_images_exist() -> None:
    images = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README)
    assert images
    assert all((ROOT / image).is_file() for image in images)


def test_top_level_holds_only_what_it_should() -> None:
    names = {path.relative_to(ROOT).parts[0] for path in tracked_files()}
    assert {name for name in names if not name.startswith(".")} <= TOP_LEVEL


def test_every_file_is_small_enough_for_a_space() -> None:
    assert [path.name for path in tracked_files() if path.stat().st_size > LARGEST_FILE_BYTES] == []


def test_nothing_of_a_machine_is_in_the_tree() -> None:
    telling = re.compile(rb"(?<![\w.])/(?:work|home|root|Users|tmp)/\w")
    own = Path(__file__)
    assert [path.name for path in tracked_files() if path != own and telling.search(path.read_bytes())] == []


def test_importing_the_page_leaves_no_files_in_the_source() -> None:
    before = {path for path in (ROOT / "playground").rglob("*") if "__pycache__" not in path.parts}
    subprocess.run([sys.executable, "-c", "import playground.ui.layout"], cwd=ROOT, check=True)
    after = {path for path in (ROOT / "playground").rglob("*") if "__pycache__" not in path.parts}
    assert after == before


def test_unusable_settings_are_named_without_their_values(tmp_path: Path) -> None:
    environment = {"PATH": "", "PLAYGROUND_BASE_URL": "ftp://secret-host", "PLAYGROUND_DATA_DIR": str(tmp_path)}
    failed = subprocess.run([sys.executable, "app.py"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert failed.returncode != 0
    assert "PLAYGROUND_BASE_URL" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert "secret-host" not in failed.stderr
