"""The public API's operations as its description lists them, and a world to try them on."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import httpx

from tests.e2e.support.api import PASSWORD, Person, some_email
from tests.e2e.support.platform import WITH_DATABASE, Platform, until

CSV = "name,kind\nImported one,company\nImported two,company\n"


@dataclass(frozen=True)
class Operation:
    """One method of one path."""

    id: str
    method: str
    path: str
    permission: str
    has_body: bool
    keys: tuple[str, ...]  # scopes of API keys that are let in
    without_workspace: bool  # lets in who belongs to none

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def parameters(self) -> list[str]:
        """What in the path names a record; a day is nobody's."""
        return [name for name in re.findall(r"\{(\w+)\}", self.path) if name != "date"]

    def filled(self, ids: Mapping[str, str]) -> str:
        """The path with ids in it; what is not given is an id of nothing."""
        known = {"date": "2026-01-01", **ids}
        return re.sub(r"\{(\w+)\}", lambda found: known.get(found[1], str(uuid4())), self.path)


async def operations(person: Person) -> list[Operation]:
    """Every operation that is described."""
    document = await person.get("/api/openapi.json")
    return [
        Operation(
            id=described["operationId"],
            method=method.upper(),
            path=path,
            permission=described["x-permission"],
            has_body="requestBody" in described,
            keys=tuple(described["x-api-keys"]),
            without_workspace=described["x-without-workspace"],
        )
        for path, methods in document["paths"].items()
        for method, described in methods.items()
    ]


async def make_world(owner: Person, *, of: str = "the world") -> dict[str, str]:
    """One record of each kind in a workspace; answers their ids by the names paths use."""
    client = await owner.post("/clients", {"name": f"Client of {of}"}, 201)
    other = await owner.post("/clients", {"name": f"Another one of {of}"}, 201)
    deal = await owner.new_deal(f"Deal of {of}", client_id=client["id"])
    activity = await owner.post(
        "/activities", {"subject": f"Call of {of}", "deal_id": deal["id"]}, 201
    )
    made = await owner.request(
        "POST",
        "/imports",
        data={"resource": "clients"},
        files={"file": ("clients.csv", CSV, "text/csv")},
    )
    assert made.status_code == 201, made.text
    await owner.hear_own_changes()
    await owner.move(deal, "Engaging")
    gone = await owner.new_deal(f"Gone deal of {of}")
    deleted = await owner.request("DELETE", f"/deals/{gone['id']}", headers={"If-Match": '"1"'})
    assert deleted.status_code == 204, deleted.text
    sessions = await owner.get("/auth/sessions")
    reasons = await owner.get("/lost-reasons")
    owners = await owner.get("/owners")

    async def is_told() -> bool:
        return bool((await owner.get("/notifications"))["items"])

    await until(is_told)
    more = await _settings_of_the_world(owner, of) | await _works_of_the_world(owner, of)
    return more | {
        "client_id": client["id"],
        "other_client_id": other["id"],
        "deal_id": deal["id"],
        "activity_id": activity["id"],
        "import_id": made.json()["id"],
        "record_id": gone["id"],
        "stage_id": owner.stages["Proposal"],
        "lost_reason_id": reasons["items"][0]["id"],
        "owner_id": owners["items"][0]["id"],
        "session_id": sessions["items"][0]["id"],
        "notification_id": (await owner.get("/notifications"))["items"][0]["id"],
        "workspace_id": owner.workspace_id,
        "user_id": owner.user_id,
    }


