"""What the entrypoints of the service work with; bootstrap puts it together."""

from dataclasses import dataclass, field

from analytics.adapters.report_cache import ReportCache
from analytics.entrypoints.store import Store
from kit.jobs.celery import JobApp


@dataclass(frozen=True, kw_only=True)
class App(Store):
    """The service, ready to work."""

    jobs: JobApp
    reports: ReportCache = field(default_factory=ReportCache)
