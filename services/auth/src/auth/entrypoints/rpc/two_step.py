"""Signing in in two steps, over gRPC."""

from auth.adapters import secrets
from auth.application import guesses
from auth.application import sessions as session_cases
from auth.application import two_step as cases
from auth.entrypoints.app import App
from auth.entrypoints.rpc.mapping import tokens_message, two_step_message
from auth.entrypoints.rpc.proof import proven_again, spend_on_code
from freelanceflow.auth.v1 import two_step_service_pb2 as pb
from freelanceflow.auth.v1 import two_step_service_pb2_grpc as grpc_api
from freelanceflow.auth.v1.auth_service_pb2 import TokenPair
from kit.rpc.identity import Context, address_of_caller, principal_of


class TwoStepService(grpc_api.TwoStepServiceServicer):
    def __init__(self, app: App) -> None:
        self._app = app

    async def AnswerChallenge(
        self, request: pb.AnswerChallengeRequest, context: Context
    ) -> TokenPair:
        app, now = self._app, self._app.clock.now()
        user, workspace_id = await cases.challenged(app.system, request.challenge, now)
        tried = secrets.digest(request.challenge).hex()
        await guesses.spend(app.system, guesses.CHALLENGES, email=tried, client_address="", now=now)
        await spend_on_code(app, user.id, request.client_address)
        async with app.system_unit(workspace_id) as uow:
            await cases.answer(
                uow,
                app.sealing,
                challenge=request.challenge,
                user_id=user.id,
                code=request.code,
                now=now,
            )
            tokens = await session_cases.log_in(
                uow, app.signer, user=user, new_hash=None, device=request.device, now=now
            )
        return tokens_message(tokens)

    async def GetTwoStep(self, request: pb.GetTwoStepRequest, context: Context) -> pb.TwoStep:
        return two_step_message(await cases.state(self._app.system, principal_of(context).user_id))

    async def StartTwoStep(
        self, request: pb.StartTwoStepRequest, context: Context
    ) -> pb.StartTwoStepResponse:
        app, user_id = self._app, principal_of(context).user_id
        user = await proven_again(app, user_id, request.password, request.client_address)
        enrolment = await cases.begin(app.system, app.sealing, user=user)
        return pb.StartTwoStepResponse(secret=enrolment.seed, uri=enrolment.uri)

    async def ConfirmTwoStep(
        self, request: pb.ConfirmTwoStepRequest, context: Context
    ) -> pb.RecoveryCodes:
        app, principal = self._app, principal_of(context)
        await spend_on_code(app, principal.user_id, address_of_caller())
        async with app.system_unit(principal.workspace_id) as uow:
            codes = await cases.confirm(
                uow,
                app.sealing,
                user_id=principal.user_id,
                code=request.code,
                but=principal.session_id,
                now=app.clock.now(),
            )
        return pb.RecoveryCodes(codes=codes)

    async def RenewRecoveryCodes(
        self, request: pb.RenewRecoveryCodesRequest, context: Context
    ) -> pb.RecoveryCodes:
        app, principal = self._app, principal_of(context)
        await proven_again(app, principal.user_id, request.password, request.client_address)
        async with app.system_unit(principal.workspace_id) as uow:
            codes = await cases.renew_codes(uow, user_id=principal.user_id)
        return pb.RecoveryCodes(codes=codes)

    async def EndTwoStep(
        self, request: pb.EndTwoStepRequest, context: Context
    ) -> pb.EndTwoStepResponse:
        app, principal = self._app, principal_of(context)
        await proven_again(app, principal.user_id, request.password, request.client_address)
        async with app.system_unit(principal.workspace_id) as uow:
            await cases.end(
                uow,
                user_id=principal.user_id,
                but=principal.session_id,
                now=app.clock.now(),
            )
        return pb.EndTwoStepResponse()
