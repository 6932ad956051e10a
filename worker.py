"""The composition root of the Temporal worker: here concrete classes meet, and nothing but the command imports it."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version

from temporalio.client import Client
from temporalio.worker import Worker

from activities.composing import Composer
from activities.discretion import Discretion
from activities.kpi import Measuring
from activities.looking import LastLook
from activities.polling import Polling
from activities.scoring import Scoring
from activities.sending import Sending
from activities.sweeping import Sweeping
from channels.base import Sender
from channels.rendering import Renderer
from models.journey import TASK_QUEUE, queue_of
from models.sending_time import load_places
from models.vocabulary import Channel
from runtime import clock
from runtime.installation import Installation
from storefronts.base import ShopApi
from workflows.poll import Poll
from workflows.relaunch import Relaunch
from workflows.sweep import Sweep

SLOTS = 50
"""How many activities of one queue a worker runs at once."""
BUILD = f"relaunch-{version('relaunch')}"
"""What Temporal shows as the code that ran a journey; without it the SDK hashes every module at each start."""


@asynccontextmanager
async def working(
    client: Client, installation: Installation, senders: dict[Channel, Sender], apis: Mapping[str, ShopApi]
) -> AsyncIterator[None]:
    """Run journeys, sweeps and polls of one installation beside the block, sending through `senders`.

    `apis` are the storefronts that can be asked, by the shop's id.

    Each channel has a queue and slots of its own, so that a provider that is away or slow holds up nobody else.
    """
    db, now = installation.db, clock.now
    composer = Composer(Renderer(), installation.links, rehearsal=installation.rehearsal, signer=installation.signer())
    looking = LastLook(db, apis, now)
    send = Sending(db, composer, senders, now, installation.settings.accounts.spread, looking).send
    # Journeys that began before channels had queues of their own still send on the journeys' queue.
    activities: list[Callable[..., object]] = [
        Scoring(db, installation.secret, now).assess,
        send,
        Measuring(db).close,
        Sweeping(db, now).sweep,
        Polling(db, apis, now, installation.settings.poll_every).poll,
    ]
    if {Channel.SMS, Channel.CALL} & senders.keys():
        load_places()
    async with AsyncExitStack() as stack:
        for channel in Channel:
            await stack.enter_async_context(_worker(client, queue_of(channel), [send]))
        await stack.enter_async_context(_worker(client, TASK_QUEUE, activities, [Relaunch, Sweep, Poll]))
        yield


def _worker(
    client: Client,
    queue: str,
    activities: Sequence[Callable[..., object]],
    workflows: Sequence[type] = (),
) -> Worker:
    return Worker(
        client,
        task_queue=queue,
        build_id=BUILD,
        workflows=workflows,
        activities=activities,
        interceptors=[Discretion()],
        max_concurrent_activities=SLOTS,
        max_cached_workflows=2000,
    )
