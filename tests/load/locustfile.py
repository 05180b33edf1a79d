"""The journeys, sent by Locust. `python -m tests.load` runs it, in an environment of its own.

People come one after the other, in teams of five that share a workspace; the first of all is the
demo's, who only looks. What is measured begins when everybody is there.
"""

import json
import os
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gevent
from gevent.event import AsyncResult
from locust import FastHttpUser, between, events
from locust.env import Environment
from locust.exception import RescheduleTask, StopUser

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Locust imports it by its path

from tests.load.journeys import (
    LOOKING,
    NOT_IN,
    SIGN_INS_PER_MINUTE,
    TASKS,
    Answer,
    Pace,
    Person,
    Task,
    some_email,
)

ASKED: dict[str, Any] = json.loads(os.environ["FF_LOAD"])
TEAM = 5
FAILED = 3  # exit code when somebody could not come in

pace = Pace(SIGN_INS_PER_MINUTE)
arrived: set[int] = set()
founders: dict[int, "AsyncResult[Person]"] = defaultdict(AsyncResult)
times: dict[tuple[str, str], list[float]] = defaultdict(list)
errors: Counter[tuple[str, str]] = Counter()
said: Counter[str] = Counter()


def work(somebody: "Somebody") -> None:
    """The next thing to do."""
    weights = somebody.weights
    [chosen] = random.choices(list(weights), weights=list(weights.values()))
    chosen(somebody.person)


class Somebody(FastHttpUser):  # type: ignore[misc]
    """One person at work, a thought between two requests."""

    wait_time = between(1, 3)
    tasks = (work,)
    count = 0

    def on_start(self) -> None:
        """Come in, and bring work along."""
        number, Somebody.count = Somebody.count, Somebody.count + 1
        try:
            self.person, self.weights = self._arrival(number)
        except Exception as problem:
            sys.stderr.write(f"{NOT_IN}: {problem}\n")
            self.environment.process_exit_code = FAILED
            gevent.spawn(self.environment.runner.quit)  # it ends this greenlet, too
            raise StopUser from problem
        arrived.add(number)
        if len(arrived) == ASKED["users"]:
            _begin(self.environment)

    def _arrival(self, number: int) -> tuple[Person, dict[Task, int]]:
        if ASKED["demo"] and number == 0:
            person = Person(self.ask, pace, ASKED["demo"]["email"], ASKED["demo"]["password"])
            person.enter()
            return person, LOOKING
        person, place = Person(self.ask, pace, some_email()), number - bool(ASKED["demo"])
        founder = founders[place // TEAM]
        if place % TEAM == 0:
            person.found_workspace()
            founder.set(person)
        else:
            person.join(founder.get().invite(person.email))
        person.bring_work()
        return person, TASKS

    def ask(
        self,
        name: str,
        method: str,
        path: str,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        data: str | None = None,
    ) -> Answer:
        """One request; a wrong answer is counted, and this task is over."""
        with self.client.request(
            method,
            path,
            name=name,
            headers=headers,
            json=json,
            data=data,
            allow_redirects=False,
            catch_response=True,
            context={"path": path},
        ) as answer:
            wrong = ""
            if answer.status_code != status:
                wrong = f"{answer.status_code}, not {status}: {(answer.text or '')[:200]}"
                answer.failure(wrong)
            else:
                answer.success()
        if wrong:
            raise RescheduleTask(f"{name}: {wrong}")
        found: Answer = answer
        return found


def _begin(environment: Environment) -> None:
    """Everybody is there: forget what it took, and end in time."""
    Path(ASKED["begun"]).touch()
    events.request.add_listener(_count)
    gevent.spawn_later(ASKED["seconds"], environment.runner.quit)


def _count(
    name: str, response_time: float, exception: Exception | None, context: Any, **_more: Any
) -> None:
    key = "api" if context["path"].startswith("/api/") else "page", name
    times[key].append(response_time)
    if exception:
        errors[key] += 1
        said[f"{name}: {exception}"] += 1


def _tell(environment: Environment, **_more: Any) -> None:
    found = [
        {"kind": kind, "name": name, "milliseconds": took, "errors": errors[kind, name]}
        for (kind, name), took in times.items()
    ]
    result = {"requests": found, "said": said.most_common(20)}
    Path(ASKED["result"]).write_text(json.dumps(result))


events.quitting.add_listener(_tell)
