"""What other services need in order to verify tokens themselves, over gRPC."""

import json

from auth.adapters import sessions
from auth.entrypoints.app import App
from freelanceflow.auth.v1 import key_service_pb2 as pb
from freelanceflow.auth.v1 import key_service_pb2_grpc as grpc_api
from kit.database import SystemTransaction
from kit.ids import parse_id
from kit.rpc.identity import Context


class KeyService(grpc_api.KeyServiceServicer):
    def __init__(self, app: App) -> None:
        self._app = app

    async def GetJwks(self, request: pb.GetJwksRequest, context: Context) -> pb.GetJwksResponse:
        return pb.GetJwksResponse(jwks_json=json.dumps(self._app.signer.public_keys()))

    async def IsSessionActive(
        self, request: pb.IsSessionActiveRequest, context: Context
    ) -> pb.IsSessionActiveResponse:
        session_id = parse_id(request.session_id, "session_id")
        async with SystemTransaction(self._app.system) as tx:
            return pb.IsSessionActiveResponse(active=await sessions.active(tx, session_id))
