"""What every service is told, in the environment and nowhere else."""

import os

from local.plan import Plan
from local.servers import LOOPBACK

WITH_DATABASE = ("auth", "crm", "analytics", "notify")
WITH_PAGE_TOKENS = ("auth", "crm", "notify")


def environment(plan: Plan, service: str, **more: str) -> dict[str, str]:
    """A service's variables; the caller's own `CRM_…` ones win, for trying things out."""
    told = {
        "PROFILE": "local",
        "LISTEN": plan.address(service),
        "INTERNAL_LISTEN": plan.address(f"{service}-internal"),
        "NATS_URL": plan.nats_url,
        **_PARTICULAR[service](plan),
        **more,
    }
    if service in WITH_DATABASE:
        for role in ("app", "system"):
            told[f"DATABASE_URL_{role.upper()}"] = plan.database_url(service, role)
    if service in WITH_PAGE_TOKENS:
        told["PAGE_TOKEN_KEY"] = plan.secret("page-token-key")
    if service != "auth":
        told["AUTH_ADDRESS"] = plan.address("auth")
    prefix = f"{service.upper()}_"
    overrides = {name: value for name, value in os.environ.items() if name.startswith(prefix)}
    return {**base(plan), **{prefix + name: value for name, value in told.items()}, **overrides}


def base(plan: Plan) -> dict[str, str]:
    """What every Python process gets; nothing else of the caller's environment reaches it."""
    kept = {name: os.environ[name] for name in ("HOME", "PATH", "TMPDIR") if name in os.environ}
    return {
        "PATH": os.defpath,
        **kept,
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "PYTHONSAFEPATH": "1",
        # glibc gives every thread an arena of its own; two are enough and save tens of megabytes.
        "MALLOC_ARENA_MAX": "2",
        "FF_HOME": str(plan.home),
        "FF_PORT": str(plan.base),
    }


def _auth(plan: Plan) -> dict[str, str]:
    return {
        "SIGNING_KEY_FILE": str(plan.signing_keys),
        "EMAIL_VERIFICATION": "false",
        "SEALING_KEYS": f"local:{plan.secret('sealing-key')}",
    }


def _crm(plan: Plan) -> dict[str, str]:
    return {"BROKER_URL": plan.valkey_url(0)}


def _analytics(plan: Plan) -> dict[str, str]:
    return {"BROKER_URL": plan.valkey_url(0), "CRM_ADDRESS": plan.address("crm")}


def _notify(plan: Plan) -> dict[str, str]:
    return {
        "SMTP_HOST": LOOPBACK,
        "SMTP_PORT": str(plan.port("smtp")),
        "MAIL_FROM": "FreelanceFlow <hello@freelanceflow.example>",
        "PUBLIC_URL": plan.url("gateway"),
    }


def _gateway(plan: Plan) -> dict[str, str]:
    return {
        "PUBLIC_URL": plan.url("gateway"),
        "VALKEY_URL": plan.valkey_url(2),
        "GOOGLE_SIGN_IN": str(bool(os.environ.get("AUTH_GOOGLE_CLIENT_ID"))),
        **{
            f"{name.upper()}_ADDRESS": plan.address(name) for name in ("crm", "analytics", "notify")
        },
    }


_PARTICULAR = {
    "auth": _auth,
    "crm": _crm,
    "analytics": _analytics,
    "notify": _notify,
    "gateway": _gateway,
}
