"""Servers, databases and workspaces for all tests."""

pytest_plugins = ["kit.testing.plugin"]
