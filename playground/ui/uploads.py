"""Files that the browser sent: only those, wherever a request may point."""

from pathlib import Path

from gradio.utils import get_upload_folder

from playground.errors import BadInputError


def is_upload(path: str) -> bool:
    """Whether a path lies where this server keeps what browsers send, which says nothing of the file being there still."""
    return Path(path).resolve().is_relative_to(Path(get_upload_folder()).resolve())


def uploaded(path: str) -> Path:
    """The uploaded file of that path. Raises BadInputError for any other path.

    Gradio checks the paths in a request only where the request itself marks them as files, so a forged one could name
    any file that this process may read.
    """
    if not is_upload(path) or not Path(path).is_file():
        raise BadInputError("That file was not uploaded here, or is no longer kept.", advice="Upload it again.")
    return Path(path).resolve()
