"""Packaged ONNX weights: checked against their published checksums, then opened for the CPU."""

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from playground.errors import EngineError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

Array = npt.NDArray[np.floating[Any]]

_MOST_THREADS = 8


def verify(folder: Path, *, owner: str) -> None:
    """Raise EngineError if a file named in SHA256SUMS is missing or not the one that was published; `owner`: whose it is."""
    advice = "Install the playground again."
    try:
        for line in (folder / "SHA256SUMS").read_text().splitlines():
            expected, name = line.split()
            with (folder / name).open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != expected:
                    raise EngineError(f"{owner}'s file {name} is damaged.", advice=advice)
    except OSError as error:
        name = Path(str(error.filename)).name
        raise EngineError(f"{owner}'s file {name} is missing or unreadable.", advice=advice) from error
    except ValueError as error:
        raise EngineError(f"{owner}'s file SHA256SUMS is damaged.", advice=advice) from error


def open_session(path: Path) -> "InferenceSession":
    """The graph, ready to run; sessions may be run from several threads."""
    import onnxruntime  # a page that only talks to the hosted API never needs it

    cast(Any, onnxruntime).disable_telemetry_events()
    options = cast(Any, onnxruntime).SessionOptions()
    options.intra_op_num_threads = min(_MOST_THREADS, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 4)
    # Spinning threads gain 8 % here and take the cores away from the page between two steps.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def run_session(session: "InferenceSession", feed: dict[str, Any]) -> Array:
    """The graph's first output."""
    return cast(Any, session).run(None, feed)[0]
