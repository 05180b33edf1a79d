"""What every test of the repository shares: the platform's fixtures."""

pytest_plugins = ["kit.testing.plugin"]
