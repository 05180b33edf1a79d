"""Who is there already is asked about, and two that are one become one; at the public API."""

from tests.e2e.support.api import Person


async def test_who_is_there_already_is_asked_about_and_two_can_become_one(owner: Person) -> None:
    new = {"name": "Acme", "kind": "company", "emails": ["ann@acme.example"]}
    kept = await owner.post("/clients", new, 201)
    refused = await owner.request("POST", "/clients", json=new)
    assert refused.status_code == 409
    assert refused.headers["content-type"] == "application/problem+json"
    problem = refused.json()
    assert problem["reason"] == "CLIENT_ALIKE"
    assert [(one["id"], one["name"]) for one in problem["candidates"]] == [(kept["id"], "Acme")]
    other = await owner.post("/clients", new | {"allow_duplicate": True}, 201)
    deal = await owner.new_deal("Sign", client_id=other["id"])
    (pair,) = (await owner.get("/duplicates"))["items"]
    assert kept["id"] in str(pair)
    assert other["id"] in str(pair)
    merge = await owner.post(
        f"/clients/{kept['id']}/merge",
        {"other_id": other["id"], "other_version": 1},
        If_Match='"1"',
    )
    assert (await owner.get(f"/deals/{deal['id']}"))["client_id"] == kept["id"]
    await owner.get(f"/clients/{other['id']}", status=404)
    assert (await owner.get("/duplicates"))["items"] == []
    await owner.post(f"/merges/{merge['id']}/undo")
    assert (await owner.get(f"/deals/{deal['id']}"))["client_id"] == other["id"]
    assert (await owner.get(f"/clients/{other['id']}"))["emails"] == new["emails"]
