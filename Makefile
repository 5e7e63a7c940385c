# make install needs Python 3.11 or newer and make; nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export DO_NOT_TRACK := true
export MLFLOW_DISABLE_TELEMETRY := true
export MPLBACKEND := Agg
export OMP_WAIT_POLICY := PASSIVE

.PHONY: help install demo test check bench endurance docs serve clean

help:  ## what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

install: $(VENV)/.installed  ## a virtual environment with the locked requirements

$(VENV)/.installed: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; try: make install PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

demo: install  ## the whole main job on a synthetic practice, in the folder demo/
	$(BIN)/denials demo

test: install  ## the tests
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: install  ## what CI runs: format, lint, types, direction of imports, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n 2 --dist loadfile

bench: install  ## the benchmarks, each beside its peer
	$(BIN)/python -m benchmarks

endurance: install  ## 20,000 damaged X12 files and as many damaged requests; schemathesis at length (about half an hour)
	$(BIN)/python -m benchmarks.x12_endurance 20000
	$(BIN)/python -m benchmarks.http_fuzz 20000
	$(BIN)/python -m benchmarks.http_schema 200

docs: install  ## the generated references in docs/
	$(BIN)/python -m features.page > docs/features.md
	$(BIN)/python -m claims.formats > docs/formats.md
	$(BIN)/python -m rules.page > docs/rules.md
	$(BIN)/python -m rules.coverage > docs/rules-coverage.md

serve: install  ## the service and the dashboard on http://127.0.0.1:8080
	$(BIN)/denials serve

clean:  ## remove what the demo made
	rm -rf demo