async def _settings_of_the_world(owner: Person, of: str) -> dict[str, str]:
    """What has a name instead of an id is called so in this workspace only."""
    field = {"resource": "deals", "name": f"Field of {of}", "type": "text"}
    view = {"resource": "deals", "name": f"View of {of}", "filter": {"owner_id": "me"}}
    day = date(1990, 1, 1) + timedelta(days=secrets.randbelow(10_000))
    tag = f"tag-{secrets.token_hex(8)}"
    rate = {"currency": "ISK", "valid_from": day.isoformat()}
    key = {"name": f"Key of {of}", "password": owner.password}
    role = {"name": f"Role of {of}", "base": "viewer", "permissions": []}
    invited = {"email": some_email("invited"), "role": "viewer"}
    made = {
        "invitation_id": (await owner.post("/invitations", invited, 201))["id"],
        "role_id": (await owner.post("/roles", role, 201))["id"],
        "key_id": (await owner.post("/api-keys", key, 201))["id"],
        "custom_field_id": (await owner.post("/custom-fields", field, 201))["id"],
        "view_id": (await owner.post("/views", view, 201))["id"],
    }
    for path, body in (
        ("/tags", {"name": tag, "color": "teal"}),
        ("/currencies/rates", {"rates": [rate | {"rate": "0.007"}]}),
    ):
        answer = await owner.request("PUT", path, json=body)
        assert answer.is_success, answer.text
    return made | rate | {"tag": tag}


async def _works_of_the_world(owner: Person, of: str) -> dict[str, str]:
    """Two clients that became one, and files that were written in the background."""
    kept = await owner.post("/clients", {"name": f"Kept by {of}"}, 201)
    gone = await owner.post("/clients", {"name": f"Left by {of}"}, 201)
    body = {"other_id": gone["id"], "other_version": 1}
    merged = await owner.request(
        "POST", f"/clients/{kept['id']}/merge", json=body, headers={"If-Match": '"1"'}
    )
    assert merged.is_success, merged.text
    export = await owner.post("/exports", {"resource": "clients", "format": "csv"}, 202)
    report = await owner.post("/analytics/report", {}, 202)

    async def is_written() -> bool:
        files = (f"/exports/{export['id']}", f"/analytics/reports/{report['id']}")
        return {(await owner.get(path))["status"] for path in files} == {"done"}

    await until(is_written)
    return {
        "merge_id": merged.json()["id"],
        "export_id": export["id"],
        "job_id": export["job_id"],
        "report_id": report["id"],
    }


# Its answer would repeat any ids that it is given; crm's own tests try foreign ones.
_OF_NONE: dict[str, Any] = {"action": "delete", "filter": {"owner_id": str(uuid4())}}


