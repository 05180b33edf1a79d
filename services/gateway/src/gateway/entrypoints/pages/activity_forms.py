"""The form of an activity, new or changed."""

from datetime import UTC, date, datetime, time, timedelta

from fastapi import APIRouter
from google.protobuf.field_mask_pb2 import FieldMask
from starlette.requests import Request
from starlette.responses import Response

from freelanceflow.crm.v1.activity_service_pb2 import (
    Activity,
    ActivityKind,
    ActivityRepetition,
    CreateActivityRequest,
    DraftActivityRequest,
    GetActivityRequest,
    UpdateActivityRequest,
)
from freelanceflow.crm.v1.deal_service_pb2 import GetDealRequest
from gateway.entrypoints.api.activities import KIND_NAMES, KINDS, REPETITION_NAMES, REPETITIONS
from gateway.entrypoints.pages.activities import saved
from gateway.entrypoints.pages.calls import clients_of, identity_of, needs, together, viewer_of
from gateway.entrypoints.pages.choices import about_client, meant
from gateway.entrypoints.pages.formatting import Formats
from gateway.entrypoints.pages.forms import (
    ADDED_BEFORE,
    Errors,
    Values,
    added_before,
    errors_of,
    values_of,
)
from gateway.entrypoints.pages.owners import asked_by_name, changed, heirs_of, nobody_for, owners_of
from gateway.entrypoints.pages.rendering import Viewer, is_htmx, rendering_of
from kit.clock import from_timestamp, to_timestamp
from kit.errors import DomainError, ErrorKind, InvalidInput
from kit.ids import new_id
from kit.years import is_plausible

MOST = 200
LABELS = {
    "subject": "What",
    "kind": "Kind",
    "owner_id": "Who",
    "client": "Client",
    "deal": "Deal",
    "due_date": "Due on",
    "due_time": "At",
    "remind": "Remind",
    "repetition": "Repeats",
    "body": "Details",
}
REMINDERS = {  # before it is due
    "0": "When it is due",
    "15": "15 minutes before",
    "60": "An hour before",
    "1440": "A day before",
}
MORNING, DAY = 8 * 60, 24 * 60  # minutes: after the beginning of a whole day, and all of it
_REPEATS = {
    "daily": "Every day",
    "weekdays": "Every weekday",
    "weekly": "Every week",
    "biweekly": "Every other week",
    "monthly": "Every month",
    "yearly": "Every year",
}
_FIELD_OF = {"client_id": "client", "deal_id": "deal", "due_at": "due_date", "done_at": "due_date"}
_TEXTS = ("subject", "body", "owner_id")
_WRITABLE = (
    *_TEXTS,
    "kind",
    "client_id",
    "deal_id",
    "due_time",
    "all_day",
    "remind_time",
    "repetition",
)

router = APIRouter(include_in_schema=False)


@router.get("/activities/new", dependencies=[needs("activities.write")])
async def new_activity(request: Request) -> Response:
    """The empty form, or one with what a line says and what the page it came from is about."""
    viewer, given = await viewer_of(request), request.query_params
    values = Values(kind="task", request_id=str(new_id()))
    errors = Errors()
    if text := given.get("text", "").strip()[:300]:
        draft = await clients_of(request).activities.DraftActivity(
            DraftActivityRequest(text=text), identity_of(request)
        )
        values |= _values_from(draft.activity, rendering_of(request).formats(viewer))
        errors.message = _question([client.name for client in draft.clients])
    for name in ("kind", "done", "next"):
        values[name] = given.get(name, "")[:200] or values[name]
    values |= await _about(request, given.get("client_id", ""), given.get("deal_id", ""))
    return await _form(request, viewer, "", values, errors, status=200)


