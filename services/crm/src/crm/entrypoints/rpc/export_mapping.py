"""Exports as messages."""

from datetime import datetime
from typing import Any

from crm.adapters.exports import Request
from crm.domain.exports import WORKSPACE, Format
from crm.domain.import_fields import Resource
from crm.entrypoints.rpc.mapping import stamp
from freelanceflow.crm.v1 import export_service_pb2 as pb

LISTS = {
    Resource.CLIENTS: pb.EXPORT_RESOURCE_CLIENTS,
    Resource.DEALS: pb.EXPORT_RESOURCE_DEALS,
    Resource.ACTIVITIES: pb.EXPORT_RESOURCE_ACTIVITIES,
}
RESOURCES: dict[str, pb.ExportResource.ValueType] = {
    **{resource.value: number for resource, number in LISTS.items()},
    WORKSPACE: pb.EXPORT_RESOURCE_WORKSPACE,
}
RESOURCE_OF = {number: resource for resource, number in LISTS.items()}
FORMATS = {format: pb.ExportFormat.Value(f"EXPORT_FORMAT_{format.name}") for format in Format}
FORMAT_OF = {number: format for format, number in FORMATS.items() if format is not Format.ZIP}
_OF_JOB = {
    "queued": pb.EXPORT_STATUS_QUEUED,
    "running": pb.EXPORT_STATUS_RUNNING,
    "failed": pb.EXPORT_STATUS_FAILED,
}


def status_of(row: Any, now: datetime) -> pb.ExportStatus.ValueType:
    """A file that is there counts more than what its job says."""
    if row["file_id"] is None:
        return _OF_JOB.get(row["job_status"], pb.EXPORT_STATUS_RUNNING)
    gone = row["expires_at"] is not None and row["expires_at"] <= now
    return pb.EXPORT_STATUS_EXPIRED if gone else pb.EXPORT_STATUS_DONE


def export_message(row: Any, now: datetime) -> pb.Export:
    """A row of adapters.exports."""
    status, asked = status_of(row, now), Request.revived(row["request"])
    return pb.Export(
        id=str(row["id"]),
        resource=RESOURCES[row["resource"]],
        format=FORMATS[Format(row["format"])],
        status=status,
        rows=row["rows"] or row["job_progress"] or 0,
        total_rows=row["total_rows"],
        size=row["size"],
        file_name=row["file_name"],
        job_id=str(row["job_id"]),
        error=row["job_error"] or "" if status == pb.EXPORT_STATUS_FAILED else "",
        create_time=stamp(row["created_at"]),
        finish_time=stamp(row["finished_at"]),
        expire_time=stamp(row["expires_at"]),
        conditions=asked.conditions,
        sort=asked.sort,
        columns=row["columns"],
        raw=row["raw"],
    )
