"""What happens to imports, exports and changes of many, as the bus carries it."""

from crm.domain.bulk import BulkFinished
from crm.domain.exports import ExportFailed, ExportFinished, ExportRequested
from crm.domain.imports import ImportFailed, ImportFinished, ImportReverted
from freelanceflow.crm.v1 import bulk_events_pb2 as bulk_pb
from freelanceflow.crm.v1 import export_events_pb2 as export_pb
from freelanceflow.crm.v1 import import_events_pb2 as import_pb
from kit.clock import to_timestamp


def bulk_finished(fact: BulkFinished) -> bulk_pb.BulkFinished:
    return bulk_pb.BulkFinished(
        job_id=str(fact.aggregate_id),
        resource=fact.resource,
        changed=fact.changed,
        refused=fact.refused,
        stopped=fact.stopped,
        why=fact.why,
        actor_id=str(fact.by or ""),
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )


def export_requested(fact: ExportRequested) -> export_pb.ExportRequested:
    return export_pb.ExportRequested(
        export_id=str(fact.aggregate_id),
        resource=fact.resource,
        format=fact.format,
        total_rows=fact.total_rows,
        actor_id=str(fact.by or ""),
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )


def export_finished(fact: ExportFinished) -> export_pb.ExportFinished:
    return export_pb.ExportFinished(
        export_id=str(fact.aggregate_id),
        resource=fact.resource,
        format=fact.format,
        file_name=fact.file_name,
        rows=fact.rows,
        actor_id=str(fact.by or ""),
        happen_time=to_timestamp(fact.at),
        expire_time=to_timestamp(fact.expires_at),
        version=fact.version,
    )


def import_finished(fact: ImportFinished) -> import_pb.ImportFinished:
    return import_pb.ImportFinished(
        import_id=str(fact.aggregate_id),
        resource=fact.resource,
        file_name=fact.file_name,
        created_rows=fact.created_rows,
        updated_rows=fact.updated_rows,
        skipped_rows=fact.skipped_rows,
        failed_rows=fact.failed_rows,
        actor_id=str(fact.by or ""),
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )


def import_reverted(fact: ImportReverted) -> import_pb.ImportReverted:
    return import_pb.ImportReverted(
        import_id=str(fact.aggregate_id),
        resource=fact.resource,
        file_name=fact.file_name,
        reverted_records=fact.reverted_records,
        kept_records=fact.kept_records,
        actor_id=str(fact.by or ""),
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )


def export_failed(fact: ExportFailed) -> export_pb.ExportFailed:
    return export_pb.ExportFailed(
        export_id=str(fact.aggregate_id),
        resource=fact.resource,
        format=fact.format,
        file_name=fact.file_name,
        why=fact.why,
        actor_id=str(fact.by or ""),
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )


def import_failed(fact: ImportFailed) -> import_pb.ImportFailed:
    return import_pb.ImportFailed(
        import_id=str(fact.aggregate_id),
        resource=fact.resource,
        file_name=fact.file_name,
        step=fact.step,
        why=fact.why,
        actor_id=str(fact.by or ""),
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )
