"""The API for people to read, made of the same document that programs read."""

from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from gateway.entrypoints.pages.rendering import rendering_of

router = APIRouter(include_in_schema=False)


@router.get("/api/docs")
async def api_docs(request: Request) -> Response:
    """Every operation, by subject."""
    document = request.app.openapi()
    groups: dict[str, list[dict[str, Any]]] = {}
    for tag, operation in _operations(document):
        groups.setdefault(tag, []).append(operation)
    return rendering_of(request).response(
        request,
        "api/docs.html",
        groups=list(groups.items()),
        description=document["info"]["description"].split("\n\n"),
    )


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    shapes = document["components"]["schemas"]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            answers = operation["responses"].items()
            yield (
                operation["tags"][0],
                {
                    "id": operation["operationId"],
                    "method": method.upper(),
                    "path": path,
                    "summary": operation["summary"],
                    "description": operation["description"],
                    "access": _access(operation["x-permission"]),
                    "parameters": operation.get("parameters", []),
                    "fields": _fields(operation, shapes),
                    "answers": [(status, said["description"]) for status, said in answers],
                },
            )


def _access(permission: str) -> str:
    match permission:
        case "public":
            return "For everybody."
        case "signed_in":
            return "For everybody who is signed in."
    return f"Needs the permission {permission}."


def _fields(operation: dict[str, Any], shapes: dict[str, Any]) -> list[tuple[str, str, bool]]:
    content: dict[str, Any] = operation.get("requestBody", {}).get("content", {})
    if not content:
        return []
    schema: dict[str, Any] = next(iter(content.values()))["schema"]
    shape = shapes[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    needed = shape.get("required", [])
    return [
        (name, _type(field), name in needed) for name, field in shape.get("properties", {}).items()
    ]


def _type(field: dict[str, Any]) -> str:
    if "$ref" in field:
        return str(field["$ref"].rpartition("/")[2])
    if "anyOf" in field:
        return " or ".join(_type(part) for part in field["anyOf"])
    if "enum" in field:
        return " or ".join(map(str, field["enum"]))
    return str(field.get("format") or field.get("type", "any"))
