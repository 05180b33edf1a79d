"""How long a service's oldest job has been waiting, for whoever watches the platform."""

from kit.ages import keep_telling
from kit.jobs import table
from kit.pool import Pool
from kit.telemetry.metrics import CELERY_QUEUE_AGE


async def tell_queue_age(system: Pool, service: str) -> None:
    """A background task of the process that hands jobs out: workers may be what is missing."""
    await keep_telling(CELERY_QUEUE_AGE.labels(service), lambda: table.queued_for(system))
