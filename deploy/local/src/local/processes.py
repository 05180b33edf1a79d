"""Start processes that cannot outlive us, and stop them with everything they started."""

import contextlib
import ctypes
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

BACKGROUND = 5  # as `nice` counts: a third of the share of others, so that work goes on beside them
_AUTOGROUP = Path("/proc/self/autogroup")
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Command:
    """How to run one program and how to ask it to end."""

    argv: Sequence[str]
    cwd: Path
    env: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    background: bool = False  # nobody waits for it: others have the processor first


def spawn(command: Command, output: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start a command in a session of its own, its output going to one place.

    Call it from the main thread: Linux ends the child when the *thread* that started it ends.
    """
    return subprocess.Popen(command.argv, **popen_arguments(command, output))


def popen_arguments(command: Command, output: IO[bytes]) -> dict[str, Any]:
    """What `Popen` (and asyncio's like of it) must be told, beside the arguments."""
    return {
        "cwd": command.cwd,
        "env": dict(command.env),
        "stdin": subprocess.DEVNULL,
        "stdout": output,
        "stderr": subprocess.STDOUT,
        "start_new_session": True,
        "user": command.user,
        "group": _group_of(command.user),
        "extra_groups": [] if command.user else None,
        "preexec_fn": _first_steps(command),
    }


def _first_steps(command: Command) -> Callable[[], None]:
    """What the new process does before it becomes the program."""
    ask_kernel = die_with_parent(command.stop_signal)

    def steps() -> None:
        if command.background:
            _give_way()
        ask_kernel()

    return steps


def _give_way() -> None:
    """Take the processor when nobody else wants it, and what it starts too.

    Where Linux weighs sessions (autogroup), niceness counts inside one only: it is told as well.
    """
    os.nice(BACKGROUND)
    with contextlib.suppress(OSError):  # no such weighing here
        _AUTOGROUP.write_text(str(BACKGROUND))


def die_with_parent(stop_signal: signal.Signals) -> Callable[[], None]:
    """A `preexec_fn` that has the kernel send the signal when our process is gone.

    It must be the last thing before exec: changing the user clears it.
    Where the call is missing (macOS) the next start clears what is left.
    """
    parent = os.getpid()

    def ask_kernel() -> None:
        if _LIBC is None:
            return
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(stop_signal), 0, 0, 0)
        if os.getppid() != parent:  # it died between fork and prctl
            os._exit(1)

    return ask_kernel


def stop_group(process: subprocess.Popen[bytes], stop_signal: signal.Signals, grace: float) -> None:
    """Ask the leader to end, then end whatever is left of its group."""
    if process.poll() is None:
        process.send_signal(stop_signal)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(grace)
    kill_group(process.pid)
    process.wait()


def kill_group(group: int) -> None:
    """End a whole process group at once; one that is gone is fine."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def wait_until(
    ready: Callable[[], bool], alive: Callable[[], bool], timeout: float, pause: float = 0.02
) -> bool:
    """Poll until ready; False when the process ended or the time ran out."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if not alive():
            return False
        if ready():
            return True
        time.sleep(pause)
    return False


def _group_of(user: str | None) -> int | None:
    if user is None:
        return None
    return pwd.getpwnam(user).pw_gid
