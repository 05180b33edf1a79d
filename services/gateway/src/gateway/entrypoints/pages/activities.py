"""Activities: the list by day, a line that becomes one, done and taken back."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from freelanceflow.crm.v1.activity_service_pb2 import (
    Activity,
    ActivityKind,
    CreateActivityRequest,
    DeleteActivityRequest,
    DraftActivityRequest,
    GetActivityRequest,
    ListActivitiesRequest,
    SetActivityDoneRequest,
)
from freelanceflow.type.v1.filter_pb2 import Operator, SortKey
from gateway.entrypoints.api.activities import KINDS
from gateway.entrypoints.pages.activity_query import HOME, PAGE, ActivityQuery
from gateway.entrypoints.pages.calls import (
    clients_of,
    identity_of,
    signed_in,
    together,
    viewer_of,
)
from gateway.entrypoints.pages.formatting import Formats
from gateway.entrypoints.pages.forms import values_of
from gateway.entrypoints.pages.list_views import elsewhere, views_context
from gateway.entrypoints.pages.named_filters import DOERS, settled
from gateway.entrypoints.pages.owners import owners_of, spoken_of
from gateway.entrypoints.pages.rendering import is_htmx, rendering_of, targets
from gateway.entrypoints.paths import local_path
from kit.errors import DomainError, ErrorKind

LONGEST_SUBJECT = 300

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Day:
    """What a list shows under one heading."""

    name: str
    items: Sequence[Activity]
    late: bool = False


@router.get("/activities")
async def activity_page(request: Request) -> Response:
    """What is to be done, by day; or what has no day; or what is done."""
    if named := await settled(request, DOERS):
        return named
    query, user_id = ActivityQuery.of(request), str(signed_in(request).user_id)
    token = request.query_params.get("page_token", "")
    if not is_htmx(request) and (there := await elsewhere(request, "activities", query.view_id)):
        return RedirectResponse(there, 303)
    viewer, page, views, owners = await together(
        viewer_of(request),
        clients_of(request).activities.ListActivities(
            query.asked(user_id, token), identity_of(request)
        ),
        views_context(request, "activities", query.view_id),
        owners_of(request, *spoken_of(query.all_terms)),
    )
    rendering = rendering_of(request)
    following = query.href(page_token=page.next_page_token) if page.next_page_token else ""
    fragment = is_htmx(request) and targets(request, "activities")
    return rendering.response(
        request,
        "activities/_list.html" if fragment else "activities/page.html",
        viewer,
        days=days_of(page.activities, rendering.formats(viewer), show=query.show),
        show=query.show,
        query=query,
        filtered=bool(query.text or query.kind),
        kinds=list(KINDS.items()),
        here=query.href(page_token=token),
        next_href=following,
        owners=owners,
        people=[(id, name) for id, name in owners.options if id != user_id],
        **views,
    )


@router.post("/activities/quick")
async def quick_add(request: Request) -> Response:
    """A line as an activity; one that does not say whom it is about opens as a form."""
    signed_in(request)
    values = await values_of(request)
    clients, identity = clients_of(request), identity_of(request)
    about = {name: values[name] for name in ("client_id", "deal_id") if values[name]}
    try:
        draft = await clients.activities.DraftActivity(
            DraftActivityRequest(text=values["text"]), identity
        )
        activity = draft.activity
        if about:
            activity.client_id, activity.deal_id = values["client_id"], values["deal_id"]
        activity = await clients.activities.CreateActivity(
            CreateActivityRequest(activity=activity), identity
        )
    except DomainError as refusal:
        if refusal.kind is not ErrorKind.INVALID:
            raise
        form = {"text": values["text"], "next": local_path(values["next"], HOME), **about}
        return _opened(request, f"/activities/new?{urlencode(form)}")
    return await saved(request, "Added:", activity, values["next"])


@router.post("/notes")
async def write_note(request: Request) -> Response:
    """A note on a client or a deal; its first line is what lists show of it."""
    signed_in(request)
    values = await values_of(request)
    first, _, rest = values["text"].partition("\n")
    fits = len(first.strip()) <= LONGEST_SUBJECT
    note = Activity(
        kind=ActivityKind.ACTIVITY_KIND_NOTE,
        subject=first.strip() if fits else f"{first[: LONGEST_SUBJECT - 1]}…",
        body=rest.strip() if fits else values["text"],
        client_id=values["client_id"],
        deal_id=values["deal_id"],
    )
    created = await clients_of(request).activities.CreateActivity(
        CreateActivityRequest(activity=note), identity_of(request)
    )
    return await saved(request, "Noted:", created, values["next"])


@router.post("/activities/{activity_id}/done")
async def set_done(request: Request, activity_id: str) -> Response:
    """Done, or not done after all."""
    signed_in(request)
    values = await values_of(request)
    done = values["done"] == "1"
    activity = await clients_of(request).activities.SetActivityDone(
        SetActivityDoneRequest(activity_id=activity_id, done=done), identity_of(request)
    )
    words = "Done:" if done else "Not done:"
    undo = None if values["undo"] else {"done": "" if done else "1"}
    return await saved(request, words, activity, values["next"], undo=undo)


@router.post("/activities/{activity_id}/delete")
async def delete(request: Request, activity_id: str) -> Response:
    """Into the trash."""
    signed_in(request)
    values = await values_of(request)
    clients, identity = clients_of(request), identity_of(request)
    activity = await clients.activities.GetActivity(
        GetActivityRequest(activity_id=activity_id), identity
    )
    await clients.activities.DeleteActivity(
        DeleteActivityRequest(activity_id=activity_id, etag=values["etag"]), identity
    )
    return await saved(request, "Deleted:", activity, values["next"])


async def saved(
    request: Request,
    words: str,
    activity: Activity,
    next_path: str,
    *,
    undo: dict[str, Any] | None = None,
) -> Response:
    """Says what happened; whatever shows activities fetches itself again."""
    if not is_htmx(request):
        return RedirectResponse(local_path(next_path, HOME), 303)
    told = {"ff:saved": {"kind": "activity", "id": activity.id}}
    return rendering_of(request).response(
        request,
        "activities/saved.html",
        headers={"HX-Trigger": json.dumps(told)},
        words=words,
        subject=activity.subject,
        activity_id=activity.id,
        undo=undo,
    )


def planned(**about: str) -> ListActivitiesRequest:
    """What is to be done for a client or a deal, the next first; what has no day is first, too."""
    asked = ListActivitiesRequest(page_size=PAGE)
    asked.sort.append(SortKey(field="due_at"))
    asked.conditions.add(field="done_at", operator=Operator.OPERATOR_ISNULL, values=["true"])
    for field, id in about.items():
        asked.conditions.add(field=field, operator=Operator.OPERATOR_EQ, values=[id])
    return asked


def days_of(activities: Iterable[Activity], formats: Formats, *, show: str = "open") -> list[Day]:
    """Under headings: what is late together, then day by day; done things by the day they were."""
    if show == "undated":
        return [Day("No date", items)] if (items := list(activities)) else []

    def day_of(activity: Activity) -> date:
        stamp = activity.done_time if show == "done" else activity.due_time
        day = formats.local(stamp).date()
        late = show == "open" and day < formats.today
        return date.min if late else day

    return [
        Day("Overdue" if day == date.min else formats.day_name(day), list(items), day == date.min)
        for day, items in groupby(activities, day_of)
    ]


def _opened(request: Request, href: str) -> Response:
    if not is_htmx(request):
        return RedirectResponse(href, 303)
    return Response(
        status_code=204, headers={"HX-Trigger": json.dumps({"ff:open": {"href": href}})}
    )
