"""All pages. Fixed paths come before those with an id in them."""

from fastapi import APIRouter, Depends

from gateway.entrypoints.addresses import at_an_address
from gateway.entrypoints.pages import (
    activities,
    activity_forms,
    analytics,
    api_keys,
    audit,
    board,
    bulk,
    calendars,
    choices,
    client_forms,
    clients,
    closing,
    contacts,
    deals,
    duplicates,
    entrance,
    exports,
    fields,
    google,
    histories,
    imports,
    invitations,
    leaving,
    list_exports,
    members,
    moves,
    no_workspace,
    notifications,
    own_data,
    passwords,
    rates,
    reports,
    roles,
    search,
    settings,
    stages,
    styleguide,
    today,
    trash,
    two_step,
    unsubscribing,
    views,
    workspace_deletion,
    workspace_settings,
    workspaces,
)
from gateway.entrypoints.pages.assets import PREFIX, Assets

PARTS = (
    today,
    board,
    moves,
    closing,
    deals,
    contacts,
    choices,
    client_forms,
    clients,
    calendars,
    activity_forms,
    activities,
    histories,
    analytics,
    reports,
    notifications,
    unsubscribing,
    settings,
    own_data,
    passwords,
    api_keys,
    leaving,
    workspace_settings,
    workspace_deletion,
    invitations,
    members,
    roles,
    workspaces,
    no_workspace,
    audit,
    stages,
    rates,
    fields,
    views,
    entrance,
    google,
    two_step,
    imports,
    list_exports,
    exports,
    bulk,
    search,
    trash,
    duplicates,
)


def pages_router(assets: Assets, *, local: bool) -> APIRouter:
    """The routes; the style guide only where developers are."""
    router = APIRouter(include_in_schema=False, dependencies=[Depends(at_an_address)])
    for part in PARTS:
        router.include_router(part.router)
    if local:
        router.include_router(styleguide.router)
    router.add_route(PREFIX + "{name}", assets.serve, methods=["GET"], name="static")
    return router
