"""Keys for programs, over gRPC."""

from auth.adapters import api_keys
from auth.application import api_keys as cases
from auth.application import guesses
from auth.domain.errors import ApiKeyInvalid
from auth.entrypoints.app import App
from auth.entrypoints.rpc.mapping import api_key_message
from auth.entrypoints.rpc.proof import proven_again
from freelanceflow.auth.v1 import api_key_service_pb2 as pb
from freelanceflow.auth.v1 import api_key_service_pb2_grpc as grpc_api
from kit.ids import parse_id
from kit.rpc.identity import Context, principal_of


class ApiKeyService(grpc_api.ApiKeyServiceServicer):
    def __init__(self, app: App) -> None:
        self._app = app

    async def ListApiKeys(
        self, request: pb.ListApiKeysRequest, context: Context
    ) -> pb.ListApiKeysResponse:
        principal, now = principal_of(context), self._app.clock.now()
        async with self._app.unit_of_work(principal.workspace_id) as tx:
            found = await api_keys.all_of(tx, principal.user_id)
        return pb.ListApiKeysResponse(keys=[api_key_message(key, now) for key in found])

    async def CreateApiKey(self, request: pb.CreateApiKeyRequest, context: Context) -> pb.ApiKey:
        app, principal, now = self._app, principal_of(context), self._app.clock.now()
        await proven_again(app, principal.user_id, request.password, request.client_address)
        async with app.unit_of_work(principal.workspace_id) as uow:
            made = await cases.create(
                uow,
                user_id=principal.user_id,
                name=request.name,
                read_only=request.read_only,
                days=request.expire_days,
                now=now,
            )
        message = api_key_message(made.key, now)
        message.key = made.secret
        return message

    async def RevokeApiKey(
        self, request: pb.RevokeApiKeyRequest, context: Context
    ) -> pb.RevokeApiKeyResponse:
        principal, key_id = principal_of(context), parse_id(request.id, "id")
        async with self._app.unit_of_work(principal.workspace_id) as uow:
            await cases.revoke(
                uow, user_id=principal.user_id, key_id=key_id, now=self._app.clock.now()
            )
        return pb.RevokeApiKeyResponse()

    async def ExchangeApiKey(
        self, request: pb.ExchangeApiKeyRequest, context: Context
    ) -> pb.ExchangeApiKeyResponse:
        """Only keys that are none are counted: one broken program shuts out no other."""
        app, now = self._app, self._app.clock.now()
        key = await cases.known(app.system, request.key)
        if key is None:
            await guesses.spend(
                app.system, guesses.KEYS, email=request.client_address, client_address="", now=now
            )
            raise ApiKeyInvalid("This API key is not valid.")
        async with app.system_unit(key.workspace_id) as uow:
            token = await cases.exchange(uow, app.signer, key=key, now=now)
        return pb.ExchangeApiKeyResponse(access_token=token.access, expires_in=token.expires_in)
