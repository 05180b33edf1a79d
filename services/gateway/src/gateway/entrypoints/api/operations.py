"""How an operation of the API is declared: what it does, whom it needs, what it takes and answers.

The permission is not written here: it is the one the RPC behind the operation names in its
contract, so that gateway and service cannot disagree. An operation without an RPC says itself.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute
from google.protobuf.descriptor import MethodDescriptor
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.entrypoints.addresses import at_an_address
from gateway.entrypoints.identity import principal_of
from kit.rpc.access import Access, access_of

BASE = "/api/v1"

Handler = Callable[[Request], Awaitable[Response]]

PROBLEMS = {
    400: "The request cannot be read, or names a parameter that is not known.",
    401: "Nobody is signed in.",
    403: "The role does not allow it.",
    404: "There is no such record in this workspace.",
    409: "It cannot be done now, or was done already.",
    412: "The record was changed meanwhile; `current` is how it stands now.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "Some values cannot be taken; `errors` names the fields.",
    428: "`If-Match` is missing.",
    429: "Too much at once; `Retry-After` says when to go on.",
    503: "A part of the platform is away; nothing was changed.",
}


@dataclass(frozen=True)
class Parameter:
    """A query parameter, path parameter or header."""

    name: str
    where: str
    description: str
    schema: Mapping[str, Any]
    required: bool = False


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What the documentation and the tests know of an operation."""

    access: Access
    body: type[BaseModel] | None
    answer: type[BaseModel] | None


class DirectRoute(APIRoute):
    """Described as any route of FastAPI, but called at once.

    Our handlers take a request and give a response: there are no dependencies to look for, no body
    to be read for them, and what they raise is answered by the application. A glance at the path's
    beginning spares most routes the regular expression.
    """

    def __init__(self, path: str, endpoint: Handler, **described: Any) -> None:
        super().__init__(path, endpoint, **described)
        self._beginning = path.partition("{")[0]
        self.app = _called_at_once(endpoint)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether the request is for this operation."""
        if not scope["path"].startswith(self._beginning):
            return Match.NONE, {}
        return super().matches(scope)


def _called_at_once(endpoint: Handler) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        response = await endpoint(Request(scope, receive, send))
        await response(scope, receive, send)

    return app


class Operations:
    """Declares operations on a router. `declared` holds them by method and path."""

    def __init__(self, tag: str) -> None:
        self.router = APIRouter(prefix=BASE, tags=[tag], route_class=DirectRoute)
        self.declared: dict[tuple[str, str], Operation] = {}

    def add(
        self,
        method: str,
        path: str,
        *,
        summary: str,
        rpc: MethodDescriptor | None = None,
        access: Access | None = None,
        body: type[BaseModel] | None = None,
        answer: type[BaseModel] | None = None,
        status: int = 200,
        parameters: Sequence[Parameter] = (),
        problems: Sequence[int] = (),
        extra: Mapping[str, Any] | None = None,
    ) -> Callable[[Handler], Handler]:
        """Exactly one of `rpc` and `access` is given."""
        needed = _access(rpc, access)
        operation = Operation(access=needed, body=body, answer=answer)

        def declare(handler: Handler) -> Handler:
            self.declared[method, path] = operation
            self.router.add_api_route(
                path,
                _guarded(handler, needed),
                methods=[method],
                operation_id=handler.__name__,
                summary=summary,
                description=handler.__doc__ or summary,
                status_code=status,
                response_model=None,
                responses=_responses(status, answer, needed, problems, body, parameters),
                openapi_extra=_documented(needed, body, parameters, extra),
            )
            return handler

        return declare


def _access(rpc: MethodDescriptor | None, access: Access | None) -> Access:
    if (rpc is None) is (access is None):
        raise ValueError("an operation names the RPC behind it, or who may call it")
    if access is not None:
        return access
    assert rpc is not None
    needed = access_of(rpc.containing_service)[rpc.name]
    if needed.internal:
        raise ValueError(f"{rpc.full_name} is for other services only")
    return needed


def _guarded(handler: Handler, access: Access) -> Handler:
    """Asks for the person and the ids before the handler runs; the service asks again."""

    async def guarded(request: Request) -> Response:
        if access.needs_identity:
            principal_of(request).admit(access)
        await at_an_address(request)
        return await handler(request)

    return guarded


def _responses(
    status: int,
    answer: type[BaseModel] | None,
    access: Access,
    problems: Sequence[int],
    body: type[BaseModel] | None,
    parameters: Sequence[Parameter],
) -> dict[int | str, dict[str, Any]]:
    codes = {400, 429, 503, *problems}
    codes |= {401} if access.needs_identity else set()
    codes |= {403} if access.permission else set()
    codes |= {413, 415} if body else set()
    codes |= {404} if any(p.where == "path" for p in parameters) else set()
    codes |= {422} if body or parameters else set()
    good: dict[str, Any] = {"description": "As asked."}
    if answer is not None:
        good["content"] = {"application/json": {"schema": _reference(answer)}}
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    bad: dict[int | str, dict[str, Any]]
    bad = {code: {"description": PROBLEMS[code], "content": problem} for code in sorted(codes)}
    return {status: good, **bad}


def _documented(
    access: Access,
    body: type[BaseModel] | None,
    parameters: Sequence[Parameter],
    extra: Mapping[str, Any] | None,
) -> dict[str, Any]:
    documented: dict[str, Any] = {
        "parameters": [
            {
                "name": p.name,
                "in": p.where,
                "description": p.description,
                "required": p.required or p.where == "path",
                "schema": dict(p.schema),
            }
            for p in parameters
        ],
        "security": [] if access.public else [{"bearer": []}, {"session": []}],
        "x-permission": access.permission or ("public" if access.public else "signed_in"),
        "x-api-keys": _scopes(access),
        "x-without-workspace": access.public or access.without_workspace,
    }
    if body is not None:
        documented["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": _reference(body)}},
        }
    return {**documented, **(extra or {})}


def _scopes(access: Access) -> list[str]:
    """Which API keys an operation lets in, if their owner may call it."""
    permission = access.permission
    if permission is None and not access.keys:
        return []
    reads = access.reads and (permission is None or permission.endswith(".read"))
    return ["all", "read"] if reads else ["all"]


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}
