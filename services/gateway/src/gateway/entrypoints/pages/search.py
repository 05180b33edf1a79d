"""Search: a page of its own, and the palette that Ctrl-K opens over any other."""

from dataclasses import dataclass

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from freelanceflow.crm.v1.record_service_pb2 import RecordKind
from freelanceflow.crm.v1.search_service_pb2 import SearchRequest, SearchResult
from gateway.entrypoints.pages.calls import clients_of, identity_of, together, viewer_of
from gateway.entrypoints.pages.rendering import Viewer, is_htmx, rendering_of, targets

LONGEST = 200

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Command:
    """Something to do, or somewhere to go."""

    label: str
    href: str
    icon: str
    permission: str = ""
    dialog: bool = False


COMMANDS = (
    Command("New deal", "/deals/new", "plus", "deals.write", dialog=True),
    Command("New client", "/clients/new", "plus", "clients.write"),
    Command("New activity", "/activities/new", "plus", "activities.write", dialog=True),
    Command("Today", "/", "house", "activities.read"),
    Command("Pipeline", "/pipeline", "square-kanban", "deals.read"),
    Command("Clients", "/clients", "users", "clients.read"),
    Command("Activities", "/activities", "calendar-check", "activities.read"),
    Command("Analytics", "/analytics", "chart-line", "analytics.read"),
    Command("Notifications", "/notifications", "bell"),
    Command("Import", "/imports", "upload", "imports.read"),
    Command("Export", "/exports", "download", "exports.write"),
    Command("Trash", "/trash", "trash-2", "deals.read"),
    Command("Settings", "/settings", "settings"),
    Command("Keyboard", "/help/keys", "circle-help", dialog=True),
)
_HOME = {RecordKind.RECORD_KIND_DEAL: "/deals/", RecordKind.RECORD_KIND_CLIENT: "/clients/"}


@router.get("/search")
async def search(request: Request) -> Response:
    """What was found, and commands that are called so; alone for the palette."""
    text = request.query_params.get("q", "").strip()[:LONGEST]
    viewer, found = await together(
        viewer_of(request),
        clients_of(request).search.Search(SearchRequest(text=text), identity_of(request)),
    )
    template = "search/page.html"
    if is_htmx(request):
        only_results = targets(request, "search-results")
        template = "search/_results.html" if only_results else "search/dialog.html"
    return rendering_of(request).response(
        request,
        template,
        viewer,
        text=text,
        results=[(result, href_of(result)) for result in found.results],
        commands=_commands(viewer, text),
    )


def href_of(result: SearchResult) -> str:
    """Where a result is shown."""
    if result.kind == RecordKind.RECORD_KIND_ACTIVITY:
        return _HOME[result.shown_on_kind] + result.shown_on_id
    return _HOME[result.kind] + result.id


def _commands(viewer: Viewer, text: str) -> list[Command]:
    allowed = (c for c in COMMANDS if not c.permission or viewer.may(c.permission))
    return [command for command in allowed if text.lower() in command.label.lower()]
