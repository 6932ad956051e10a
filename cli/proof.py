"""`relaunch audit`: each promise of the ledger in plain words, and whether it holds."""

from typing import TYPE_CHECKING

from cli.client import on_store
from cli.failures import CommandError
from cli.options import AsJson
from cli.show import print_json, safe, say, table

if TYPE_CHECKING:
    from runtime.installation import Installation
    from store.audit import Violation

PROMISES = {
    "silent_after_close": "nothing was handed over after a journey was closed",
    "silent_after_objection": "nothing was handed over after an objection, a withdrawal or a closed address",
    "silent_after_purchase": "nothing was handed over after a purchase",
    "silent_against_staff": "nothing was handed over against a pause or a cancellation by staff",
    "silent_holdout": "nothing was handed over to customers who are held out",
    "one_delivery": "a step reaches a customer by one delivery at most",
    "proved_retries": "a message was tried again only with proof that it had not been accepted",
    "decided": "every delivery has its decision, its lawful basis and its message",
    "outcome": "every closed journey has its outcome, and no open one has",
    "one_open_journey": "no customer has two open journeys of one kind",
    "ordered_decisions": "a journey's decisions are numbered in order",
}
"""What each invariant of `store.audit` means."""


def audit(as_json: AsJson = False) -> None:
    """Prove the ledger's promises again from its tables.

    At most once, and never after a stop; exit 1 when one does not hold.
    """
    from store import audit as ledger  # noqa: PLC0415 - slow to load

    async def work(installation: "Installation") -> "list[Violation]":
        return await installation.db.read(ledger.audit)

    found = on_store(work)
    if as_json:
        print_json([{"invariant": one.invariant, "subject": one.subject, "detail": one.detail} for one in found])
    else:
        broken = {one.invariant for one in found}
        for one in ledger.Invariant:
            said = safe(PROMISES[one])
            say(f"{'[red]broken[/]' if one in broken else '[green]holds[/] '}  {said}")
        if found:
            table("violations", ("invariant", "subject", "detail"), [(v.invariant, v.subject, v.detail) for v in found])
    if found:
        raise CommandError(f"{len(found)} {'entry breaks' if len(found) == 1 else 'entries break'} a promise")
