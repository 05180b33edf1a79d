"""The API's description, for programs and for people."""

import httpx
import pytest

from gateway.bootstrap import build
from gateway.config import Settings
from gateway.entrypoints.api.routes import declared


def client(settings: Settings) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=build(settings).asgi, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://localhost:8700")


async def test_people_read_what_programs_read() -> None:
    async with client(Settings(rate_limit=False)) as edge:
        document = (await edge.get("/api/openapi.json")).json()
        page = await edge.get("/api/docs")
    ids = {op["operationId"] for methods in document["paths"].values() for op in methods.values()}
    assert len(ids) == len(declared())
    assert [name for name in ids if f'id="{name}"' not in page.text] == []
    assert document["openapi"].startswith("3.1")
    assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_every_operation_tells_its_errors_and_its_permission() -> None:
    async with client(Settings(rate_limit=False)) as edge:
        document = (await edge.get("/api/openapi.json")).json()
    for methods in document["paths"].values():
        for operation in methods.values():
            assert operation["summary"], operation["operationId"]
            assert operation["x-permission"], operation["operationId"]
            assert {"400", "429", "503"} <= operation["responses"].keys(), operation["operationId"]


async def test_every_report_tells_in_which_forms_it_comes() -> None:
    async with client(Settings(rate_limit=False)) as edge:
        paths = (await edge.get("/api/openapi.json")).json()["paths"]
    table, record = (
        paths[f"/api/v1/analytics/{path}"]["get"]["responses"]
        for path in ("churn", "deals/{deal_id}")
    )
    assert set(table["200"]["content"]) == {"application/json", "text/csv"}
    assert set(record["200"]["content"]) == {"application/json"}
    assert set(table["202"]["content"]) == {"application/json"}


@pytest.mark.parametrize("path", ["/api/docs", "/api/openapi.json"])
async def test_both_can_be_switched_off(path: str) -> None:
    async with client(Settings(rate_limit=False, api_docs=False)) as edge:
        assert (await edge.get(path)).status_code == 404


async def test_health_is_one_word_and_closed_until_started() -> None:
    async with client(Settings(rate_limit=False)) as edge:
        assert (await edge.get("/livez")).text == "alive\n"
        ready = await edge.get("/readyz")
    assert (ready.status_code, ready.text) == (503, "not ready\n")


async def test_long_answers_are_compressed_for_those_who_can_read_it() -> None:
    async with client(Settings(rate_limit=False)) as edge:
        squeezed = await edge.get("/api/docs", headers={"accept-encoding": "gzip"})
        plain = await edge.get("/api/docs", headers={"accept-encoding": "identity"})
    assert squeezed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert squeezed.text.count("<details") == plain.text.count("<details")
