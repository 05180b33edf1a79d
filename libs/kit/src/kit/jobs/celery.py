"""The sending side of jobs: a Celery app that carries nothing but ids."""

import asyncio
from functools import cached_property
from typing import TYPE_CHECKING
from uuid import UUID

from kit.telemetry import Log

if TYPE_CHECKING:
    from celery import Celery

VISIBILITY_TIMEOUT = 3600  # seconds; longer than any job. What guards a job is the lease in its row

PATIENCE = 0.5  # seconds a caller waits for the broker

log = Log(__name__)


class JobApp:
    """Puts the id of a job into its service's queue; `send` it after the job's row is committed."""

    def __init__(self, service: str, broker_url: str) -> None:
        self.service = service
        self._broker_url = broker_url
        self._sending: set[asyncio.Task[None]] = set()

    @cached_property
    def celery(self) -> "Celery":
        """Loaded by whoever needs it first: who serves has a job now and then, and rests without
        14 MB of Celery and redis until then.
        """
        from celery import Celery

        app = Celery(self.service, broker=self._broker_url)
        app.conf.update(
            task_default_queue=self.service,
            task_serializer="json",
            accept_content=["json"],
            task_ignore_result=True,
            task_acks_late=True,
            task_publish_retry=False,
            worker_prefetch_multiplier=1,
            worker_hijack_root_logger=False,
            worker_cancel_long_running_tasks_on_connection_loss=True,
            worker_enable_remote_control=False,
            broker_connection_retry_on_startup=True,
            broker_connection_max_retries=None,
            broker_transport_options={
                "visibility_timeout": VISIBILITY_TIMEOUT,
                "socket_connect_timeout": 1,
                "socket_timeout": 5,
                "socket_keepalive": True,
            },
        )
        return app

    def task_name(self, kind: str) -> str:
        """What Celery calls a kind of job."""
        return f"{self.service}.{kind}"

    async def send(self, kind: str, job_id: UUID) -> None:
        """Tell a worker. Without a broker it will find the row by itself, only later.

        Never raises, and soon returns: the client's own attempts go on in their thread.
        """
        sending = asyncio.create_task(asyncio.to_thread(self._send, kind, job_id))
        self._sending.add(sending)
        sending.add_done_callback(self._sending.discard)
        await asyncio.wait({sending}, timeout=PATIENCE)

    def _send(self, kind: str, job_id: UUID) -> None:
        from kombu.exceptions import OperationalError

        try:
            self.celery.send_task(self.task_name(kind), args=[str(job_id)])
        except (OperationalError, OSError) as error:
            log.warning("job_not_sent", kind=kind, cause=repr(error))