@router.post("/activities/new")
async def create_activity(request: Request) -> Response:
    """Adds an activity. The form's own id makes a second sending harmless."""
    values, viewer = await values_of(request), await viewer_of(request)
    try:
        activity = await _activity_from(request, viewer, values)
        if values["done"] == "1":
            now = rendering_of(request).now()
            due = from_timestamp(activity.due_time) if activity.HasField("due_time") else now
            activity.done_time.CopyFrom(to_timestamp(min(due, now)))
            activity.ClearField("remind_time")
        created = await clients_of(request).activities.CreateActivity(
            CreateActivityRequest(activity=activity), identity_of(request, values["request_id"])
        )
    except DomainError as refusal:
        if first := added_before(refusal):
            return await saved(request, ADDED_BEFORE, await _get(request, first), values["next"])
        return await _form(request, viewer, "", values, errors_of(refusal, _FIELD_OF))
    return await saved(request, "Added:", created, values["next"])


@router.get("/activities/{activity_id}/edit", dependencies=[needs("activities.write")])
async def edit_activity(request: Request, activity_id: str) -> Response:
    """The form with the activity's values."""
    viewer, activity = await together(viewer_of(request), _get(request, activity_id))
    values = _values_from(activity, rendering_of(request).formats(viewer))
    values["next"] = request.query_params.get("next", "")[:200]
    return await _form(request, viewer, activity_id, values, Errors())


@router.post("/activities/{activity_id}/edit")
async def update_activity(request: Request, activity_id: str) -> Response:
    """Saves the form."""
    values, viewer = await values_of(request), await viewer_of(request)
    try:
        activity = await _activity_from(request, viewer, values)
        activity.id = activity_id
        kept = await clients_of(request).activities.UpdateActivity(
            UpdateActivityRequest(
                activity=activity,
                update_mask=FieldMask(paths=changed(values, _WRITABLE)),
                etag=values["etag"],
            ),
            identity_of(request),
        )
    except DomainError as refusal:
        if refusal.kind is ErrorKind.STALE:
            values["etag"] = (await _get(request, activity_id)).etag
            return await _form(request, viewer, activity_id, values, Errors(), conflict=True)
        return await _form(request, viewer, activity_id, values, errors_of(refusal, _FIELD_OF))
    return await saved(request, "Saved:", kept, values["next"])


async def _get(request: Request, activity_id: str) -> Activity:
    activity: Activity = await clients_of(request).activities.GetActivity(
        GetActivityRequest(activity_id=activity_id), identity_of(request)
    )
    return activity


async def _about(request: Request, client_id: str, deal_id: str) -> dict[str, str]:
    """Client and deal of the page that the form was opened on."""
    if not deal_id:
        return await about_client(request, client_id)
    deal = await clients_of(request).deals.GetDeal(
        GetDealRequest(deal_id=deal_id), identity_of(request)
    )
    about = {"deal_id": deal.id, "deal": deal.name}
    if not client_id and deal.client_id:
        about |= {"client_id": deal.client_id, "client": deal.client_name}
    return about


async def _form(
    request: Request,
    viewer: Viewer,
    activity_id: str,
    values: Values,
    errors: Errors,
    *,
    conflict: bool = False,
    status: int = 0,
) -> Response:
    # Whoever sees the record sees what is done for it, by anybody.
    seen = not activity_id or values["client"] or values["deal"]
    template = "activities/form_page.html"
    if is_htmx(request):
        sent = request.method == "POST"
        template = "activities/_form.html" if sent else "activities/form_dialog.html"
    return rendering_of(request).response(
        request,
        template,
        viewer,
        status=status or (412 if conflict else errors.status),
        title="Edit activity" if activity_id else "New activity",
        activity_id=activity_id,
        values=values,
        errors=errors.fields,
        message=errors.message,
        labels={**LABELS, "owner": LABELS["owner_id"]},
        conflict=conflict,
        kind_options=[(name, name.capitalize()) for name in KINDS],
        repetition_options=list(_REPEATS.items()),
        remind_options=_reminders(values["remind"]),
        owners=await (owners_of(request) if seen else heirs_of(request)),
        without_owner=("Nobody" if seen else nobody_for(request)) if activity_id else "Me",
        choices=errors.choices,
    )


def _question(names: list[str]) -> str:
    if len(names) > 1:
        return f"Which client is meant: {', '.join(names)}?"
    return "" if names else "Say which client or deal it is about."


