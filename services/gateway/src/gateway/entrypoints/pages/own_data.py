"""What is kept of a person, taken along from the settings."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from gateway.entrypoints.api.own_data import own_data_file
from gateway.entrypoints.pages.calls import clients_of, identity_of, signed_in

router = APIRouter(include_in_schema=False)


@router.post("/settings/own-data")
async def own_data(request: Request) -> Response:
    """The file."""
    principal = signed_in(request)
    return await own_data_file(
        clients_of(request), identity_of(request), in_workspace=principal.in_workspace
    )
