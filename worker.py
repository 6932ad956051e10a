"""The composition root of the Temporal worker: here concrete classes meet, and nothing but the command imports it."""

from importlib.metadata import version

from temporalio.client import Client
from temporalio.worker import Worker

from activities.composing import Composer
from activities.discretion import Discretion
from activities.kpi import Measuring
from activities.scoring import Scoring
from activities.sending import Sending
from activities.sweeping import Sweeping
from channels.base import Sender
from channels.rendering import Renderer
from models.journey import TASK_QUEUE
from models.vocabulary import Channel
from runtime import clock
from runtime.installation import Installation
from workflows.relaunch import Relaunch
from workflows.sweep import Sweep

BUILD = f"relaunch-{version('relaunch')}"
"""What Temporal shows as the code that ran a journey; without it the SDK hashes every module at each start."""


def make_worker(client: Client, installation: Installation, senders: dict[Channel, Sender]) -> Worker:
    """Return a worker that runs journeys and sweeps of one installation, sending through `senders`."""
    db, now = installation.db, clock.now
    composer = Composer(Renderer(), installation.links, rehearsal=installation.rehearsal)
    return Worker(
        client,
        task_queue=TASK_QUEUE,
        build_id=BUILD,
        workflows=[Relaunch, Sweep],
        activities=[
            Scoring(db, installation.secret, now).assess,
            Sending(db, composer, senders, now).send,
            Measuring(db).close,
            Sweeping(db, now).sweep,
        ],
        interceptors=[Discretion()],
        max_concurrent_activities=50,
        max_cached_workflows=2000,
    )
