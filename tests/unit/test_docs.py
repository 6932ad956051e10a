"""What the documents point at is there: files, tests by their names, and each other."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from prometheus_client.metrics import MetricWrapperBase

from runtime import metrics

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
NAMED = re.compile(r"`((?:[a-z_]+/)*[a-z_0-9]+\.py)(?:::(test_\w+))?`")
METRIC = re.compile(r"`(relaunch_[a-z_]+)(?:\{([a-z,]+)\})?`")
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#]+)")


@cache
def names_in(path: Path) -> set[str]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, kinds)}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_and_test_that_a_document_names_exists(document: Path) -> None:
    missing = []
    for name, test in NAMED.findall(document.read_text(encoding="utf-8")):
        path = ROOT / name
        if not path.is_file() or (test and test not in names_in(path)):
            missing.append(f"{name}::{test}" if test else name)
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_of_a_document_leads_somewhere(document: Path) -> None:
    links = LINK.findall(document.read_text(encoding="utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_the_page_for_operators_names_every_metric_with_its_labels_and_no_other() -> None:
    page = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    defined = [one for one in vars(metrics).values() if isinstance(one, MetricWrapperBase)]
    assert set(METRIC.findall(page)) == {(name_of(one), ",".join(one._labelnames)) for one in defined}


def name_of(metric: MetricWrapperBase) -> str:
    """Return the name that Prometheus shows."""
    (family,) = metric.describe()
    return f"{family.name}_total" if family.type == "counter" else family.name
