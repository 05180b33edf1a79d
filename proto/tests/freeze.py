"""python -m proto.tests.freeze: freeze an example of every event type that has none yet.

What is frozen is never written again: it is what is on the wire somewhere.
"""

import sys
from pathlib import Path

from proto.tests.events import MESSAGES, example, text_of

GOLDEN = Path(__file__).resolve().parents[1] / "golden"


def main() -> int:
    for kind, message in MESSAGES.items():
        frozen = GOLDEN / f"{kind}.binpb"
        if not frozen.exists():
            made = example(message)
            frozen.write_bytes(made.SerializeToString(deterministic=True))
            frozen.with_suffix(".txt").write_text(text_of(made), encoding="utf-8")
            sys.stdout.write(f"frozen: {kind}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