def bodies(ids: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """A good body for every operation that takes one, made of these ids."""
    return {
        "register": {"email": "x", "password": "x", "name": "x"},
        "login": {"email": "x", "password": "x"},
        "refresh": {"refresh_token": "x"},
        "logout": {"refresh_token": "x"},
        "verify_email": {"token": "x"},
        "forgot_password": {"email": "x"},
        "reset_password": {"token": "x", "password": "x"},
        "change_password": {"current_password": "x", "password": "x"},
        "delete_me": {"password": "x"},
        "close_workspace": {"name": "x", "password": "x"},
        "start_two_step": {"password": "x"},
        "confirm_two_step": {"code": "287082"},
        "renew_recovery_codes": {"password": "x"},
        "end_two_step": {"password": "x"},
        "disconnect_google": {"password": "x"},
        "accept_invitation": {"token": "x", "password": "x"},
        "update_me": {"name": "Renamed"},
        "update_workspace": {"name": "Renamed"},
        "change_member": {"role": "viewer"},
        "create_role": {"name": "New", "base": "viewer", "permissions": []},
        "update_role": {"name": "Renamed"},
        "create_api_key": {"name": "Nightly export", "password": PASSWORD},
        "create_workspace": {"name": "One more"},
        "create_invitation": {"email": "guest@example.org", "role": "viewer"},
        "create_client": {"name": "New", "allow_duplicate": True, "parent_id": ids["client_id"]},
        "update_client": {"name": "Renamed"},
        "create_deal": {"name": "New", "client_id": ids["client_id"]},
        "update_deal": {"name": "Renamed"},
        "move_deal": {"stage_id": ids["stage_id"]},
        "create_activity": {"subject": "New", "deal_id": ids["deal_id"]},
        "update_activity": {"subject": "Renamed"},
        "quick_add_activity": {"text": "Call", "deal_id": ids["deal_id"]},
        "put_deal_contact": {"role": "Decides"},
        "create_import": {},
        **{f"bulk_{many}": _OF_NONE for many in ("deals", "clients", "activities")},
        "merge_clients": {"other_id": ids["other_client_id"], "other_version": 1},
        "dismiss_duplicate": {
            "client_id": ids["client_id"],
            "other_id": ids["other_client_id"],
        },
        "create_export": {"resource": "clients", "format": "csv"},
        "update_import": {"on_duplicate": "skip"},
        "put_risk_answer": {"answer": "snoozed"},
        "create_report": {},
        "set_preferences": {
            "preferences": [{"kind": "deal_moved", "in_app": False, "by_mail": False}]
        },
        **_settings(ids),
    }


def _settings(ids: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    return {
        "create_stage": {"name": "New"},
        "update_stage": {"name": "Renamed"},
        "reorder_stages": {"ids": [ids["stage_id"]]},
        "create_lost_reason": {"name": "New"},
        "update_lost_reason": {"name": "Renamed"},
        "create_custom_field": {"resource": "deals", "name": "New", "type": "text"},
        "update_custom_field": {"name": "Renamed"},
        "put_tag": {"name": "New", "color": "teal"},
        "rename_tag": {"name": "Renamed"},
        "create_view": {"name": "New", "filter": {"owner_id": "me"}},
        "update_view": {"name": "Renamed"},
        "put_rates": {"rates": [{"currency": "USD", "valid_from": "2026-01-01", "rate": "0.9"}]},
        "reorder_lost_reasons": {"ids": [ids["lost_reason_id"]]},
    }


WITH_JOBS = ("crm", "analytics")
# Sums of the deals beside them, put together anew in the background at any time.
COMPACTED = "crm.board_totals"


async def _is_quiet(platform: Platform, workspace_id: str) -> bool:
    """No job is left; all that was to be told has been sent and handled; every mail has gone."""
    due = (
        "SELECT 1 FROM rescoring WHERE workspace_id = $1::uuid"
        " AND (due_at IS NOT NULL OR refit_due_at <= now() OR replay_due_at IS NOT NULL)"
    )
    if await platform.rows("analytics", due, workspace_id):
        return False
    open_jobs = (
        "SELECT 1 FROM jobs WHERE workspace_id = $1::uuid AND status IN ('queued', 'running')"
    )
    for service in WITH_JOBS:
        if await platform.rows(service, open_jobs, workspace_id):
            return False
    unsent = "SELECT 1 FROM outbox WHERE sent_at IS NULL LIMIT 1"
    for service in WITH_DATABASE:
        if await platform.rows(service, unsent):
            return False
    waiting = "SELECT 1 FROM mails WHERE workspace_id = $1::uuid AND status = 'queued'"
    if await platform.rows("notify", waiting, workspace_id):
        return False
    return await _is_heard(platform)


async def _is_heard(platform: Platform) -> bool:
    """No durable consumer has anything left to take or to acknowledge."""
    url = f"http://{platform.plan.address('nats-monitor')}/jsz?consumers=true"
    async with httpx.AsyncClient() as client:
        bus = (await client.get(url)).json()
    return not any(
        consumer["num_pending"] or consumer["num_ack_pending"]
        for account in bus["account_details"]
        for stream in account["stream_detail"]
        for consumer in stream.get("consumer_detail") or []
        if "-" in consumer["name"]  # what only one process listens with has no name of ours
    )


async def everything_of(platform: Platform, workspace_id: str) -> dict[str, str]:
    """A fingerprint of every table's rows of one workspace, once nothing is on its way."""
    await until(lambda: _is_quiet(platform, workspace_id))
    found: dict[str, str] = {}
    for service in WITH_DATABASE:
        tables = await platform.rows(
            service,
            "SELECT table_name AS name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND column_name = 'workspace_id'",
        )
        for table in tables:
            rows = await platform.rows(
                service,
                f"SELECT md5(coalesce(string_agg(t::text, chr(10) ORDER BY t::text), '')) AS hash"
                f' FROM "{table["name"]}" t WHERE workspace_id = $1::uuid',
                workspace_id,
            )
            found[f"{service}.{table['name']}"] = rows[0]["hash"]
    del found[COMPACTED]
    return found
