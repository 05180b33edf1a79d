"""How somebody proves who they are, with guesses counted; before any transaction."""

from uuid import UUID

from auth.adapters import users, workspaces
from auth.application import guesses
from auth.application import sessions as session_cases
from auth.domain.errors import PasswordNotSet
from auth.domain.user import User
from auth.entrypoints.app import App
from kit.database import SystemTransaction


async def proven(app: App, email: str, password: str, client_address: str) -> User:
    """The person behind address and password.

    Raises CredentialsWrong, SignInBusy, TooManyAttempts.
    """
    now = app.clock.now()
    await guesses.spend(
        app.system, guesses.PASSWORDS, email=email, client_address=client_address, now=now
    )
    user = await session_cases.prove(app.system, app.passwords, email=email, password=password)
    await guesses.forgive(app.system, email=email, client_address=client_address)
    return user


async def proven_again(app: App, user_id: UUID, password: str, client_address: str) -> User:
    """A signed-in person, who may have left the device to somebody else.

    Raises PasswordNotSet and as `proven` does.
    """
    async with SystemTransaction(app.system) as tx:
        user = await users.get(tx, user_id)
    if user.password_hash is None:
        raise PasswordNotSet("There is no password yet. A link from a mail sets the first one.")
    return await proven(app, user.email, password, client_address)


async def home_of(app: App, user: User) -> UUID:
    """The workspace that somebody comes into; their own id where they belong to none."""
    async with SystemTransaction(app.system) as tx:
        return await workspaces.first_workspace(tx, user.id) or user.id


async def spend_on_code(app: App, user_id: UUID, client_address: str) -> None:
    """One guess at a code. Raises TooManyAttempts."""
    await guesses.spend(
        app.system,
        guesses.CODES,
        email=str(user_id),
        client_address=client_address,
        now=app.clock.now(),
    )
