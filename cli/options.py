"""Options that several commands share, so that they are spelt and explained the same everywhere."""

from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Reason = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why; kept in the log of staff acts.")]
JourneyId = Annotated[str, typer.Argument(metavar="ID", help="The journey's id, as `relaunch journeys` shows it.")]
