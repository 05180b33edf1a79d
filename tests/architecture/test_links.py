"""What a notification is about has a page: letters and the application lead to the same one.

It stands in both: services are strangers, kit knows no business words, and windows have links that
letters have not, to downloads and to what came of a change of many.
"""

from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from starlette.routing import Match

from freelanceflow.notify.v1.notification_service_pb2 import Notification
from gateway.bootstrap import build
from gateway.config import Settings
from notify.adapters.letters import LISTED, PAGES, digest_item
from notify.domain.messages import Kind, Wording

ID = UUID(int=1)


@pytest.fixture(scope="module")
def application() -> FastAPI:
    inner = build(Settings()).asgi._app  # type: ignore[attr-defined]
    assert isinstance(inner, FastAPI)
    return inner


def link_in_letter(kind: Kind, target: str) -> str:
    wording = Wording(kind=kind, title="It is so", body="", target_kind=target, target_id=ID)
    return f"/{digest_item(wording).page}"


def link_in_window(application: FastAPI, kind: Kind, target: str) -> str:
    macros: Any = application.state.rendering._environment.get_template("macros/records.html")
    item = Notification(kind=kind, target_kind=target, target_id=str(ID))
    return str(macros.module.target_of(item))


@pytest.mark.parametrize("target", sorted(PAGES))
def test_letters_and_windows_lead_to_the_same_page(application: FastAPI, target: str) -> None:
    # A finished export is told in windows only, where it is downloaded.
    kind = Kind.EXPORT_FAILED if target == "export" else Kind.DEAL_MOVED
    link = link_in_letter(kind, target)
    scope = {"type": "http", "method": "GET", "path": link.partition("?")[0]}
    assert any(route.matches(scope)[0] is Match.FULL for route in application.routes), link
    assert link_in_window(application, kind, target) == link
    assert (str(ID) in link) == (target not in LISTED)
