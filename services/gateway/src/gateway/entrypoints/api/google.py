"""Signing in with a Google account, for programs; browsers are led there by the pages."""

from starlette.requests import Request
from starlette.responses import Response

from freelanceflow.auth.v1 import google_service_pb2 as pb
from gateway.entrypoints.api import schemas, schemas_google
from gateway.entrypoints.api.answers import instant, json_response
from gateway.entrypoints.api.auth import device_of, tokens_json
from gateway.entrypoints.api.operations import Operations
from gateway.entrypoints.api.requests import identity_of, read_body, read_query
from gateway.entrypoints.google import TIMEOUT

RPC = pb.DESCRIPTOR.services_by_name["GoogleService"].methods_by_name

operations = Operations("Sign-in with Google")
add = operations.add


@add("POST", "/auth/google/token", rpc=RPC["ExchangeGoogleCode"],
     summary="Sign in with a code from Google", body=schemas_google.GoogleCode,
     answer=schemas.Tokens, problems=[401, 404, 409, 503])  # fmt: skip
async def exchange_google_code(request: Request) -> Response:
    """Tokens for whoever is known by the account; 202 and a ticket, good for ten minutes, for
    anybody else: to register with, or to connect where `address_known`. Somebody who signs in in
    two steps gets a `challenge`, as from `POST /auth/login`."""
    body = await read_body(request, schemas_google.GoogleCode)
    answer = await request.app.state.clients.google.ExchangeGoogleCode(
        pb.ExchangeGoogleCodeRequest(**body.model_dump(), device=device_of(request)),
        timeout=TIMEOUT,
    )
    if answer.HasField("tokens"):
        return json_response(tokens_json(answer.tokens))
    names = ("ticket", "address_known", "email", "name")
    return json_response({name: getattr(answer, name) for name in names}, status=202)


@add("POST", "/auth/google/register", rpc=RPC["RegisterWithGoogle"],
     summary="Register with a ticket from Google", status=201,
     body=schemas_google.GoogleRegistration, answer=schemas.Tokens,
     problems=[404, 409])  # fmt: skip
async def register_with_google(request: Request) -> Response:
    """A person without a password, and a workspace of their own."""
    body = await read_body(request, schemas_google.GoogleRegistration)
    tokens = await request.app.state.clients.google.RegisterWithGoogle(
        pb.RegisterWithGoogleRequest(
            ticket=body.ticket,
            name=body.name,
            workspace_name=body.workspace_name,
            currency_code=body.currency,
            time_zone=body.time_zone,
            device=device_of(request),
        )
    )
    return json_response(tokens_json(tokens), status=201)


@add("POST", "/auth/google/connect", rpc=RPC["ConnectGoogle"],
     summary="Connect a Google account", body=schemas_google.GoogleConnection,
     answer=schemas.Tokens, problems=[401, 404, 409])  # fmt: skip
async def connect_google(request: Request) -> Response:
    """The password proves that the account with the ticket's address is yours; where `CODE_NEEDED`
    is answered, a code of the second step does so with it."""
    body = await read_body(request, schemas_google.GoogleConnection)
    tokens = await request.app.state.clients.google.ConnectGoogle(
        pb.ConnectGoogleRequest(
            ticket=body.ticket,
            password=body.password,
            code=body.code,
            device=device_of(request),
            client_address=request.state.client_address,
        )
    )
    return json_response(tokens_json(tokens))


@add("GET", "/me/google-accounts", rpc=RPC["ListGoogleAccounts"],
     summary="List my Google accounts", answer=schemas_google.GoogleAccountList)  # fmt: skip
async def list_google_accounts(request: Request) -> Response:
    """Those that let me in, the first connected first."""
    read_query(request)
    answer = await request.app.state.clients.google.ListGoogleAccounts(
        pb.ListGoogleAccountsRequest(), identity_of(request)
    )
    items = [
        {"email": account.email, "connected_at": instant(account.connect_time)}
        for account in answer.accounts
    ]
    return json_response({"items": items})


@add("POST", "/me/google-accounts/disconnect", rpc=RPC["DisconnectGoogle"],
     summary="Disconnect Google", status=204, body=schemas_google.GoogleParting,
     problems=[401, 404])  # fmt: skip
async def disconnect_google(request: Request) -> Response:
    """The password, which is needed for it, is the way in that stays."""
    body = await read_body(request, schemas_google.GoogleParting)
    await request.app.state.clients.google.DisconnectGoogle(
        pb.DisconnectGoogleRequest(
            password=body.password, client_address=request.state.client_address
        ),
        identity_of(request),
    )
    return Response(status_code=204)
