"""Where things lie: the checkout and its private folder."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]
TOOLS = ROOT / ".ff" / "tools"


def home() -> Path:
    """The folder of what one platform keeps (data, logs, secrets); FF_HOME moves it."""
    return Path(os.environ.get("FF_HOME") or ROOT / ".ff").resolve()
