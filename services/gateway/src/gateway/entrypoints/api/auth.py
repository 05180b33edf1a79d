"""Signing in and out, for programs. Browsers do it on the pages and keep cookies."""

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from freelanceflow.auth.v1 import auth_service_pb2 as pb
from freelanceflow.auth.v1 import key_service_pb2 as key_pb
from gateway.entrypoints.api import schemas
from gateway.entrypoints.api.answers import json_response
from gateway.entrypoints.api.operations import Operations
from gateway.entrypoints.api.requests import identity_of, read_body

RPC = pb.DESCRIPTOR.services_by_name["AuthService"].methods_by_name

operations = Operations("Sign-in")
add = operations.add


@add("POST", "/auth/register", rpc=RPC["Register"], summary="Register", status=201,
     body=schemas.Registration, answer=schemas.Tokens, problems=[409])  # fmt: skip
async def register(request: Request) -> Response:
    """202 and a mail with a link, also for a known address; 201 with tokens where it needs none."""
    body = await read_body(request, schemas.Registration)
    answer = await request.app.state.clients.auth.Register(
        pb.RegisterRequest(
            email=body.email,
            password=body.password,
            name=body.name,
            workspace_name=body.workspace_name,
            currency_code=body.currency,
            time_zone=body.time_zone,
            device=device_of(request),
        )
    )
    if answer.verification_needed:
        return json_response({"verification_needed": True}, status=202)
    return json_response(tokens_json(answer.tokens), status=201)


@add("POST", "/auth/login", rpc=RPC["LogIn"], summary="Sign in", body=schemas.Login,
     answer=schemas.Tokens, problems=[401])  # fmt: skip
async def login(request: Request) -> Response:
    """The access token lives ten minutes; the refresh token works once. Somebody who signs in in
    two steps gets `mfa_required` and a `challenge` instead, for `POST /auth/mfa`."""
    body = await read_body(request, schemas.Login)
    tokens = await request.app.state.clients.auth.LogIn(
        pb.LogInRequest(
            email=body.email,
            password=body.password,
            device=device_of(request),
            client_address=request.state.client_address,
        )
    )
    return json_response(tokens_json(tokens))


@add("POST", "/auth/refresh", rpc=RPC["RefreshSession"], summary="Get the next tokens",
     body=schemas.RefreshToken, answer=schemas.Tokens, problems=[401])  # fmt: skip
async def refresh(request: Request) -> Response:
    """A repeat within ten seconds gets the same answer; a later one ends the session."""
    body = await read_body(request, schemas.RefreshToken)
    tokens = await request.app.state.clients.auth.RefreshSession(
        pb.RefreshSessionRequest(refresh_token=body.refresh_token)
    )
    return json_response(tokens_json(tokens))


@add("POST", "/auth/logout", rpc=RPC["LogOut"], summary="Sign out", status=204,
     body=schemas.RefreshToken)  # fmt: skip
async def logout(request: Request) -> Response:
    """Ends the session the token belongs to."""
    body = await read_body(request, schemas.RefreshToken)
    await request.app.state.clients.auth.LogOut(pb.LogOutRequest(refresh_token=body.refresh_token))
    return Response(status_code=204)


@add("POST", "/auth/verify-email", rpc=RPC["VerifyEmail"], summary="Prove an address",
     body=schemas.LinkToken, answer=schemas.Tokens, problems=[404])  # fmt: skip
async def verify_email(request: Request) -> Response:
    """With the secret from the mail; it works once."""
    body = await read_body(request, schemas.LinkToken)
    tokens = await request.app.state.clients.auth.VerifyEmail(
        pb.VerifyEmailRequest(token=body.token, device=device_of(request))
    )
    return json_response(tokens_json(tokens))


@add("POST", "/auth/password/forgot", rpc=RPC["RequestPasswordReset"],
     summary="Ask for a link to set a new password", status=202,
     body=schemas.PasswordForgotten)  # fmt: skip
async def forgot_password(request: Request) -> Response:
    """Always the same answer; the mail goes out if the address is somebody's."""
    body = await read_body(request, schemas.PasswordForgotten)
    await request.app.state.clients.auth.RequestPasswordReset(
        pb.RequestPasswordResetRequest(
            email=body.email, client_address=request.state.client_address
        )
    )
    return Response(status_code=202)


@add("POST", "/auth/password/reset", rpc=RPC["ResetPassword"],
     summary="Set a new password with the link from a mail", status=204,
     body=schemas.PasswordReset, problems=[404])  # fmt: skip
async def reset_password(request: Request) -> Response:
    """The secret works once, for ten minutes. All sessions of the person end; sign in anew."""
    body = await read_body(request, schemas.PasswordReset)
    await request.app.state.clients.auth.ResetPassword(
        pb.ResetPasswordRequest(token=body.token, password=body.password), identity_of(request)
    )
    return Response(status_code=204)


@add("POST", "/invitations/accept", rpc=RPC["AcceptInvitation"], summary="Accept an invitation",
     body=schemas.InvitationAcceptance, answer=schemas.Tokens,
     problems=[401, 404, 409])  # fmt: skip
async def accept_invitation(request: Request) -> Response:
    """A new person chooses a password, a known one gives theirs."""
    body = await read_body(request, schemas.InvitationAcceptance)
    tokens = await request.app.state.clients.auth.AcceptInvitation(
        pb.AcceptInvitationRequest(
            token=body.token, name=body.name, password=body.password, device=device_of(request)
        )
    )
    return json_response(tokens_json(tokens))


async def jwks(request: Request) -> Response:
    """The public keys, at the root and not below the API's base."""
    answer = await request.app.state.clients.keys.GetJwks(key_pb.GetJwksRequest())
    headers = {"Cache-Control": "public, max-age=300"}
    return json_response(orjson.loads(answer.jwks_json), headers=headers)


def tokens_json(tokens: pb.TokenPair) -> dict[str, Any]:
    """What a signed-in program holds; or what it needs for the second step."""
    if tokens.challenge:
        return {"mfa_required": True, "challenge": tokens.challenge}
    return {
        "access_token": tokens.access_token,
        "refresh_token": tokens.refresh_token,
        "token_type": "Bearer",
        "expires_in": tokens.expires_in,
        "refresh_expires_in": tokens.refresh_expires_in,
        "workspace_id": tokens.workspace_id or None,
        "user_id": tokens.user_id,
    }


def device_of(request: Request) -> str:
    """What the session list shows."""
    return request.headers.get("user-agent", "")[:400]
