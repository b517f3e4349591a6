# Everything happens in .venv, which the first target that needs it makes. What has been installed is remembered in
# .venv/.installed-*, and done again only when pyproject.toml or constraints.txt change.

PYTHON  ?= python3
BACKEND ?= torch
JOBS    ?= 2
ARGS    ?=

VENV := .venv
RUN  := $(VENV)/bin/python

EXTRAS_demo-torch := torch,draw,regimes
EXTRAS_demo-jax   := jax,draw,regimes
EXTRAS_test       := torch,jax,symbolic,draw,regimes,notebooks,test,docs
EXTRAS_docs       := docs

export PIP_DISABLE_PIP_VERSION_CHECK := 1

ifeq ($(filter $(BACKEND),torch jax),)
$(error BACKEND=$(BACKEND): there are torch and jax)
endif

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-all coverage lint format bench docs notebooks

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  BACKEND=torch|jax (demo), PYTHON=python3, JOBS=2 (tests), ARGS='…' (handed on to the command)"

demo: $(VENV)/.installed-demo-$(BACKEND) ## train a small student on real digits; BACKEND=jax for JAX
	$(RUN) -m learningdiagrams demo --backend $(BACKEND) $(ARGS)

# hypothesis tries the same examples in every run, so that one that fails is one that failed before.
test: export CI := 1
test: $(VENV)/.installed-test ## run the tests
	$(RUN) -m pytest -n $(JOBS) --dist worksteal -m "not slow" $(ARGS)

test-all: $(VENV)/.installed-test ## run the tests, the slow ones too
	$(RUN) -m pytest -n $(JOBS) --dist worksteal $(ARGS)

coverage: $(VENV)/.installed-test ## run the tests and say which lines they miss
	$(RUN) -m pytest -n $(JOBS) --dist worksteal -m "not slow" --cov --cov-report=term-missing:skip-covered $(ARGS)

lint: $(VENV)/.installed-test ## check format, style and types
	$(RUN) -m ruff format --check
	$(RUN) -m ruff check
	$(RUN) -m pyright

format: $(VENV)/.installed-test ## put format and style in order
	$(RUN) -m ruff format
	$(RUN) -m ruff check --fix

bench: $(VENV)/.installed-test ## measure against code written by hand
	$(RUN) -m benchmarks $(ARGS)

notebooks: $(VENV)/.installed-test ## run the notebooks whole and write their outputs; ARGS=clip for one of them
	$(RUN) notebooks/run.py $(ARGS)

docs: $(VENV)/.installed-docs ## build the documentation site into site/
	$(RUN) -m tools.site $(ARGS)

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; name one: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	@touch $@

# The build backend comes first and under the same constraints, so that nothing is fetched behind their back.
$(VENV)/.installed-%: pyproject.toml constraints.txt | $(VENV)/.created
	@echo "Installing learningdiagrams[$(EXTRAS_$*)] into $(VENV) (once; the first time takes minutes)"
	@$(RUN) -m pip install --quiet --constraint constraints.txt hatchling
	@$(RUN) -m pip install --quiet --constraint constraints.txt --no-build-isolation --editable '.[$(EXTRAS_$*)]'
	@touch $@
