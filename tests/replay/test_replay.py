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
from workflows import relaunch
from workflows.sweep import Sweep

RECORDED = sorted(HISTORIES.glob("*/*.json"))
VERSIONS = sorted(path for path in HISTORIES.iterdir() if path.is_dir())


def history(path: Path) -> WorkflowHistory:
    return WorkflowHistory.from_json(path.stem, path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: f"{path.parent.name}-{path.stem}")
async def test_a_recorded_run_goes_on_under_todays_workflows(path: Path) -> None:
    await Replayer(workflows=[relaunch.Relaunch, Sweep]).replay_workflow(history(path))


@pytest.mark.parametrize("folder", VERSIONS, ids=lambda folder: folder.name)
def test_every_version_has_a_history_of_every_outcome(folder: Path) -> None:
    ended = [json.loads(path.read_text(encoding="utf-8"))["events"][-1]["eventType"] for path in folder.glob("*.json")]
    assert set(ended) == {"EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED"}
    assert {outcome.value for outcome in Outcome} <= {path.stem for path in folder.glob("*.json")}


def test_the_newest_version_has_a_history_of_every_life_that_is_recorded() -> None:
    assert {life.__name__ for life in LIVES} <= {path.stem for path in VERSIONS[-1].glob("*.json")}


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


@pytest.mark.parametrize("edit", EDITS)
async def test_an_edit_that_running_journeys_cannot_live_with_is_caught(edit: str, tmp_path: Path) -> None:
    source = Path(relaunch.__file__).read_text(encoding="utf-8")
    old, new = EDITS[edit]
    assert old in source
    edited = tmp_path / "edited.py"
    edited.write_text(source.replace(old, new), encoding="utf-8")
    failed = [path.stem for path in VERSIONS[-1].glob("*.json") if await breaks(load(edited), path)]
    assert failed


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
    workflows = [module.Relaunch, Sweep]
    await Replayer(workflows=workflows, workflow_runner=UnsandboxedWorkflowRunner()).replay_workflow(recorded)
