"""All operations of the public API, and their description."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from gateway.entrypoints.api import (
    account,
    activities,
    analytics,
    api_keys,
    audit,
    auth,
    bulk,
    calendars,
    clients,
    deals,
    duplicates,
    events,
    exports,
    fields,
    google,
    imports,
    notifications,
    own_data,
    rates,
    records,
    reports,
    roles,
    schemas,
    settings,
    timelines,
    two_step,
    views,
)
from gateway.entrypoints.api.operations import Operation

MODULES = (  # in the order in which requests are compared with them
    deals,
    clients,
    auth,
    google,
    two_step,
    api_keys,
    own_data,
    account,
    roles,
    settings,
    rates,
    fields,
    views,
    activities,
    timelines,
    calendars,
    records,
    bulk,
    audit,
    imports,
    duplicates,
    exports,
    analytics,
    reports,
    notifications,
    events,
)
DESCRIPTION = """Clients, deals and predictions of a workspace. Send an API key
(`POST /api-keys`, or *Settings*) or the access token of `POST /auth/login` as `Authorization:
Bearer …`, never in an address; `x-api-keys` says which keys an operation lets in. Lists are paged
with `limit` and `cursor`.
Changes name the version they are based on in `If-Match`. A POST with an `Idempotency-Key` can be
repeated."""


def declared() -> dict[tuple[str, str], Operation]:
    """Every operation by method and path below the base."""
    return {key: found for module in MODULES for key, found in module.operations.declared.items()}


def install(app: FastAPI) -> None:
    """Put the operations on the application.

    Side by side: an included router is searched through twice for every request.
    """
    for module in MODULES:
        app.router.routes.extend(module.operations.router.routes)
    app.add_route("/.well-known/jwks.json", auth.jwks, methods=["GET"])

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = describe(app)
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]


def describe(app: FastAPI) -> dict[str, Any]:
    """OpenAPI 3.1, with the shapes that are named in it."""
    document = get_openapi(
        title="FreelanceFlow", version="1", description=DESCRIPTION, routes=app.routes
    )
    _, shapes = models_json_schema(
        [(model, "validation") for model in _models()],
        ref_template="#/components/schemas/{model}",
    )
    components = document.setdefault("components", {})
    components["schemas"] = shapes["$defs"]
    components["securitySchemes"] = {
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "An API key (`ffk_…`), or an access token (a JWT).",
        },
        "session": {"type": "apiKey", "in": "cookie", "name": "ff_access"},
    }
    return document


def _models() -> list[type[BaseModel]]:
    named = {model for op in declared().values() for model in (op.body, op.answer) if model}
    return sorted({*named, schemas.Problem}, key=lambda model: model.__name__)
