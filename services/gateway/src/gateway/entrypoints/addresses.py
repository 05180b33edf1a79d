"""Addresses of records: what is no id is the address of nothing."""

import re

from starlette.requests import Request

from gateway.entrypoints.errors import HttpProblem

_ID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")


async def at_an_address(request: Request) -> None:
    """Refuse a path with something else where an id belongs, as if that record were not there.

    Raises HttpProblem 404. Every route passes here; its ids are the parameters named `…_id`.
    """
    for name, value in request.path_params.items():
        if name.endswith("_id") and _ID.fullmatch(value) is None:
            raise HttpProblem(404, "NOT_FOUND", "There is nothing here.")
