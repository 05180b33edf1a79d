"""Imports as messages."""

from typing import Any

from crm.domain.import_fields import Resource
from crm.domain.imports import ImportStatus, Settings
from crm.entrypoints.rpc.mapping import stamp
from freelanceflow.crm.v1 import import_service_pb2 as pb

RESOURCES = {
    Resource.CLIENTS: pb.IMPORT_RESOURCE_CLIENTS,
    Resource.DEALS: pb.IMPORT_RESOURCE_DEALS,
    Resource.ACTIVITIES: pb.IMPORT_RESOURCE_ACTIVITIES,
}
RESOURCE_OF = {number: resource for resource, number in RESOURCES.items()}
STATUSES = {
    status: pb.ImportStatus.Value(f"IMPORT_STATUS_{status.name}") for status in ImportStatus
}
# A job that gave up leaves its import as it was meanwhile.
_AT_WORK = (ImportStatus.ANALYZING, ImportStatus.COMMITTING, ImportStatus.REVERTING)


def import_message(row: Any, *, whole: bool = True) -> pb.Import:
    """A row of adapters.imports; in lists without columns and settings."""
    status = ImportStatus(row["status"])
    failed = status in _AT_WORK and row["job_status"] == "failed"
    checked = row["checked"]
    return pb.Import(
        id=str(row["id"]),
        resource=RESOURCES[Resource(row["resource"])],
        status=pb.IMPORT_STATUS_FAILED if failed else STATUSES[status],
        file_name=row["file_name"],
        size=row["size"],
        total_rows=row["total_rows"],
        done_rows=row["done_rows"],
        created_rows=row["created_rows"],
        updated_rows=row["updated_rows"],
        skipped_rows=row["skipped_rows"],
        failed_rows=row["failed_rows"],
        reverted_records=row["reverted_records"],
        kept_records=row["kept_records"],
        job_id=str(row["job_id"] or ""),
        job_progress=row["job_progress"] or 0,
        error=row["job_error"] if failed else "",
        create_time=stamp(row["created_at"]),
        finish_time=stamp(row["finished_at"]),
        columns=_columns(row) if whole else (),
        settings=_settings(row) if whole and row["settings"] else None,
        check=_check(checked) if checked else None,
    )


def _settings(row: Any) -> pb.ImportSettings:
    settings = Settings.revived(row["settings"]).read_into(row["columns"], row["fields"])
    return pb.ImportSettings(**settings.kept())


def _columns(row: Any) -> list[pb.ImportColumn]:
    return [
        pb.ImportColumn(
            header=column["header"],
            samples=column["samples"],
            field=field,
            guess=column["guess"],
            confidence=column["confidence"],
        )
        for column, field in zip(row["columns"], row["fields"], strict=True)
    ]


def _check(checked: dict[str, int]) -> pb.ImportCheck:
    return pb.ImportCheck(
        created_rows=checked["created"],
        updated_rows=checked["updated"],
        skipped_rows=checked["skipped"],
        failed_rows=checked["failed"],
        new_clients=checked["new_clients"],
    )
