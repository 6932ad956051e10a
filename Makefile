# `make demo` and `make test` each work first, on a fresh machine; what they need is set up on the way.
# Needed: Python 3.11 or newer, and either the network or Go, for the Temporal server (devserver/provide.py).

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SOURCES := requirements.lock pyproject.toml $(wildcard devserver/*.go) devserver/go.mod devserver/go.sum
# uv where it is there and reaches an index, else pip.
install = { command -v uv >/dev/null && uv pip install --quiet --compile-bytecode --python $(BIN)/python $(1) 2>/dev/null; } \
	|| $(BIN)/python -m pip install --quiet $(1)

.PHONY: setup test check bench demo lock clean

setup: $(READY)

$(READY): $(SOURCES)
	@test -x $(BIN)/python || { \
		for name in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
			$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && exec $$name -m venv $(VENV); \
		done; \
		echo "Relaunch needs Python 3.11 or newer and finds none: install it, or say PYTHON=/path/to/python" >&2; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null
	@echo "installing Python packages"
	@$(call install,--require-hashes -r requirements.lock)
	@$(call install,--no-deps --no-build-isolation -e .)
	@$(BIN)/python -m devserver.provide
	@touch $@

test: setup
	@$(BIN)/python tests/chromium.py
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# One JSON object a line; FIGURES=a,b runs some.
bench: setup
	@$(BIN)/python -m bench $(if $(FIGURES),--figures $(FIGURES))

demo: setup
	@$(BIN)/python -m tests.e2e.demo

# Versions and hashes of everything, without addresses: any index serves.
lock:
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --output-file requirements.lock

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