def _reminders(chosen: str) -> list[tuple[str, str]]:
    """What there is to choose from; another time, once set, stays."""
    known = list(REMINDERS.items())
    return known if not chosen or chosen in REMINDERS else [*known, (chosen, "As it is now")]


async def _activity_from(request: Request, viewer: Viewer, values: Values) -> Activity:
    asked = {"client": "clients", "deal": "deals"} | asked_by_name(values)
    found = await meant(request, values, asked)
    activity = Activity(
        kind=KINDS.get(values["kind"], ActivityKind.ACTIVITY_KIND_UNSPECIFIED),
        repetition=REPETITIONS.get(
            values["repetition"], ActivityRepetition.ACTIVITY_REPETITION_UNSPECIFIED
        ),
        client_id=found["client"],
        deal_id=found["deal"],
    )
    for name in _TEXTS:
        setattr(activity, name, values[name])
    due = _due(values, rendering_of(request).formats(viewer))
    activity.all_day = due is not None and not values["due_time"]
    if due is not None:
        activity.due_time.CopyFrom(to_timestamp(due))
    if values["remind"]:
        if due is None:
            raise InvalidInput("", fields={"due_date": "Say when it is due to be reminded."})
        remind = _reminded(due, _minutes(values["remind"]), all_day=activity.all_day)
        activity.remind_time.CopyFrom(to_timestamp(remind))
    return activity


def _due(values: Values, formats: Formats) -> datetime | None:
    if not values["due_date"] and not values["due_time"]:
        return None
    try:
        day = date.fromisoformat(values["due_date"]) if values["due_date"] else formats.today
    except ValueError:
        raise InvalidInput("", fields={"due_date": "This is no date."}) from None
    if not is_plausible(day):
        raise InvalidInput("", fields={"due_date": "Check the year."})
    try:
        at = time.fromisoformat(values["due_time"]) if values["due_time"] else time()
    except ValueError:
        raise InvalidInput("", fields={"due_time": "This is no time of day."}) from None
    return datetime.combine(day, at.replace(tzinfo=None), formats.zone)


def _minutes(text: str) -> int:
    try:
        return max(-MORNING, min(int(text), 60 * 24 * 365))
    except ValueError:
        raise InvalidInput("", fields={"remind": "Choose when to remind."}) from None


def _values_from(activity: Activity, formats: Formats) -> Values:
    values = Values({name: getattr(activity, name) for name in _TEXTS})
    values |= {
        "kind": KIND_NAMES[activity.kind],
        "repetition": REPETITION_NAMES.get(activity.repetition, ""),
        "client": activity.client_name,
        "client_id": activity.client_id,
        "deal": activity.deal_name,
        "deal_id": activity.deal_id,
        "owner": activity.owner_name,
        "owner_before": activity.owner_id,
        "etag": activity.etag,
    }
    if activity.HasField("due_time"):
        local = formats.local(activity.due_time)
        values["due_date"] = local.date().isoformat()
        values["due_time"] = "" if activity.all_day else f"{local:%H:%M}"
    if activity.HasField("due_time") and activity.HasField("remind_time"):
        due, remind = formats.local(activity.due_time), formats.local(activity.remind_time)
        values["remind"] = str(_ahead(due, remind, all_day=activity.all_day))
    return values


def _reminded(due: datetime, minutes: int, *, all_day: bool) -> datetime:
    """So long before. Mornings and whole days are told by the clock on the wall, on which an hour
    may be missing or come twice."""
    if all_day:
        return due - timedelta(minutes=minutes - MORNING)
    if minutes % DAY == 0:
        return due - timedelta(minutes=minutes)
    return due.astimezone(UTC) - timedelta(minutes=minutes)


def _ahead(due: datetime, remind: datetime, *, all_day: bool) -> int:
    """The same the other way round, in minutes."""
    by_clock = round((due - remind).total_seconds() / 60) + (MORNING if all_day else 0)
    if all_day or by_clock % DAY == 0:
        return by_clock
    return round((due.astimezone(UTC) - remind.astimezone(UTC)).total_seconds() / 60)
