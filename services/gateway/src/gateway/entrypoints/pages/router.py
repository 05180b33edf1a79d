"""All pages. Fixed paths come before those with an id in them."""

from fastapi import APIRouter

from gateway.entrypoints.pages import (
    board,
    clients,
    deals,
    entrance,
    moves,
    notifications,
    settings,
    stages,
    styleguide,
)
from gateway.entrypoints.pages.assets import PREFIX, Assets


def pages_router(assets: Assets, *, local: bool) -> APIRouter:
    """The routes; the style guide only where developers are."""
    router = APIRouter(include_in_schema=False)
    for part in (board, moves, deals, clients, notifications, settings, stages, entrance):
        router.include_router(part.router)
    if local:
        router.include_router(styleguide.router)
    router.add_route(PREFIX + "{name}", assets.serve, methods=["GET"], name="static")
    return router
