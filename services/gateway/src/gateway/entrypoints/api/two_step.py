"""Signing in in two steps, for programs."""

from starlette.requests import Request
from starlette.responses import Response

from freelanceflow.auth.v1 import two_step_service_pb2 as pb
from gateway.entrypoints.api import schemas, schemas_two_step
from gateway.entrypoints.api.answers import instant, json_response
from gateway.entrypoints.api.auth import device_of, tokens_json
from gateway.entrypoints.api.operations import Operations
from gateway.entrypoints.api.requests import identity_of, read_body, read_query

RPC = pb.DESCRIPTOR.services_by_name["TwoStepService"].methods_by_name

operations = Operations("Two-step sign-in")
add = operations.add


@add("POST", "/auth/mfa", rpc=RPC["AnswerChallenge"], summary="Give the second step's code",
     body=schemas_two_step.ChallengeAnswer, answer=schemas.Tokens,
     problems=[401, 404])  # fmt: skip
async def answer_challenge(request: Request) -> Response:
    """With the challenge that the first step was answered with; within ten minutes, once."""
    body = await read_body(request, schemas_two_step.ChallengeAnswer)
    tokens = await request.app.state.clients.two_step.AnswerChallenge(
        pb.AnswerChallengeRequest(
            challenge=body.challenge,
            code=body.code,
            device=device_of(request),
            client_address=request.state.client_address,
        )
    )
    return json_response(tokens_json(tokens))


@add("GET", "/auth/totp", rpc=RPC["GetTwoStep"], summary="How do I sign in",
     answer=schemas_two_step.TwoStep)  # fmt: skip
async def get_two_step(request: Request) -> Response:
    """Whether a code is asked for."""
    read_query(request)
    state = await request.app.state.clients.two_step.GetTwoStep(
        pb.GetTwoStepRequest(), identity_of(request)
    )
    return json_response(
        {
            "on": state.on,
            "confirmed_at": instant(state.confirm_time) if state.on else None,
            "recovery_codes_left": state.recovery_codes_left,
        }
    )


@add("POST", "/auth/totp", rpc=RPC["StartTwoStep"], summary="Make a secret for my application",
     status=201, body=schemas_two_step.Password, answer=schemas_two_step.Secret,
     problems=[401, 409])  # fmt: skip
async def start_two_step(request: Request) -> Response:
    """It counts once a code of it was seen."""
    body = await read_body(request, schemas_two_step.Password)
    made = await request.app.state.clients.two_step.StartTwoStep(
        pb.StartTwoStepRequest(password=body.password, client_address=request.state.client_address),
        identity_of(request),
    )
    return json_response({"secret": made.secret, "uri": made.uri}, status=201)


@add("POST", "/auth/totp/confirm", rpc=RPC["ConfirmTwoStep"], summary="Turn two-step sign-in on",
     body=schemas_two_step.Code, answer=schemas_two_step.RecoveryCodes,
     problems=[401, 404])  # fmt: skip
async def confirm_two_step(request: Request) -> Response:
    """The recovery codes are shown this once; other sessions end."""
    body = await read_body(request, schemas_two_step.Code)
    made = await request.app.state.clients.two_step.ConfirmTwoStep(
        pb.ConfirmTwoStepRequest(code=body.code), identity_of(request)
    )
    return json_response({"recovery_codes": list(made.codes)})


@add("POST", "/auth/totp/end", rpc=RPC["EndTwoStep"], summary="Turn two-step sign-in off",
     status=204, body=schemas_two_step.Password, problems=[401, 404])  # fmt: skip
async def end_two_step(request: Request) -> Response:
    """Other sessions end."""
    body = await read_body(request, schemas_two_step.Password)
    await request.app.state.clients.two_step.EndTwoStep(
        pb.EndTwoStepRequest(password=body.password, client_address=request.state.client_address),
        identity_of(request),
    )
    return Response(status_code=204)


@add("POST", "/auth/recovery-codes", rpc=RPC["RenewRecoveryCodes"],
     summary="Make new recovery codes", body=schemas_two_step.Password,
     answer=schemas_two_step.RecoveryCodes, problems=[401, 404])  # fmt: skip
async def renew_recovery_codes(request: Request) -> Response:
    """The old ones work no more."""
    body = await read_body(request, schemas_two_step.Password)
    made = await request.app.state.clients.two_step.RenewRecoveryCodes(
        pb.RenewRecoveryCodesRequest(
            password=body.password, client_address=request.state.client_address
        ),
        identity_of(request),
    )
    return json_response({"recovery_codes": list(made.codes)})
