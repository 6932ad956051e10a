import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LONGEST_FILE = 250
LONGEST_FUNCTION = 40
NOT_OURS = {"build", "dist"}
# A migration is a list of statements, and is never touched again.
MIGRATIONS = ROOT / "store" / "migrations"
CLOCK = ROOT / "runtime" / "clock.py"
WALL_CLOCK = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns"}
# Where a new thread of control begins: the worker is composed there, and nowhere else.
MAY_IMPORT_WORKER = ("cli", "bench", "tests")
IO_LIBRARIES = ("sqlalchemy", "sqlmodel", "httpx", "jinja2", "structlog", "aiosmtplib")
SQL_LIBRARIES = {"aiosqlite", "alembic", "asyncpg", "sqlalchemy", "sqlite3", "sqlmodel"}


@cache
def sources() -> dict[Path, str]:
    rooms = [room for room in ROOT.iterdir() if room.name not in NOT_OURS and not room.name.startswith(".")]
    paths = [path for room in rooms for path in (room.rglob("*.py") if room.is_dir() else [room])]
    return {path: path.read_text(encoding="utf-8") for path in sorted(paths) if path.suffix == ".py"}


@cache
def production() -> dict[Path, ast.Module]:
    return {
        path: ast.parse(text)
        for path, text in sources().items()
        if not path.is_relative_to(MIGRATIONS) and path.relative_to(ROOT).parts[0] != "tests"
    }


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def imported(tree: ast.Module) -> set[str]:
    plain = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}


def attributes(tree: ast.Module) -> set[str]:
    return {
        f"{node.value.id}.{node.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }


def test_the_rules_below_look_at_real_files() -> None:
    assert ROOT / "settings.py" in production()
    assert len(sources()) > len(production()) > 50


def test_no_file_is_longer_than_one_sitting() -> None:
    long = {name(path): count for path in production() if (count := sources()[path].count("\n")) > LONGEST_FILE}
    assert not long


def test_no_function_is_longer_than_one_screen() -> None:
    long = {
        f"{name(path)}:{function.name}": lines
        for path, tree in production().items()
        for function in functions(tree)
        if (lines := (function.end_lineno or 0) - function.lineno + 1) > LONGEST_FUNCTION
    }
    assert not long


def test_every_package_file_is_empty() -> None:
    assert not [name(path) for path, text in sources().items() if path.name == "__init__.py" and text]


def test_workflows_wait_in_one_way_and_never_sleep() -> None:
    sleeping = [
        name(path)
        for path, tree in production().items()
        if path.parent.name == "workflows"
        and ({"workflow.sleep", "asyncio.sleep", "time.sleep"} & attributes(tree) or "sleep" in from_names(tree))
    ]
    assert not sleeping


def from_names(tree: ast.Module) -> set[str]:
    return {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}


def test_one_file_reads_the_wall_clock() -> None:
    readers = [path for path, tree in production().items() if WALL_CLOCK & attributes(tree)]
    assert readers == [CLOCK]


def test_nothing_but_the_command_imports_the_worker() -> None:
    importers = [
        name(path)
        for path, text in sources().items()
        if "worker" in imported(ast.parse(text)) and path.relative_to(ROOT).parts[0] not in MAY_IMPORT_WORKER
    ]
    assert not importers


def test_the_modules_at_the_root_speak_no_sql() -> None:
    speaking = [
        name(path)
        for path, tree in production().items()
        if path.parent == ROOT and {module.split(".")[0] for module in imported(tree)} & SQL_LIBRARIES
    ]
    assert not speaking


@pytest.mark.parametrize("module", ["workflows.relaunch", "workflows.sweep", "workflows.poll"])
def test_a_workflow_drags_in_no_library_that_does_io(module: str) -> None:
    script = f"import sys, {module}; print([name for name in {IO_LIBRARIES!r} if name in sys.modules])"
    said = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert said.stdout == "[]\n", said.stderr
