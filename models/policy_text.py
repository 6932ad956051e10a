"""The first look at a policy text: only plain, bounded YAML gets as far as being read."""

from collections.abc import Iterator

import yaml

from models.policy_nodes import Problem, Spot, line_of

MAX_TEXT = 100_000
"""The longest policy text, in characters."""

MAX_DEPTH = 30
"""How deeply a policy text may be nested."""


def documents(text: str, problems: list[Problem]) -> Iterator[Spot]:
    """Yield the documents of a policy text up to the first place that is no YAML; note that place.

    Aliases, tags, deep nesting and over-long texts are refused, so nothing can blow up and nothing is executed.
    """
    if not _guarded(text, problems):
        return
    try:
        for node in yaml.compose_all(text, Loader=yaml.SafeLoader):
            spot = Spot(node, "", line_of(node.start_mark), problems)
            if not spot.is_null:
                yield spot
    except (yaml.YAMLError, ValueError, OverflowError):
        return  # the guard has met and noted the same place


def _guarded(text: str, problems: list[Problem]) -> bool:
    """Look at the flat stream of events only; return False when the text must not be composed."""
    if len(text) > MAX_TEXT:
        problems.append(Problem(1, "", f"longer than {MAX_TEXT} characters; split it into several files"))
        return False
    depth = 0
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            refusal = _refusal(event, depth)
            if refusal:
                problems.append(Problem(line_of(event.start_mark), "", refusal))
                return False
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        problems.append(_unreadable(text, error))
    return True


def _refusal(event: yaml.Event, depth: int) -> str:
    if isinstance(event, yaml.AliasEvent):
        return "aliases (*name) are not supported; write the value out"
    if depth > MAX_DEPTH:
        return f"nested deeper than {MAX_DEPTH} levels"
    if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag not in (None, "!"):
        return "tags (!name) are not supported"
    return ""


def _unreadable(text: str, error: Exception) -> Problem:
    """Say where the text stops being YAML, and why."""
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        return Problem(line_of(mark), "", f"cannot be read as YAML: {error.problem or error.context}")
    if isinstance(error, yaml.reader.ReaderError):
        line = text.count("\n", 0, error.position) + 1
        return Problem(line, "", "cannot be read as YAML: it holds a control character")
    return Problem(1, "", "cannot be read as YAML: it holds an impossible character code")
