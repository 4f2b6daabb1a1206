"""Image files as a source. One that cannot be read does not stop the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from edgecv.errors import EdgecvError, FileError, IoFailed
from edgecv.images import read_image
from edgecv.progress import note
from edgecv.run.sources import Frame


class Pictures:
    """Image files, in order. See `edgecv.run.sources.Source`."""

    moving = False
    fps = 0.0
    dropped = 0

    def __init__(self, name: str, files: Sequence[Path]) -> None:
        """Take `files` as they are; nothing is read yet."""
        self.name, self.files = name, files
        self.total: int | None = len(files)
        self.unread: list[str] = []

    def __iter__(self) -> Iterator[Frame]:
        """Yield every picture that can be read.

        Raises:
            FileError: the only file is not a picture.
            IoFailed: at the end, if some of several could not be read.
        """
        for index, file in enumerate(self.files):
            try:
                image = read_image(file)
            except (FileError, IoFailed) as err:
                self._skip(err)
                continue
            yield Frame(image, str(file), index, None)
        if self.unread:
            raise IoFailed(
                "some images could not be read; the others are done",
                unread=f"{len(self.unread)} of {self.total}",
                first=self.unread[0],
            )

    def close(self) -> None:
        """Nothing is held open."""

    def _skip(self, err: EdgecvError) -> None:
        if self.total == 1:
            raise err
        self.unread.append(str(err.facts.get("file", err.what)))
        note(f"left out: {err}")
