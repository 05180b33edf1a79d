"""Templates and what every one of them knows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from freelanceflow.crm.v1.stage_service_pb2 import StageType
from gateway.entrypoints.pages.assets import Assets
from gateway.entrypoints.pages.formatting import (
    Formats,
    avatar_tone,
    device,
    has,
    initials,
)
from kit.clock import Clock
from kit.wording import DEFAULT_LOCALE

THEMES = ("system", "light", "dark")
DENSITIES = ("comfortable", "compact")
SWITCH = ("on", "off")


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks: what the shell shows of them. Without `name` nobody is signed in."""

    name: str = ""
    email: str = ""
    workspace_name: str = ""
    currency_code: str = "EUR"
    locale: str = DEFAULT_LOCALE
    time_zone: str = "UTC"
    role: str = ""
    permissions: frozenset[str] = field(default_factory=frozenset)
    unread: int | None = None

    def may(self, permission: str) -> bool:
        """Whether the role reaches this far."""
        return permission in self.permissions


NOBODY = Viewer()


@dataclass(frozen=True, slots=True)
class View:
    """What base templates read of the request."""

    viewer: Viewer
    path: str
    theme: str
    density: str
    shortcuts: str
    nonce: str
    htmx: bool


class Rendering:
    """The one template environment; made at start, shared by all requests."""

    def __init__(self, clock: Clock, *, assets: Assets | None = None) -> None:
        self.assets = assets or Assets()
        self._clock = clock
        self._environment = Environment(
            loader=PackageLoader("gateway"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals.update(
            asset=self.assets.url,
            asset_imports=self.assets.imports,
            has=has,
            device=device,
            initials=initials,
            avatar_tone=avatar_tone,
            STAGE_OPEN=StageType.STAGE_TYPE_OPEN,
            STAGE_WON=StageType.STAGE_TYPE_WON,
            STAGE_LOST=StageType.STAGE_TYPE_LOST,
        )

    def now(self) -> datetime:
        """The present instant, by the application's clock."""
        return self._clock.now()

    def formats(self, viewer: Viewer) -> Formats:
        """How this viewer reads numbers and dates."""
        return Formats(locale=viewer.locale, time_zone=viewer.time_zone, now=self.now())

    def text(
        self, request: Request, template: str, viewer: Viewer, context: Mapping[str, Any]
    ) -> str:
        """A rendered template."""
        return self._environment.get_template(template).render(
            view=_view(request, viewer), fmt=self.formats(viewer), **context
        )

    def response(
        self,
        request: Request,
        template: str,
        viewer: Viewer = NOBODY,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **context: Any,
    ) -> HTMLResponse:
        """A page or fragment of one person: never cached, and different for htmx."""
        body = self.text(request, template, viewer, context)
        shared = {"Cache-Control": "private, no-store", "Vary": "HX-Request, HX-Target, Cookie"}
        return HTMLResponse(body, status_code=status, headers={**shared, **(headers or {})})


# For a page whose address holds a secret: nothing that it fetches or leads to is told of it. The
# origin stays, as forms without it look like another site's.
SECRET_ADDRESS = {"Referrer-Policy": "strict-origin"}


def rendering_of(request: Request) -> Rendering:
    """The application's rendering."""
    rendering: Rendering = request.app.state.rendering
    return rendering


def is_htmx(request: Request) -> bool:
    """Whether a part of a page asks for a fragment."""
    return request.headers.get("hx-request") == "true"


def targets(request: Request, element_id: str) -> bool:
    """Whether htmx will put the answer into this element."""
    return request.headers.get("hx-target", "").partition("#")[2] == element_id


def choice(request: Request, name: str, allowed: tuple[str, ...]) -> str:
    """A cookie's value if it is one of ours, else the first."""
    value = request.cookies.get(name, "")
    return value if value in allowed else allowed[0]


def _view(request: Request, viewer: Viewer) -> View:
    return View(
        viewer=viewer,
        path=request.url.path,
        theme=choice(request, "theme", THEMES),
        density=choice(request, "density", DENSITIES),
        shortcuts=choice(request, "shortcuts", SWITCH),
        nonce=getattr(request.state, "csp_nonce", ""),
        htmx=is_htmx(request),
    )
