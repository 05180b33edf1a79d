"""Denied by default: a method that does not say who may call it is not served."""

from types import SimpleNamespace
from typing import Any

import pytest

from kit.rpc import access
from kit.rpc.access import Access, AccessUndeclared, access_of
from kit.rpc.server import RpcServer
from kit.testing.rpc import Issuer


def test_every_rule_is_read(stubs: SimpleNamespace) -> None:
    rules = access_of(stubs.pb.DESCRIPTOR.services_by_name["Echo"])
    assert rules["Say"] == Access(permission="echo.write")
    assert rules["Me"] == Access(signed_in=True)
    assert rules["Open"] == Access(public=True)
    assert rules["Inner"] == Access(internal=True)
    assert [name for name, rule in rules.items() if rule.needs_identity] == [
        "Say",
        "Me",
        "Letters",
        "Join",
        "Shout",
    ]


@pytest.mark.parametrize("service", ["Undeclared", "Torn"])
def test_a_server_refuses_what_says_nothing_or_two_things(
    stubs: SimpleNamespace, echo: Any, issuer: Issuer, service: str
) -> None:
    add = getattr(stubs.api, f"add_{service}Servicer_to_server")
    with pytest.raises(AccessUndeclared, match=rf"kit\.test\.v1\.{service}\.Say"):
        RpcServer("127.0.0.1:0", [(add, echo)], issuer.verifier())


def test_without_a_verifier_nobody_could_be_known(stubs: SimpleNamespace, echo: Any) -> None:
    with pytest.raises(ValueError, match="nobody verifies tokens"):
        RpcServer("127.0.0.1:0", [(stubs.api.add_EchoServicer_to_server, echo)])


def test_methods_must_be_asynchronous(stubs: SimpleNamespace, echo: Any, issuer: Issuer) -> None:
    echo.Say = lambda request, context: request
    with pytest.raises(TypeError, match="must be async"):
        RpcServer("127.0.0.1:0", [(stubs.api.add_EchoServicer_to_server, echo)], issuer.verifier())


def test_without_the_contract_of_access_nothing_is_served(
    stubs: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "OPTION", "freelanceflow.type.v1.forgotten")
    with pytest.raises(AccessUndeclared, match="in none of the loaded contracts"):
        access_of(stubs.pb.DESCRIPTOR.services_by_name["Echo"])
