"""Who is one person, on the command line: joining two customers by hand, and parting them again."""

from typing import Annotated

import typer

from cli.client import Json, place, talk
from cli.options import AsJson
from cli.show import print_json, safe, say

_Customer = Annotated[str, typer.Argument(metavar="CUSTOMER_ID", help="A customer's id, as `relaunch customer` shows.")]
_Other = Annotated[str, typer.Argument(metavar="OTHER_ID", help="The id of the customer who is the same person.")]
_Why = Annotated[str, typer.Option(help="Why, for the record.")]


def register(app: typer.Typer) -> None:
    """Add `join` and `part`."""
    first, second = "0198b2f4-6c1e-7a53-9d0e-2f6b8a4c1d77", "0198b2f4-7a02-7f10-8a44-0c9f6f2f5b21"
    app.command(
        "join",
        short_help="Say that two customers are one person.",
        epilog=f'Example: relaunch join {first} {second} --reason "said so by phone"',
    )(join)
    app.command(
        "part",
        short_help="Say that an alias is somebody else.",
        epilog=f'Example: relaunch part {second} --reason "two sisters"',
    )(part)


def join(customer: _Customer, other: _Other, reason: _Why, as_json: AsJson = False) -> None:
    """Say that two customers are one person: the second becomes an alias of the first.

    A stop of one is then a stop of the other, and so is a consent. `relaunch part` undoes it.
    """
    body = {"other": other, "reason": reason}
    answer = talk(lambda api: api.post(place("customers", customer, "join"), body), changes=True)
    _told(answer, f"{safe(other)} is the same person as {safe(customer)}", as_json=as_json)


def part(customer: _Customer, reason: _Why, as_json: AsJson = False) -> None:
    """Say that an alias is somebody else; it is not joined by itself again."""
    answer = talk(lambda api: api.post(place("customers", customer, "part"), {"reason": reason}), changes=True)
    _told(answer, f"{safe(customer)} stands alone", as_json=as_json)


def _told(answer: Json, what: str, *, as_json: bool) -> None:
    if as_json:
        print_json(answer)
    else:
        say(f"[green]noted[/]: {what}; `relaunch customer` shows what stands")
