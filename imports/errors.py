"""What was wrong with the rows of a file, in a file beside it: row, column and problem, and no value of anybody's."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal, TextIO

from imports.meaning import Wrong
from imports.reading import Unusable

HEADER: Final = ("row", "column", "problem")


class ErrorsFile:
    """`FILE.errors.csv`: there is one as soon as something is wrong, and each wrong row stands in it once."""

    def __init__(self, source: Path, rows: int) -> None:
        """Keep what an earlier run has said of the rows up to that number; raises `Unusable` for somebody's file."""
        self.path = errors_of(source)
        if self.path.exists():
            try:
                self._keep(rows)
            except (OSError, UnicodeDecodeError, csv.Error) as error:
                raise Unusable(f"cannot use {self.path.name} ({type(error).__name__}): move it away") from None

    def _keep(self, rows: int) -> None:
        """Leave out what was said of rows that were not stored, because they come again."""
        part = self.path.with_name(f"{self.path.name}.part")
        said = 0
        with _open(self.path, "r") as old, _open(part, "w") as new:
            reader, writer = csv.reader(old), csv.writer(new)
            ours = tuple(next(reader, ())) == HEADER
            writer.writerow(HEADER)
            for row in reader if ours else ():
                if row and row[0].isdecimal() and int(row[0]) <= rows:
                    writer.writerow(row)
                    said += 1
        if not ours:
            part.unlink()
            raise Unusable(f"{self.path.name} is in the way, and is no list of errors of ours: move it away")
        part.replace(self.path)
        if not said:
            self.path.unlink()

    def say(self, wrong: Sequence[Wrong]) -> None:
        """Write down what is wrong before the rows around it are stored: after a stop both go on from there."""
        if not wrong:
            return
        try:
            new = not self.path.exists()
            with _open(self.path, "a") as file:
                writer = csv.writer(file)
                if new:
                    writer.writerow(HEADER)
                writer.writerows((one.row, one.column, one.problem) for one in wrong)
        except OSError as error:
            raise Unusable(f"cannot write {self.path.name}: {error.strerror}") from None


def errors_of(source: Path) -> Path:
    """Return where the problems of a file are written down."""
    return source.with_name(f"{source.name}.errors.csv")


def _open(path: Path, mode: Literal["r", "w", "a"]) -> TextIO:
    return path.open(mode, encoding="utf-8", newline="")
