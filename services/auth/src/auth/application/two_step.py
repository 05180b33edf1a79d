"""Signing in in two steps: one function per use case, one transaction each."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from auth.adapters import flows, secrets, two_step, users, workspaces
from auth.adapters.sealing import Sealing
from auth.application.sessions import end_sessions_of, hold_proof
from auth.domain.errors import CodeNeeded, CodeWrong, SignInNotValid, TwoStepNotStarted, TwoStepOn
from auth.domain.facts import Cause, MemberTwoStepChanged, TwoStepChanged
from auth.domain.two_step import new_recovery_codes, new_seed, normal_code, step_of, uri_of
from auth.domain.user import User
from kit.database import Pool, SystemTransaction
from kit.unit_of_work import UnitOfWork

CHALLENGE = "two_step"


class Challenge(NamedTuple):
    """The first step is done; with this and a code the second one is, within ten minutes."""

    secret: str


class Enrolment(NamedTuple):
    """A secret for somebody's application, in two forms."""

    seed: str
    uri: str


class State(NamedTuple):
    """How somebody signs in."""

    since: datetime | None
    codes_left: int


async def challenge(uow: UnitOfWork, user: User, now: datetime) -> Challenge | None:
    """For a person whose first step is done; None where one step is enough.

    The proof is held: nobody who is just turning it on is passed by. Raises CredentialsWrong.
    """
    await hold_proof(uow, user)
    if not await _is_on(uow, user.id):
        return None
    content = {
        "user_id": str(user.id),
        "workspace_id": str(uow.workspace_id),
        "proof": _proof_of(user),
    }
    secret = await flows.begin(uow, CHALLENGE, content, now)
    await uow.commit()
    return Challenge(secret)


async def challenged(system: Pool, challenge: str, now: datetime) -> tuple[User, UUID]:
    """Whose challenge it is, and the workspace they come into.

    Raises SignInNotValid, also when the password was changed since.
    """
    async with SystemTransaction(system) as tx:
        content = await flows.look(tx, CHALLENGE, challenge, now)
        if content is None:
            raise _not_valid()
        user = await users.get(tx, UUID(content["user_id"]))
    if _proof_of(user) != content["proof"]:
        raise _not_valid()
    return user, UUID(content["workspace_id"])


async def answer(
    uow: UnitOfWork, sealing: Sealing, *, challenge: str, user_id: UUID, code: str, now: datetime
) -> None:
    """Part of a larger use case: the second step. Raises SignInNotValid, CodeWrong."""
    if await flows.end(uow, CHALLENGE, challenge, now) is None:
        raise _not_valid()
    await check(uow, sealing, user_id=user_id, code=code, now=now)


async def expect(
    uow: UnitOfWork, sealing: Sealing, *, user_id: UUID, code: str, now: datetime
) -> None:
    """Part of a larger use case: a code, if one is asked for. Raises CodeNeeded, CodeWrong."""
    if await _is_on(uow, user_id):
        if not code:
            raise CodeNeeded("Give the code of your application, too.")
        await check(uow, sealing, user_id=user_id, code=code, now=now)


async def check(
    uow: UnitOfWork, sealing: Sealing, *, user_id: UUID, code: str, now: datetime
) -> None:
    """Use a code up: of the application, or one of those on paper. Raises CodeWrong."""
    code, device = normal_code(code), await two_step.device(uow, user_id)
    if device is not None and device.confirmed_at is not None:
        seed = sealing.open(device.sealed)
        step = step_of(seed, code, now, after=device.last_step)
        if step is not None and await two_step.take_step(uow, user_id, step):
            return
        if await two_step.use_code(uow, user_id, secrets.digest(code)):
            return
    raise CodeWrong("This code is wrong, too old, or was used before.")


async def state(system: Pool, user_id: UUID) -> State:
    """How somebody signs in."""
    async with SystemTransaction(system) as tx:
        device = await two_step.device(tx, user_id)
        return State(
            device.confirmed_at if device else None, await two_step.codes_left(tx, user_id)
        )


async def begin(system: Pool, sealing: Sealing, *, user: User) -> Enrolment:
    """A secret that does not count yet, for a person who has proven who they are.

    Raises TwoStepOn.
    """
    seed = new_seed()
    async with SystemTransaction(system) as tx:
        if not await two_step.put(tx, user.id, sealing.seal(seed)):
            raise TwoStepOn("You sign in in two steps already.")
        await tx.commit()
    return Enrolment(seed, uri_of(seed, user.email))


async def confirm(
    uow: UnitOfWork, sealing: Sealing, *, user_id: UUID, code: str, but: UUID, now: datetime
) -> list[str]:
    """It counts from now on; the codes on paper. All sessions end but one.

    Raises TwoStepNotStarted, CodeWrong.
    """
    user = await users.load_for_update(uow, user_id)
    device = await two_step.device(uow, user_id)
    if device is None or device.confirmed_at is not None:
        raise TwoStepNotStarted("Begin again: there is no secret that waits for a code.")
    step = step_of(sealing.open(device.sealed), normal_code(code), now, after=0)
    if step is None or not await two_step.confirm(uow, user_id, step, now):
        raise CodeWrong("This code is wrong or too old. Is the clock of your phone right?")
    codes = await _new_codes(uow, user_id)
    await _changed(uow, user, on=True, but=but, now=now)
    return codes


async def renew_codes(uow: UnitOfWork, *, user_id: UUID) -> list[str]:
    """Other codes on paper, for a person who has proven who they are. Raises TwoStepNotStarted."""
    await users.load_for_update(uow, user_id)
    if not await _is_on(uow, user_id):
        raise TwoStepNotStarted("You do not sign in in two steps.")
    codes = await _new_codes(uow, user_id)
    await uow.commit()
    return codes


async def end(uow: UnitOfWork, *, user_id: UUID, but: UUID, now: datetime) -> None:
    """One step is enough from now on; all sessions end but one. Raises TwoStepNotStarted."""
    user = await users.load_for_update(uow, user_id)
    if not await _is_on(uow, user_id):
        raise TwoStepNotStarted("You do not sign in in two steps.")
    await two_step.remove(uow, user_id)
    await _changed(uow, user, on=False, but=but, now=now)


async def _is_on(tx: SystemTransaction, user_id: UUID) -> bool:
    device = await two_step.device(tx, user_id)
    return device is not None and device.confirmed_at is not None


async def _new_codes(uow: UnitOfWork, user_id: UUID) -> list[str]:
    codes = new_recovery_codes()
    await two_step.replace_codes(uow, user_id, [secrets.digest(code) for code in codes])
    return codes


async def _changed(uow: UnitOfWork, user: User, *, on: bool, but: UUID, now: datetime) -> None:
    """`user` is locked."""
    await end_sessions_of(uow, user_id=user.id, but=but, cause=Cause.ENDED, now=now)
    of_person: dict[str, Any] = {
        "aggregate_id": user.id,
        "version": user.version,
        "at": now,
        "by": user.id,
    }
    uow.tell_facts(
        TwoStepChanged(**of_person, email=user.email, name=user.name, on=on),
        *(
            MemberTwoStepChanged(**of_person, workspace_id=workspace_id, on=on)
            for workspace_id in await workspaces.all_of(uow, user.id)
        ),
    )
    await uow.commit()


def _proof_of(user: User) -> str:
    return secrets.digest(user.password_hash or "").hex()


def _not_valid() -> SignInNotValid:
    return SignInNotValid("This sign-in took too long or was ended before. Sign in again.")
