"""All that crm answers."""

from crm.entrypoints.app import App
from crm.entrypoints.rpc.activities import ActivityService
from crm.entrypoints.rpc.bulk import BulkService
from crm.entrypoints.rpc.calendars import CalendarService
from crm.entrypoints.rpc.clients import ClientService
from crm.entrypoints.rpc.contacts import ContactService
from crm.entrypoints.rpc.deals import DealService
from crm.entrypoints.rpc.duplicates import DuplicateService
from crm.entrypoints.rpc.exports import ExportService
from crm.entrypoints.rpc.fields import FieldService
from crm.entrypoints.rpc.imports import ImportService
from crm.entrypoints.rpc.rates import RateService
from crm.entrypoints.rpc.records import RecordService
from crm.entrypoints.rpc.search import SearchService
from crm.entrypoints.rpc.setup import SetupService
from crm.entrypoints.rpc.snapshots import SnapshotService
from crm.entrypoints.rpc.stages import StageService
from crm.entrypoints.rpc.timeline import TimelineService
from crm.entrypoints.rpc.views import ViewService
from freelanceflow.crm.v1 import activity_service_pb2_grpc as activities
from freelanceflow.crm.v1 import bulk_service_pb2_grpc as bulk
from freelanceflow.crm.v1 import calendar_service_pb2_grpc as calendars
from freelanceflow.crm.v1 import client_service_pb2_grpc as clients
from freelanceflow.crm.v1 import contact_service_pb2_grpc as contacts
from freelanceflow.crm.v1 import deal_service_pb2_grpc as deals
from freelanceflow.crm.v1 import duplicate_service_pb2_grpc as duplicates
from freelanceflow.crm.v1 import export_service_pb2_grpc as exports
from freelanceflow.crm.v1 import field_service_pb2_grpc as fields
from freelanceflow.crm.v1 import import_service_pb2_grpc as imports
from freelanceflow.crm.v1 import rate_service_pb2_grpc as rates
from freelanceflow.crm.v1 import record_service_pb2_grpc as records
from freelanceflow.crm.v1 import search_service_pb2_grpc as searches
from freelanceflow.crm.v1 import setup_service_pb2_grpc as setups
from freelanceflow.crm.v1 import snapshot_service_pb2_grpc as snapshots
from freelanceflow.crm.v1 import stage_service_pb2_grpc as stages
from freelanceflow.crm.v1 import timeline_service_pb2_grpc as timelines
from freelanceflow.crm.v1 import view_service_pb2_grpc as views
from kit.rpc.server import Servicer


def services(app: App) -> list[Servicer]:
    """Each service with what registers it."""
    return [
        (deals.add_DealServiceServicer_to_server, DealService(app)),
        (clients.add_ClientServiceServicer_to_server, ClientService(app)),
        (stages.add_StageServiceServicer_to_server, StageService(app)),
        (activities.add_ActivityServiceServicer_to_server, ActivityService(app)),
        (fields.add_FieldServiceServicer_to_server, FieldService(app)),
        (views.add_ViewServiceServicer_to_server, ViewService(app)),
        (rates.add_RateServiceServicer_to_server, RateService(app)),
        (contacts.add_ContactServiceServicer_to_server, ContactService(app)),
        (setups.add_SetupServiceServicer_to_server, SetupService(app)),
        (calendars.add_CalendarServiceServicer_to_server, CalendarService(app)),
        (timelines.add_TimelineServiceServicer_to_server, TimelineService(app)),
        (imports.add_ImportServiceServicer_to_server, ImportService(app)),
        (exports.add_ExportServiceServicer_to_server, ExportService(app)),
        (duplicates.add_DuplicateServiceServicer_to_server, DuplicateService(app)),
        (records.add_RecordServiceServicer_to_server, RecordService(app)),
        (searches.add_SearchServiceServicer_to_server, SearchService(app)),
        (bulk.add_BulkServiceServicer_to_server, BulkService(app)),
        (snapshots.add_SnapshotServiceServicer_to_server, SnapshotService(app)),
    ]
