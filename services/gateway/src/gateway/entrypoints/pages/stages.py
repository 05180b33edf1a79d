"""Settings of the board: its stages, and why deals are lost."""

from fastapi import APIRouter
from google.protobuf.field_mask_pb2 import FieldMask
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from freelanceflow.crm.v1 import stage_service_pb2 as pb
from freelanceflow.crm.v1.deal_service_pb2 import GetBoardRequest
from gateway.entrypoints.pages.calls import (
    clients_of,
    identity_of,
    needs,
    signed_in,
    together,
    viewer_of,
)
from gateway.entrypoints.pages.forms import Errors, Values, errors_of, options, values_of
from gateway.entrypoints.pages.rendering import Viewer, rendering_of
from kit.errors import DomainError, ErrorKind

MOST = 200
TYPES = [
    (pb.StageType.STAGE_TYPE_OPEN, "open", "Open: the outcome is not known yet"),
    (pb.StageType.STAGE_TYPE_WON, "won", "Won: the deal is yours"),
    (pb.StageType.STAGE_TYPE_LOST, "lost", "Lost: it will not come"),
]
NUMBERS = {name: number for number, name, _ in TYPES}
NAMES = {number: name for number, name, _ in TYPES}
COLORS = ["blue", "teal", "green", "amber", "orange", "red", "pink", "violet", "grey"]
LABELS = {
    "name": "Name",
    "type": "What it means",
    "color": "Colour",
    "rotting_days": "Days until a deal is called stalled",
    "default_probability": "Odds",
    "move_to": "Deals go to",
    "reason": "Reason",
}
MOST_DIGITS = 9  # as a message holds them
ODDS = "default_probability"
WRITABLE = ("name", "type", "color", "rotting_days", "default_probability")
_NOTES = {
    "stage": "Stage saved.",
    "order": "Order saved.",
    "removed": "Stage removed.",
    "removing": "The stage has many deals. They are being moved; then it goes.",
    "reason": "Lost reasons saved.",
}

router = APIRouter(include_in_schema=False)


@router.get("/settings/stages")
async def stages_page(request: Request) -> Response:
    """The stages in order, and the lost reasons."""
    return await _page(request, Errors())


@router.get("/settings/stages/new", dependencies=[needs("settings.write")])
async def new_stage(request: Request) -> Response:
    """The empty form."""
    viewer = await viewer_of(request)
    values = Values(type="open", rotting_days="0", default_probability="50")
    return _form(request, viewer, "", values, Errors())


@router.post("/settings/stages/new")
async def create_stage(request: Request) -> Response:
    """One more column."""
    values, viewer = await values_of(request), await viewer_of(request)
    try:
        stage = _stage_from(values)
        await clients_of(request).stages.CreateStage(
            pb.CreateStageRequest(stage=stage), identity_of(request)
        )
    except DomainError as refusal:
        return _form(request, viewer, "", values, _errors(refusal))
    return _saved("stage")


@router.post("/settings/stages/order")
async def move_stage(request: Request) -> Response:
    """One stage a place up or down."""
    signed_in(request)
    values, found = await together(values_of(request), _stages(request))
    ids = _swapped([stage.id for stage in found], values)
    await clients_of(request).stages.ReorderStages(
        pb.ReorderStagesRequest(stage_ids=ids), identity_of(request)
    )
    return _saved("order")


@router.get("/settings/stages/{stage_id}/edit", dependencies=[needs("settings.write")])
async def edit_stage(request: Request, stage_id: str) -> Response:
    """The form with the stage's values."""
    viewer, found = await together(viewer_of(request), _stages(request))
    stage = _one(found, stage_id)
    return _form(request, viewer, stage_id, _values_from(stage), Errors())


@router.post("/settings/stages/{stage_id}/edit")
async def update_stage(request: Request, stage_id: str) -> Response:
    """Saves the form."""
    values, viewer = await values_of(request), await viewer_of(request)
    try:
        stage = _stage_from(values)
        stage.id = stage_id
        await clients_of(request).stages.UpdateStage(
            pb.UpdateStageRequest(
                stage=stage, update_mask=FieldMask(paths=WRITABLE), etag=values["etag"]
            ),
            identity_of(request),
        )
    except DomainError as refusal:
        if refusal.kind is ErrorKind.STALE:
            values["etag"] = _one(await _stages(request), stage_id).etag
            message = "Somebody has changed this stage since you opened it. Save again to replace."
            return _form(request, viewer, stage_id, values, Errors(message))
        return _form(request, viewer, stage_id, values, _errors(refusal))
    return _saved("stage")


@router.get("/settings/stages/{stage_id}/remove", dependencies=[needs("settings.write")])
async def ask_to_remove(request: Request, stage_id: str) -> Response:
    """Asks where the deals go."""
    return await _removal(request, stage_id, Errors())


@router.post("/settings/stages/{stage_id}/remove")
async def remove_stage(request: Request, stage_id: str) -> Response:
    """Removes a stage; its deals go where the form says."""
    signed_in(request)
    values = await values_of(request)
    removal = pb.DeleteStageRequest(
        stage_id=stage_id, move_to_stage_id=values["move_to"], etag=values["etag"]
    )
    try:
        answer = await clients_of(request).stages.DeleteStage(
            removal, identity_of(request), timeout=20.0
        )
    except DomainError as refusal:
        if refusal.kind is ErrorKind.STALE:
            message = "Somebody has changed this stage meanwhile. Look again before it goes."
            return await _removal(request, stage_id, Errors(message))
        return await _removal(request, stage_id, _errors(refusal))
    return _saved("removing" if answer.job_id else "removed")


