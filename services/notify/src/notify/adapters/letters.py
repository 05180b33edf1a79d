"""Wordings as letters: plain text, and the same as simple HTML."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from kit.ids import new_id
from notify.adapters.mails import NewMail
from notify.adapters.recipients import Recipient
from notify.adapters.unsubscribe_links import Subscription, UnsubscribeLinks
from notify.adapters.workspaces import Workspace
from notify.domain.days import day_in_words
from notify.domain.digest import Item, sections
from notify.domain.messages import Kind, Wording
from notify.domain.preferences import DIGEST

SUBJECT_LENGTH = 200
SETTINGS = "settings/notifications"
# Where the pages of what is told by mail are; tests/architecture/test_links.py compares.
PAGES = {
    "activity": "activities",
    "client": "clients",
    "deal": "deals",
    "export": "exports",
    "import": "imports",
    "odds": "analytics/deals",
    "risks": "analytics/clients?level=leaving",
}
LISTED = frozenset({"export", "odds", "risks"})  # these have no page of their own
CALLED = {"odds": "deals", "risks": "clients"}  # what its page shows; else as it is named

REASONS = {
    Kind.ODDS_DROPPED: "You get this because the deals are yours to look after.",
    Kind.RISK_RISEN: "You get this because the clients are yours to look after.",
    Kind.ACTIVITY_DUE: "You get this because you asked to be reminded.",
    Kind.IMPORT_FAILED: "You get this because you asked for the import.",
    Kind.EXPORT_FAILED: "You get this because you asked for the export.",
}


class Letters:
    """Writes letters; links begin at `public_url`."""

    def __init__(self, public_url: str, unsubscribing: UnsubscribeLinks) -> None:
        self._public_url = public_url.rstrip("/")
        self._unsubscribing = unsubscribing
        self._html = _environment(escape=True)
        self._text = _environment(escape=False)

    def notification(self, to: Recipient, wording: Wording, workspace: Workspace) -> NewMail:
        """One notification for one person."""
        values = {
            "name": to.name,
            "workspace": workspace.name,
            "title": wording.title,
            "body": wording.body,
            "link": f"{self._public_url}/{_page_of(wording)}",
            "action": f"Open the {CALLED.get(wording.target_kind, wording.target_kind)}",
            "reason": REASONS.get(
                wording.kind, "You get this because you belong to the workspace."
            ),
            "settings": f"{self._public_url}/{SETTINGS}",
            "unsubscribe": self._unsubscribe(to, wording.kind.value, workspace),
        }
        return self._letter("letter", to.email, wording.title, values)

    def digest(
        self, to: Recipient, day: date, items: Sequence[Item], workspace: Workspace
    ) -> NewMail:
        """All that was collected for one person's morning, in one of their workspaces."""
        of = f" of {workspace.name}" if workspace.name else ""
        title = f"Your digest{of} for {day_in_words(day)}"
        values = {
            "name": to.name,
            "workspace": workspace.name,
            "title": title,
            "sections": sections(items),
            "public_url": self._public_url,
            "reason": "You get this because you chose a digest in the morning.",
            "settings": f"{self._public_url}/{SETTINGS}",
            "unsubscribe": self._unsubscribe(to, DIGEST, workspace),
        }
        return self._letter("digest", to.email, title, values)

    def verification(self, email: str, name: str, token: str) -> NewMail:
        """The link that proves an address or, lacking a token, word that it is known already."""
        if token:
            title, action = "Confirm your e-mail address", "Confirm the address"
            body = "Confirm that this is your address; the link works once, for ten minutes."
            path = f"verify-email?token={token}"
        else:
            title, action = "You have an account already", "Sign in"
            body = "Somebody, probably you, tried to register with this address."
            path = "sign-in"
        reason = "If it was not you, do nothing: without this link nobody gets in."
        return self._of_account(email, name, title, body, path, action, reason)

    def reset_link(self, email: str, name: str, token: str) -> NewMail:
        """The link that sets a new password."""
        title = "Set a new password"
        body = (
            "Somebody, probably you, has forgotten the password of this address."
            " The link works once, for ten minutes; a new password signs you out everywhere."
        )
        reason = "If it was not you, do nothing: your password stays as it is."
        return self._of_account(email, name, title, body, f"reset?token={token}", title, reason)

    def invitation(
        self, email: str, *, workspace: str, inviter: str, role: str, token: str
    ) -> NewMail:
        """The link into somebody's workspace."""
        title = f"{inviter} invites you to {workspace}"
        body = f"You are invited into the workspace as {role}. The link works once, for seven days."
        reason = f"If you do not know {inviter}, do nothing."
        return self._of_account(email, email, title, body, f"join?token={token}", "Join", reason)

    def password_changed(
        self, email: str, name: str, *, at: datetime, address: str, by_link: bool
    ) -> NewMail:
        """Word to whoever has the address, who may be the first to know that it was not them."""
        title = "Your password was changed"
        how, others = (" with the link from a mail", "") if by_link else ("", "other ")
        body = f"It was changed{how} {_when_and_where(at, address)}."
        body += f" All {others}devices are signed out."
        return self._of_safety(email, name, title, body)

    def google_connected(
        self, email: str, name: str, *, account: str, at: datetime, address: str, connected: bool
    ) -> NewMail:
        """Word of another way in, or one less."""
        title = f"A Google account was {'connected' if connected else 'disconnected'}"
        then = "Whoever has it can sign in with it" if connected else "It lets nobody in any more"
        body = f"{account}: {_when_and_where(at, address)}. {then}."
        return self._of_safety(email, name, title, body)

    def two_step_changed(
        self, email: str, name: str, *, at: datetime, address: str, on: bool
    ) -> NewMail:
        """Word of a second step, or one less."""
        title = f"Two-step sign-in was turned {'on' if on else 'off'}"
        then = "A code is asked for after the password" if on else "The password alone lets you in"
        body = f"It was turned {'on' if on else 'off'} {_when_and_where(at, address)}. {then}."
        return self._of_safety(email, name, title, body)

    def api_key_created(
        self,
        email: str,
        name: str,
        *,
        key_name: str,
        read_only: bool,
        at: datetime,
        address: str,
    ) -> NewMail:
        """Word of a key that works in somebody's place. A new password does not end it."""
        does = "reads what you see" if read_only else "does what you may do"
        body = f"“{key_name}” was made {_when_and_where(at, address)}. Whoever has it {does}."
        body += " If it was not you, revoke it, and change your password."
        reason = "You get this because it concerns the safety of your account."
        title, path = "An API key was made", "settings/api-keys"
        return self._of_account(email, name, title, body, path, "See your API keys", reason)

    def workspace_closed(
        self, email: str, name: str, *, workspace: str, erased_at: datetime, near: bool
    ) -> NewMail:
        """To each owner: when all is gone, and how it is not."""
        title = f"{workspace} {'is about to be erased' if near else 'was closed'}"
        body = f"{'It was closed' if near else 'Nobody works in it any more'}, and is erased"
        body += f" {_when_and_where(erased_at, '')}: clients, deals, activities, files, reports."
        body += " Until then an owner can reopen it as it was."
        reason = f"You get this because you are an owner of {workspace}."
        # Whoever comes into another of theirs by it finds the closed one there.
        return self._of_account(email, name, title, body, "workspaces", "Reopen it", reason)

    def workspace_reopened(self, email: str, name: str, *, workspace: str) -> NewMail:
        """To each owner: nothing is erased."""
        title, body = f"{workspace} was reopened", "It is as it was, and is not erased."
        reason = f"You get this because you are an owner of {workspace}."
        return self._of_account(email, name, title, body, "", "Open FreelanceFlow", reason)

    def account_deleted(self, email: str, name: str, *, at: datetime, address: str) -> NewMail:
        """The last word to a person; nothing of theirs can be opened any more."""
        title = "Your account was deleted"
        body = f"It was deleted {_when_and_where(at, address)}, and with it every workspace that"
        body += " nobody else belongs to. What you made in workspaces of others stays there and"
        body += " names you no longer."
        reason = "If it was not you, tell whoever runs this FreelanceFlow at once."
        return self._of_account(email, name, title, body, "", "Open FreelanceFlow", reason)

    def _of_safety(self, email: str, name: str, title: str, body: str) -> NewMail:
        action = "Set another one if it was not you"
        reason = "You get this because it concerns the safety of your account."
        return self._of_account(email, name, title, body, "forgot", action, reason)

    def _of_account(
        self, email: str, name: str, title: str, body: str, path: str, action: str, reason: str
    ) -> NewMail:
        """To a person, whatever workspaces they are in."""
        values = {
            "name": name,
            "workspace": "",
            "title": title,
            "body": body,
            "link": f"{self._public_url}/{path}",
            "action": action,
            "reason": reason,
            "settings": "",
            "unsubscribe": "",
        }
        return self._letter("letter", email, title, values)

    def _unsubscribe(self, to: Recipient, kind: str, workspace: Workspace) -> str:
        return self._unsubscribing.link(Subscription(workspace.id, to.user_id, kind))

    def _letter(self, template: str, email: str, title: str, values: dict[str, Any]) -> NewMail:
        return NewMail(
            id=new_id(),
            to_address=email,
            to_name=one_line(values["name"]),
            subject=one_line(title)[:SUBJECT_LENGTH],
            text=self._text.get_template(f"{template}.txt").render(values),
            html=self._html.get_template(f"{template}.html").render(values),
            unsubscribe=values["unsubscribe"],
        )


def _when_and_where(at: datetime, address: str) -> str:
    where = f", from the network address {address}" if address else ""
    return f"on {at.day} {at:%B %Y at %H:%M} UTC{where}"


def digest_item(wording: Wording) -> Item:
    """One notification in a digest: said as in a letter of its own."""
    return Item(wording.kind.value, wording.title, wording.body, _page_of(wording))


def _page_of(wording: Wording) -> str:
    page = PAGES[wording.target_kind]
    return page if wording.target_kind in LISTED else f"{page}/{wording.target_id}"


def _environment(*, escape: bool) -> Environment:
    return Environment(
        loader=PackageLoader("notify.adapters"),
        autoescape=escape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def one_line(text: str) -> str:
    """What may stand in a header: control characters would begin another one."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
