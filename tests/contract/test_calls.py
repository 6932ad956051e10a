"""Workflows call activities by name: names and types must be those of the activities that the worker registers."""

import inspect
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from temporalio import activity, workflow

import worker
from channels.memory import Memory
from models.vocabulary import Channel
from runtime.installation import Installation
from runtime.links import Links
from settings import Settings
from store import db
from store.outbox import Call
from workflows import calls
from workflows.poll import Poll
from workflows.relaunch import Relaunch
from workflows.sweep import Sweep


@dataclass
class Calls:
    """Stands where Temporal stands, and notes what the page of calls asks of it."""

    noted: list[tuple[str, object, dict[str, Any]]] = field(default_factory=list)

    def start(self, name: str, request: object, **options: Any) -> None:
        self.noted.append((name, request, options))

    async def execute(self, name: str, request: object, **options: Any) -> None:
        self.start(name, request, **options)


@dataclass(frozen=True)
class Made:
    """One call as it reaches Temporal, and the types that its function promises to workflows."""

    takes: object
    gives: object
    result_type: object
    options: dict[str, Any]


def functions() -> dict[str, Callable[[Any], Any]]:
    found = inspect.getmembers(calls, inspect.isfunction)
    return {name: function for name, function in found if function.__module__ == calls.__name__}


@pytest.fixture
async def made(monkeypatch: pytest.MonkeyPatch) -> dict[str, Made]:
    temporal, found = Calls(), {}
    monkeypatch.setattr(workflow, "execute_activity", temporal.execute)
    monkeypatch.setattr(workflow, "start_activity", temporal.start)
    for function in functions().values():
        hints = get_type_hints(function)
        (takes,) = [hint for name, hint in hints.items() if name != "return"]
        answer = function(takes)
        if inspect.iscoroutine(answer):
            await answer
        name, request, options = temporal.noted.pop()
        assert request is takes
        gives = (get_args(hints["return"]) or (hints["return"],))[0]
        found[name] = Made(takes, gives, options.get("result_type", type(None)), options)
    return found


@pytest.fixture
async def registered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    given: dict[str, Any] = {}
    monkeypatch.setattr(worker, "Worker", lambda _client, **options: nullcontext(given.update(options)))
    database = db.connect(f"sqlite:///{tmp_path / 'relaunch.db'}")
    links = Links("https://relaunch.example", "secret")
    installation = Installation(Settings(home=tmp_path), database, links, "secret", "key", (), rehearsal=False)
    async with worker.working(None, installation, {Channel.EMAIL: Memory()}, {}):  # type: ignore[arg-type] # not called
        pass
    await database.aclose()
    return given


def defined(registered: dict[str, Any]) -> dict[str, activity._Definition]:
    found = [activity._Definition.must_from_callable(one) for one in registered["activities"]]
    return {one.name or "": one for one in found}


def test_every_registered_activity_is_called_and_every_called_one_is_registered(
    made: dict[str, Made], registered: dict[str, Any]
) -> None:
    assert made.keys() == defined(registered).keys() == {"assess", "send", "close", "sweep", "poll"}
    assert len(made) == len(functions())


def test_calls_and_activities_agree_on_what_they_take_and_give(
    made: dict[str, Made], registered: dict[str, Any]
) -> None:
    real = defined(registered)
    assert {name: [call.takes] for name, call in made.items()} == {name: one.arg_types for name, one in real.items()}
    assert {name: call.gives for name, call in made.items()} == {name: one.ret_type for name, one in real.items()}
    assert all(call.result_type == call.gives for call in made.values())


def test_every_call_ends_some_day_and_is_repeated_for_ever(made: dict[str, Made]) -> None:
    for call in made.values():
        assert call.options["start_to_close_timeout"].total_seconds() > 0
        assert call.options["retry_policy"].maximum_attempts == 0
        assert not {"schedule_to_close_timeout", "schedule_to_start_timeout"} & call.options.keys()


def test_the_worker_runs_the_workflows_that_are_started_by_name(registered: dict[str, Any]) -> None:
    assert registered["workflows"] == [Relaunch, Sweep, Poll]
    names = [workflow._Definition.must_from_class(one).name for one in registered["workflows"]]
    assert names == ["Relaunch", "Sweep", "Poll"]


def test_the_journey_hears_everything_that_the_relay_tells() -> None:
    journey = workflow._Definition.must_from_class(Relaunch)
    assert set(Call) - {Call.START, Call.STOPPED} <= journey.updates.keys()
    assert Call.STOPPED in journey.signals
    assert "send_now" in journey.updates
    assert "progress" in journey.queries
