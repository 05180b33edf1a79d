"""The process that has loaded the science: started when asked, gone when idle.

A worker that waits for work stays small. Requests and answers are lines of JSON; the process reads
and writes the database itself. It is killed as a group with whatever it started: when its time is
over, when its job is taken away, and by itself when its parent dies. Somebody waits for its end
from its beginning, so that one that ended of its own accord is no zombie until the next job.
"""

import asyncio
import json
import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from kit.errors import DomainError, ErrorKind
from kit.jobs.table import LeaseLost

# Large arrays are given back when they are done with, instead of lying in a heap with holes.
MEMORY = {"MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": str(2**20)}
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "POLARS_MAX_THREADS": "1",
}


class ScienceFailed(DomainError):
    """The process died, or took too long; another attempt may succeed."""

    kind, reason = ErrorKind.UNAVAILABLE, "SCIENCE_FAILED"


class ScienceProcess:
    """One request at a time."""

    def __init__(self, argv: Sequence[str], *, environment: Mapping[str, str]) -> None:
        self._argv = list(argv)
        self._environment = {**environment, **ONE_THREAD, **MEMORY}
        self._process: subprocess.Popen[bytes] | None = None
        self._one_at_a_time = asyncio.Lock()
        self._starting = threading.Lock()

    async def ask(self, request: Mapping[str, Any], *, deadline: float) -> dict[str, Any]:
        """Its answer. Raises ScienceFailed, LeaseLost."""
        async with self._one_at_a_time:
            try:
                line = json.dumps(request).encode() + b"\n"
                async with asyncio.timeout(deadline):
                    answer = await asyncio.to_thread(self._exchange, line)
            except TimeoutError:
                self.kill()
                raise ScienceFailed(f"Computing took longer than {deadline:.0f} s.") from None
            except asyncio.CancelledError:
                self.kill()
                raise
        if not answer:
            self.kill()
            raise ScienceFailed("The computing process ended early.")
        said: dict[str, Any] = json.loads(answer)
        if "result" in said:
            result: dict[str, Any] = said["result"]
            return result
        if said["error"] == "LeaseLost":
            raise LeaseLost
        raise ScienceFailed(said["words"])

    def kill(self) -> None:
        """End it now, with whatever it started."""
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        if process is not None:
            process.wait()

    def _exchange(self, line: bytes) -> bytes:
        """Blocks. One that ended of its own accord before it heard is replaced, and asked again."""
        for _ in range(2):
            process = self._running()
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                process.stdin.write(line)
                process.stdin.flush()
            except OSError:
                self.kill()
                continue
            answer = process.stdout.readline()
            if answer or process.wait() != 0:
                return answer
        return b""

    def _running(self) -> subprocess.Popen[bytes]:
        with self._starting:
            if self._process is None or self._process.poll() is not None:
                self.kill()
                self._process = subprocess.Popen(
                    self._argv,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    env=self._environment,
                    process_group=0,
                )
                threading.Thread(target=self._process.wait, name="reaper", daemon=True).start()
            return self._process
