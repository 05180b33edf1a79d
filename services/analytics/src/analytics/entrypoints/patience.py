"""Transactions of work that nobody waits for."""

from kit.unit_of_work import UnitOfWork

PATIENCE = (
    "SET LOCAL statement_timeout = '120s'; SET LOCAL idle_in_transaction_session_timeout = '120s'"
)


def patient(uow: UnitOfWork) -> UnitOfWork:
    """The limits of requests are not for this: a large workspace is read in one statement."""
    uow.begin_with(PATIENCE)
    return uow