@router.post("/settings/lost-reasons")
async def change_reasons(request: Request) -> Response:
    """Adds, renames, moves or removes one reason: the button that was pressed says which."""
    signed_in(request)
    values = await values_of(request)
    try:
        await _change_reason(request, values)
    except DomainError as refusal:
        return await _page(request, _errors(refusal), values)
    return _saved("reason")


async def _change_reason(request: Request, values: Values) -> None:
    stages, identity = clients_of(request).stages, identity_of(request)
    reason = pb.LostReason(id=values["id"], name=values["name"])
    match values["do"]:
        case "add":
            await stages.CreateLostReason(pb.CreateLostReasonRequest(lost_reason=reason), identity)
        case "rename":
            await stages.UpdateLostReason(pb.UpdateLostReasonRequest(lost_reason=reason), identity)
        case "remove":
            request_ = pb.DeleteLostReasonRequest(lost_reason_id=reason.id)
            await stages.DeleteLostReason(request_, identity)
        case _:
            found = await stages.ListLostReasons(pb.ListLostReasonsRequest(), identity)
            ids = _swapped([known.id for known in found.lost_reasons], values)
            order = pb.ReorderLostReasonsRequest(lost_reason_ids=ids)
            await stages.ReorderLostReasons(order, identity)


async def _page(request: Request, errors: Errors, values: Values | None = None) -> Response:
    clients, identity = clients_of(request), identity_of(request)
    viewer, found, reasons, board = await together(
        viewer_of(request),
        _stages(request),
        clients.stages.ListLostReasons(pb.ListLostReasonsRequest(page_size=MOST), identity),
        clients.deals.GetBoard(GetBoardRequest(totals_only=True), identity),
    )
    return rendering_of(request).response(
        request,
        "settings/stages.html",
        viewer,
        status=errors.status,
        stages=found,
        counts={column.stage.id: column.count for column in board.columns},
        reasons=reasons.lost_reasons,
        values=values or Values(),
        errors=errors.fields,
        message=errors.message,
        labels=LABELS,
        saved=_NOTES.get(request.query_params.get("saved", ""), ""),
    )


def _form(
    request: Request, viewer: Viewer, stage_id: str, values: Values, errors: Errors
) -> Response:
    return rendering_of(request).response(
        request,
        "settings/stage_form.html",
        viewer,
        status=errors.status,
        title="Edit stage" if stage_id else "New stage",
        stage_id=stage_id,
        values=values,
        errors=errors.fields,
        message=errors.message,
        labels=LABELS,
        types=[(name, words) for _, name, words in TYPES],
        colors=[(name, name.capitalize()) for name in COLORS],
    )


async def _removal(request: Request, stage_id: str, errors: Errors) -> Response:
    asked = GetBoardRequest(totals_only=True)
    viewer, found, board = await together(
        viewer_of(request),
        _stages(request),
        clients_of(request).deals.GetBoard(asked, identity_of(request)),
    )
    stage = _one(found, stage_id)
    others = [s for s in found if s.type == stage.type and s.id != stage.id]
    return rendering_of(request).response(
        request,
        "settings/stage_remove.html",
        viewer,
        status=errors.status,
        stage=stage,
        count=next((c.count for c in board.columns if c.stage.id == stage_id), 0),
        targets=options(others),
        errors=errors.fields,
        message=errors.message,
        labels=LABELS,
    )


async def _stages(request: Request) -> list[pb.Stage]:
    asked = pb.ListStagesRequest(page_size=MOST)
    answer = await clients_of(request).stages.ListStages(asked, identity_of(request))
    return list(answer.stages)


def _one(stages: list[pb.Stage], stage_id: str) -> pb.Stage:
    found = next((stage for stage in stages if stage.id == stage_id), None)
    if found is None:
        raise StageGone("There is no such stage.")
    return found


class StageGone(DomainError):
    """Somebody else has removed it."""

    kind, reason = ErrorKind.NOT_FOUND, "STAGE_NOT_FOUND"


def _swapped(ids: list[str], values: Values) -> list[str]:
    """The ids with one of them a place further up or down; at the ends nothing moves."""
    if values["id"] in ids:
        at = ids.index(values["id"])
        to = at + (1 if values["do"] == "down" else -1)
        if 0 <= to < len(ids):
            ids[at], ids[to] = ids[to], ids[at]
    return ids


def _stage_from(values: Values) -> pb.Stage:
    """Numbers that are none are left to the service, which knows the field to complain about."""
    return pb.Stage(
        name=values["name"],
        type=NUMBERS.get(values["type"], pb.StageType.STAGE_TYPE_UNSPECIFIED),
        color=values["color"],
        rotting_days=_number(values["rotting_days"]),
        default_probability=_number(values["default_probability"]) / 100,
    )


def _number(text: str) -> int:
    is_one = text.isdecimal() and len(text) <= MOST_DIGITS
    return int(text or "0") if is_one or not text else -1


def _values_from(stage: pb.Stage) -> Values:
    return Values(
        name=stage.name,
        type=NAMES[stage.type],
        color=stage.color,
        rotting_days=str(stage.rotting_days),
        default_probability=str(round(stage.default_probability * 100)),
        etag=stage.etag,
    )


def _errors(refusal: DomainError) -> Errors:
    """Also what is refused for the whole: the page says why."""
    if refusal.kind is ErrorKind.REFUSED:
        return Errors(refusal.message)
    errors = errors_of(refusal, {"move_to_stage_id": "move_to"})
    if ODDS in errors.fields:  # the form asks for percent
        errors.fields[ODDS] = "A whole number from 0 to 100."
    return errors


def _saved(what: str) -> Response:
    return RedirectResponse(f"/settings/stages?saved={what}", 303)
