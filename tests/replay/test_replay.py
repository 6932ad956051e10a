import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner
from temporalio.workflow import NondeterminismError

from models.vocabulary import Outcome
from tests.replay.record import HISTORIES, LIVES
from tests.replay.rounds import ROUNDS
from workflows import poll, relaunch
from workflows.sweep import Sweep

RECORDED = sorted(HISTORIES.glob("*/*.json"))
VERSIONS = sorted(path for path in HISTORIES.iterdir() if path.is_dir())


def history(path: Path) -> WorkflowHistory:
    return WorkflowHistory.from_json(path.stem, path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: f"{path.parent.name}-{path.stem}")
async def test_a_recorded_run_goes_on_under_todays_workflows(path: Path) -> None:
    await Replayer(workflows=[relaunch.Relaunch, Sweep, poll.Poll]).replay_workflow(history(path))


@pytest.mark.parametrize("folder", VERSIONS, ids=lambda folder: folder.name)
def test_every_version_has_a_history_of_every_outcome(folder: Path) -> None:
    ended = {path.stem: end(path) for path in folder.glob("*.json")}
    assert {outcome.value for outcome in Outcome} <= ended.keys()
    assert ended.pop("poll_continued", "CONTINUED_AS_NEW") == "CONTINUED_AS_NEW"
    assert set(ended.values()) == {"COMPLETED"}


def end(path: Path) -> str:
    last: str = json.loads(path.read_text(encoding="utf-8"))["events"][-1]["eventType"]
    return last.removeprefix("EVENT_TYPE_WORKFLOW_EXECUTION_")


def test_the_newest_version_has_a_history_of_every_life_and_round_that_is_recorded() -> None:
    recorded = {path.stem for path in VERSIONS[-1].glob("*.json")}
    assert {life.__name__ for life in LIVES} | {round_.__name__ for round_ in ROUNDS} <= recorded


def test_histories_name_no_machine() -> None:
    content = "".join(path.read_text(encoding="utf-8") for path in RECORDED)
    assert not [word for word in ('"identity"', '"stackTrace"', "/home/", "/tmp/", "@") if word in content]  # noqa: S108


async def test_a_history_that_the_workflow_cannot_have_made_is_refused() -> None:
    broken: dict[str, Any] = json.loads((VERSIONS[-1] / "exhausted.json").read_text(encoding="utf-8"))
    calls = [event.get("activityTaskScheduledEventAttributes", {}) for event in broken["events"]]
    sends = [call for call in calls if call.get("activityType") == {"name": "send"}]
    sends[1]["activityType"] = {"name": "mail"}
    with pytest.raises(NondeterminismError):
        await replay(relaunch, WorkflowHistory.from_json("broken", broken))


EDITS = {
    "the last word is not recorded any more": ("if outcome is Outcome.EXHAUSTED:", "if False:"),
    "every outcome is recorded again": ("if outcome is Outcome.EXHAUSTED:", "if True:"),
    "the outcome is not shown any more": (
        "        workflow.upsert_search_attributes([OUTCOME.value_set(outcome)])\n",
        "",
    ),
    "a wait has no timer": ("timeout=left)", "timeout=None)"),
    "the store is asked twice": (
        "                    self._progress = self._progress.assessed(answer)\n",
        "                    answer = await calls.assess(AssessRequest(self._now()))\n"
        "                    self._progress = self._progress.assessed(answer)\n",
    ),
    "a step is sent by another way": (
        "        sending = calls.send(",
        "        await workflow.wait_condition(lambda: False, timeout=1) if workflow.now() else None\n"
        "        sending = calls.send(",
    ),
}


POLL_EDITS = {
    "a page is asked for only once the storefront has had a rest": (
        "            page = await calls.poll(request)\n",
        "            await workflow.sleep(1)\n            page = await calls.poll(request)\n",
    ),
    "a page is asked for twice": (
        "            page = await calls.poll(request)\n",
        "            await calls.poll(request)\n            page = await calls.poll(request)\n",
    ),
    "a round ends with its first page": ("if not page.more:", "if True:"),
    "a round looks once more whether there is nothing more": ("if not page.more:", "if not page.more and found < 0:"),
    "a run hands over earlier": ("PAGES: Final = 50", "PAGES: Final = 49"),
    "a run hands over later": ("PAGES: Final = 50", "PAGES: Final = 51"),
    "a run hands over never": ("            workflow.continue_as_new(request)\n", "            pass\n"),
}


@pytest.mark.parametrize("edit", EDITS)
async def test_an_edit_that_running_journeys_cannot_live_with_is_caught(edit: str, tmp_path: Path) -> None:
    assert await breaking(relaunch, *EDITS[edit], tmp_path)


@pytest.mark.parametrize("edit", POLL_EDITS)
async def test_an_edit_that_running_polls_cannot_live_with_is_caught(edit: str, tmp_path: Path) -> None:
    assert await breaking(poll, *POLL_EDITS[edit], tmp_path)


async def breaking(module: ModuleType, old: str, new: str, folder: Path) -> list[str]:
    """Return which of the newest histories the module cannot replay once `old` is `new` in it."""
    source = Path(str(module.__file__)).read_text(encoding="utf-8")
    assert old in source
    edited = folder / "edited.py"
    edited.write_text(source.replace(old, new), encoding="utf-8")
    return [path.stem for path in VERSIONS[-1].glob("*.json") if await breaks(load(edited), path)]


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("edited", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def breaks(module: ModuleType, path: Path) -> bool:
    try:
        await replay(module, history(path))
    except NondeterminismError:
        return True
    return False


async def replay(module: ModuleType, recorded: WorkflowHistory) -> None:
    workflows = [getattr(module, "Relaunch", relaunch.Relaunch), Sweep, getattr(module, "Poll", poll.Poll)]
    await Replayer(workflows=workflows, workflow_runner=UnsandboxedWorkflowRunner()).replay_workflow(recorded)
