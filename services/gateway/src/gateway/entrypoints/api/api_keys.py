"""Keys for programs."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from freelanceflow.auth.v1 import api_key_service_pb2 as pb
from gateway.entrypoints.api import schemas_api_keys
from gateway.entrypoints.api.answers import instant, json_response
from gateway.entrypoints.api.operations import Operations
from gateway.entrypoints.api.requests import identity_of, path_parameter, read_body, read_query

RPC = pb.DESCRIPTOR.services_by_name["ApiKeyService"].methods_by_name

operations = Operations("API keys")
add = operations.add


@add("GET", "/api-keys", rpc=RPC["ListApiKeys"], summary="List my API keys",
     answer=schemas_api_keys.ApiKeys)  # fmt: skip
async def list_api_keys(request: Request) -> Response:
    """Those of this workspace, newest first; there are at most 20."""
    read_query(request)
    answer = await request.app.state.clients.api_keys.ListApiKeys(
        pb.ListApiKeysRequest(), identity_of(request)
    )
    return json_response({"items": [key_json(key) for key in answer.keys]})


@add("POST", "/api-keys", rpc=RPC["CreateApiKey"], summary="Make an API key", status=201,
     body=schemas_api_keys.ApiKeyIn, answer=schemas_api_keys.NewApiKey,
     problems=[401, 409])  # fmt: skip
async def create_api_key(request: Request) -> Response:
    """The key itself is shown this once. It may do what I may, or only read."""
    body = await read_body(request, schemas_api_keys.ApiKeyIn)
    made = await request.app.state.clients.api_keys.CreateApiKey(
        pb.CreateApiKeyRequest(
            name=body.name,
            read_only=body.scope == "read",
            expire_days=body.expires_in_days or 0,
            password=body.password,
            client_address=request.state.client_address,
        ),
        identity_of(request),
    )
    return json_response(key_json(made) | {"key": made.key}, status=201)


@add("DELETE", "/api-keys/{key_id}", rpc=RPC["RevokeApiKey"], summary="Revoke an API key",
     status=204, parameters=[path_parameter("key_id", "API key")],
     problems=[404])  # fmt: skip
async def revoke_api_key(request: Request) -> Response:
    """It works nowhere within two seconds."""
    await request.app.state.clients.api_keys.RevokeApiKey(
        pb.RevokeApiKeyRequest(id=request.path_params["key_id"]), identity_of(request)
    )
    return Response(status_code=204)


def key_json(key: pb.ApiKey) -> dict[str, Any]:
    """A key as the API shows it."""
    return {
        "id": key.id,
        "name": key.name,
        "scope": "read" if key.read_only else "all",
        "created_at": instant(key.create_time),
        "expires_at": instant(key.expire_time) if key.HasField("expire_time") else None,
        "last_used_at": instant(key.last_use_time) if key.HasField("last_use_time") else None,
        "expired": key.expired,
    }
