"""Imports and exports as crm sends them."""

from typing import Any

from freelanceflow.crm.v1 import duplicate_service_pb2 as duplicate_pb
from freelanceflow.crm.v1 import export_service_pb2 as export_pb
from freelanceflow.crm.v1 import import_service_pb2 as pb
from services.gateway.tests.unit.pages.factories import ago, make_client

STATUSES = {
    name.removeprefix("IMPORT_STATUS_").lower(): number
    for name, number in pb.ImportStatus.items()
    if number
}


def make_import(import_id: str = "i-uploaded", **over: Any) -> pb.Import:
    """An import; its id says how it stands, as in `i-ready`."""
    usual: dict[str, Any] = {
        "id": import_id,
        "resource": pb.IMPORT_RESOURCE_DEALS,
        "status": STATUSES.get(import_id.partition("-")[2], pb.IMPORT_STATUS_UPLOADED),
        "file_name": "Deals of 2026.csv",
        "size": 1234,
        "total_rows": 1200,
        "done_rows": 700,
        "job_progress": 700,
        "created_rows": 690,
        "failed_rows": 3,
        "skipped_rows": 7,
        "error": "There is no such file.",
        "create_time": ago(hours=3),
        "columns": [
            pb.ImportColumn(
                header="Deal name", samples=["A", "B"], field="name", guess="name", confidence=1
            ),
            pb.ImportColumn(
                header="Value", samples=["1.234,56"], field="amount", guess="amount", confidence=0.8
            ),
            pb.ImportColumn(header="Colour", samples=[]),
        ],
        "settings": pb.ImportSettings(
            encoding="utf-8",
            delimiter=";",
            decimal=",",
            decimal_certain=True,
            date_order="dmy",
            on_duplicate="skip",
        ),
        "check": pb.ImportCheck(created_rows=1190, skipped_rows=7, failed_rows=3, new_clients=12),
    }
    return pb.Import(**usual | over)


IMPORTS: dict[str, Any] = {
    "ListImports": pb.ListImportsResponse(
        imports=[make_import(f"i-{state}") for state in STATUSES], next_page_token="next"
    ),
    "GetImport": lambda request: make_import(request.import_id),
    "UpdateImport": make_import(
        settings=pb.ImportSettings(decimal_certain=True, date_order_certain=True)
    ),
    "CheckImport": make_import("i-analyzing"),
    "CommitImport": make_import("i-committing"),
    "RevertImport": make_import("i-reverting"),
    "ListImportErrors": pb.ListImportErrorsResponse(
        errors=[
            pb.ImportRowError(row=5, column="Value", message="This is no amount.", value="much"),
            pb.ImportRowError(row=9, message="The row has more cells than the header."),
        ],
        next_page_token="more",
    ),
    "ListImportRows": pb.ListImportRowsResponse(
        rows=[
            pb.ImportRow(
                row=7, action="skipped", matched_by="name", record_id="d-1", record_name="Website"
            ),
            pb.ImportRow(
                row=8, action="updated", matched_by="email", record_id="d-2", record_name="Shop"
            ),
        ],
        next_page_token="more",
    ),
}


def make_export(status: export_pb.ExportStatus.ValueType, **over: Any) -> export_pb.Export:
    """An export of deals."""
    usual: dict[str, Any] = {
        "id": f"e-{status}",
        "resource": export_pb.EXPORT_RESOURCE_DEALS,
        "format": export_pb.EXPORT_FORMAT_CSV,
        "status": status,
        "rows": 120,
        "total_rows": 240,
        "file_name": "deals-2026-11-25.csv",
        "error": "There is no such export." if status == export_pb.EXPORT_STATUS_FAILED else "",
        "create_time": ago(hours=1),
        "expire_time": ago(days=-6),
    }
    return export_pb.Export(**usual | over)


EXPORTS: dict[str, Any] = {
    "ListExports": export_pb.ListExportsResponse(
        exports=[make_export(number) for number in export_pb.ExportStatus.values() if number],
        next_page_token="next",
    ),
    "GetExport": make_export(export_pb.EXPORT_STATUS_DONE),
    "CreateExport": make_export(export_pb.EXPORT_STATUS_QUEUED),
}
_merge: dict[str, Any] = {
    "client_id": "c-1",
    "client_name": "Acme",
    "other_id": "c-2",
    "other_name": "Acme Ltd",
    "deals": 3,
    "people": 1,
    "create_time": ago(hours=2),
}
DUPLICATES: dict[str, Any] = {
    "ListDuplicates": duplicate_pb.ListDuplicatesResponse(
        pairs=[
            duplicate_pb.DuplicatePair(
                one=make_client(id=f"c-{by}"),
                other=make_client(id=f"d-{by}", name="Alike"),
                matched_by=by,
            )
            for by in ("email", "phone", "domain", "name")
        ]
    ),
    "ListMerges": duplicate_pb.ListMergesResponse(
        merges=[
            duplicate_pb.Merge(id="m-1", **_merge),
            duplicate_pb.Merge(id="m-2", undo_time=ago(hours=1), **_merge),
        ]
    ),
    "DismissDuplicate": duplicate_pb.DismissDuplicateResponse(),
    "MergeClients": duplicate_pb.Merge(id="m-1", **_merge),
    "UndoMerge": duplicate_pb.Merge(id="m-1", **_merge),
}
FILES = {"imports": IMPORTS, "exports": EXPORTS, "duplicates": DUPLICATES}
