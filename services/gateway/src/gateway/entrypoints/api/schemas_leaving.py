"""Shapes of what is deleted for good, as the documentation shows them."""

from pydantic import Field

from gateway.entrypoints.api.requests import Body


class AccountDeletion(Body):
    password: str = Field(max_length=1000)
    # Where a second step is set up.
    code: str = Field(default="", max_length=40, examples=["287082"])


class WorkspaceDeletion(AccountDeletion):
    name: str = Field(max_length=1000, examples=["Harbour Works"])  # the workspace's, to be sure
