"""What has arrived at the mail sink."""

from typing import Any

import httpx

from tests.e2e.support.platform import Platform


async def mails(http: httpx.AsyncClient, platform: Platform) -> list[dict[str, Any]]:
    """All that the sink remembers, latest first."""
    found: list[dict[str, Any]] = (await http.get(f"{platform.mail}/api/messages")).json()
    return found


async def mails_to(
    http: httpx.AsyncClient, platform: Platform, address: str
) -> list[dict[str, Any]]:
    """Those to one address, latest first."""
    return [mail for mail in await mails(http, platform) if address in mail["recipients"]]
