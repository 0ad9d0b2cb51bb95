"""Entries of the history as one zip: every picture as it was delivered, and a manifest of all inputs."""

import json
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from playground.errors import Credits, StorageError
from playground.history.entry import Entry

MANIFEST = "manifest.json"


def write_archive(entries: Sequence[Entry], path: Path) -> None:
    """Write the zip. A picture whose file is gone is named as missing in the manifest. Raises StorageError. Blocks."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Pictures are compressed already.
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            lines = [_add(archive, entry) for entry in entries]
            text = json.dumps({"predictions": lines}, indent=2, ensure_ascii=False)
            archive.writestr(MANIFEST, text, zipfile.ZIP_DEFLATED)
    except OSError as error:
        with suppress(OSError):  # the same disk
            path.unlink()
        raise StorageError(
            f"The history could not be exported ({error.strerror or 'a picture is unreadable'}).",
            credits=Credits.NOT_AT_STAKE,
            advice="Free some disk space and export again, or export fewer by a search.",
        ) from error


def _add(archive: zipfile.ZipFile, entry: Entry) -> dict[str, Any]:
    """One entry's files, and its line of the manifest: without key, visitor, and path of this machine."""
    stem = f"{entry.created_at[:19].replace(':', '-')}_{entry.id[:8]}"
    files: list[str] = []
    missing = 0
    for place, path in enumerate(entry.outputs, start=1):
        name = f"{stem}_{place}{path.suffix}"
        if path.is_file():
            archive.write(path, name)
            files.append(name)
        else:
            missing += 1
    image = None
    if entry.image is not None and entry.image.is_file():
        image = f"{stem}_input{entry.image.suffix}"
        archive.write(entry.image, image)
    return {
        "files": files,
        "missing_files": missing,
        "input": dict(entry.input) | {"image": image},
        "model": entry.model,
        "base_url": entry.base_url,
        "job_id": entry.job_id,
        "status": entry.status,
        "error": entry.error,
        "credits": entry.credits,
        "created_at": entry.created_at,
        "ended_at": entry.ended_at,
        "time_s": entry.time_s,
        "is_favourite": entry.is_favourite,
    }
