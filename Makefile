# Everything from a fresh clone: needs make and Python 3.11 or newer, and brings uv along if it is missing.
#   make demo [ARGS="--orgs 3 --ui"]    make test [ARGS="tests/unit -q"]    make lint    make bench    make clean

SHELL := /bin/sh
PYTHON ?= python3
ARGS ?=

# An installed uv that works, else one of our own below .uv.
UV := $(shell uv --version >/dev/null 2>&1 && echo uv || echo .uv/bin/uv)
RUN = $(UV) run --frozen

.PHONY: demo test lint bench clean setup
.DEFAULT_GOAL := demo

demo: setup
	$(RUN) edreflect demo $(ARGS)

# In the order of testpaths: what takes long begins first, and the small files at the end keep both processes busy.
test: setup
	$(RUN) pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

lint: setup
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy
	$(RUN) sqlfluff lint dbt_project

bench: setup
	$(RUN) python benchmarks/run.py $(ARGS)

setup:
	@$(UV) --version >/dev/null 2>&1 || $(MAKE) --no-print-directory .uv/bin/uv
	@$(UV) sync --frozen --quiet

# A virtual environment, or where Debian has left that out of Python, pip's own target directory.
.uv/bin/uv:
	@echo "uv is missing; installing it into .uv"
	@rm -rf .uv
	@$(PYTHON) -m venv .uv >/dev/null 2>&1 && .uv/bin/python -m pip install --quiet --disable-pip-version-check uv \
		|| { rm -rf .uv; $(PYTHON) -m pip install --quiet --disable-pip-version-check --target .uv uv; } \
		|| { rm -rf .uv; echo "Python has neither venv nor pip: install python3-venv, or uv itself." >&2; exit 1; }
	@test -x .uv/bin/uv && echo '*' > .uv/.gitignore

# Stops the server of .edreflect first; a home that EDREFLECT_HOME names elsewhere is left alone.
clean:
	@if [ -d .edreflect/postgres ]; then $(MAKE) --no-print-directory setup && $(RUN) python -c \
		'from pathlib import Path; from edreflect_assets.database.server import remove_server; \
		from edreflect_assets.settings import Settings; remove_server(Settings(home=Path(".edreflect").absolute()))'; fi
	rm -rf .edreflect .venv .uv .pytest_cache .mypy_cache .ruff_cache .hypothesis dbt_project/target dbt_project/logs logs
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
