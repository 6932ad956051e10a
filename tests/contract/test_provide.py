import fcntl
import time
from pathlib import Path

import pytest

from devserver.provide import CLI_VERSION, ProvisionError, cache_folder, provide, server_version

FAST_GO = """
PATH=/bin:/usr/bin
while [ "$1" != -o ]; do shift; done
printf '#!/bin/sh\\necho "temporal version relaunch (Server 1.32.0)"\\n' > "$2"
chmod +x "$2"
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, a PATH with nothing on it, and a network on which nobody answers."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(folder(tmp_path)))
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    return cache_folder()


def folder(tmp_path: Path) -> Path:
    path = tmp_path / "bin"
    path.mkdir(exist_ok=True)
    return path


def program(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def command(tmp_path: Path, server: str) -> Path:
    return program(folder(tmp_path) / "temporal", f"echo 'temporal version 1.9.9 (Server {server}, UI 2.53.1)'")


def test_temporals_own_command_on_the_path_will_do_when_it_can_skip_time(cache: Path, tmp_path: Path) -> None:
    binary = command(tmp_path, "1.32.0")
    assert provide(pytest.fail) == binary
    assert not cache.exists()


def test_what_was_got_before_comes_first(cache: Path, tmp_path: Path) -> None:
    built = provide_built(cache, tmp_path)
    command(tmp_path, "1.33.1")
    assert provide(pytest.fail) == built


def provide_built(cache: Path, tmp_path: Path) -> Path:
    """Provide with a Go that builds a server at once."""
    program(folder(tmp_path) / "go", FAST_GO)
    said: list[str] = []
    found = provide(said.append)
    assert said == ["building Temporal, once, 5–10 minutes"]
    assert found.parent == cache
    assert server_version(found) == (1, 32)
    return found


def test_a_build_is_kept_under_the_hash_of_its_sources_and_not_repeated(cache: Path, tmp_path: Path) -> None:
    built = provide_built(cache, tmp_path)
    assert len(built.name) == len("temporal-") + 16
    (folder(tmp_path) / "go").unlink()
    assert provide(pytest.fail) == built
    assert sorted(path.name for path in cache.iterdir()) == ["lock", built.name]


@pytest.mark.parametrize("server", ["1.29.0", "0.40.2"])
def test_without_network_and_go_there_is_one_error_that_names_three_ways_out(
    cache: Path, tmp_path: Path, server: str
) -> None:
    command(tmp_path, server)
    began = time.monotonic()
    with pytest.raises(ProvisionError) as error:
        provide(pytest.fail)
    assert time.monotonic() - began < 10
    said = str(error.value)
    assert "\n" not in said
    for way in ("reach the network", "install Go 1.26 or newer", f"{CLI_VERSION} or newer, on PATH"):
        assert way in said
    assert [path.name for path in cache.iterdir()] == ["lock"]


def test_a_build_that_fails_says_why(cache: Path, tmp_path: Path) -> None:
    program(folder(tmp_path) / "go", "echo 'go: downloading x'; echo 'go.mod requires go >= 1.26.8' >&2; exit 1")
    with pytest.raises(ProvisionError, match=r"the build fails: go\.mod requires go >= 1\.26\.8"):
        provide(lambda text: None)
    assert [path.name for path in cache.iterdir()] == ["lock"]


def test_a_server_that_says_nothing_sensible_is_not_used(tmp_path: Path) -> None:
    assert server_version(program(tmp_path / "silent", "exit 0")) is None
    assert server_version(program(tmp_path / "broken", "exit 1")) is None
    assert server_version(tmp_path / "missing") is None


def test_what_a_killed_build_left_is_cleared_away(cache: Path, tmp_path: Path) -> None:
    (cache / "part-left").mkdir(parents=True)
    provide_built(cache, tmp_path)
    assert not (cache / "part-left").exists()


def test_two_builds_at_once_become_one(cache: Path, tmp_path: Path) -> None:
    built = provide_built(cache, tmp_path)
    elsewhere = built.rename(tmp_path / "built")
    (folder(tmp_path) / "go").unlink()
    said: list[str] = []
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        def finish(text: str) -> None:
            said.append(text)
            elsewhere.rename(built)
            fcntl.flock(lock, fcntl.LOCK_UN)

        assert provide(finish) == built
    assert said == ["waiting for another process that is providing Temporal"]
