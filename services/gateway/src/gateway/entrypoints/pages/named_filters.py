"""Filters in which somebody is chosen by name: the address keeps who that is."""

from collections.abc import Mapping
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gateway.entrypoints.pages.calls import viewer_of
from gateway.entrypoints.pages.choices import meant
from gateway.entrypoints.pages.forms import Unclear, Values
from gateway.entrypoints.pages.rendering import is_htmx, rendering_of

# The field with the name: where the address keeps the id, and what is chosen.
FIELDS = {"owner_name": ("owner", "whose"), "client_name": ("client_id", "clients")}
DOERS = {"owner_name": ("owner", "doers")}  # of activities


async def settled(
    request: Request, fields: Mapping[str, tuple[str, str]] = FIELDS
) -> Response | None:
    """The address with the ids of those that it names, or a page that asks who is meant.

    None when it names nobody; a part that htmx asks for goes by what was chosen from the list.
    """
    given = request.query_params
    if is_htmx(request) or not fields.keys() & given.keys():
        return None
    kept = {name: value for name, value in given.items() if value and name not in fields}
    for name, (field, kind) in fields.items():
        if name not in given:
            continue
        values = Values({name: given[name].strip(), f"{name}_id": kept.pop(field, "")})
        try:
            kept[field] = (await meant(request, values, {name: kind}))[name]
        except Unclear as doubt:
            return await _which(request, doubt, name, field, kept)
    return RedirectResponse(_address(request, kept), 303)


async def _which(
    request: Request, doubt: Unclear, name: str, field: str, kept: dict[str, str]
) -> Response:
    return rendering_of(request).response(
        request,
        "choices/which.html",
        await viewer_of(request),
        words=doubt.fields[name],
        called=request.query_params[name].strip(),
        choices=[
            (choice, _address(request, {**kept, field: choice.id}))
            for choice in doubt.choices[name]
        ],
        back=_address(request, kept),
    )


def _address(request: Request, items: dict[str, str]) -> str:
    query = urlencode({name: value for name, value in items.items() if value})
    return f"{request.url.path}?{query or 'view='}"
