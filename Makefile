# The only commands to learn. `make demo` and `make test` do all of their own set-up.
#
# PYTHON           the interpreter .venv is made with (default: the first of python3.11 ... python3 that is 3.11 or newer)
# DATA             folder with xnli/, americasnli/ and wikitext2/, for `make bench`; with indonli/ and others, for `make starter`
# TESTS            files or folders of tests to run, for `make coverage` (default: all)
# LINES            numbers of the benchmarks to run, e.g. 1,2 (default: all)
# TORCH_INDEX_URL  package index torch alone is taken from, for a CPU-only or CUDA build (default: pip's own indexes)

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
BENCHED := $(VENV)/.benched
PIP := $(BIN)/python -m pip --disable-pip-version-check
TORCH := torch==2.13.0
AUDIT := build/audit
PIP_AUDIT := pip-audit==2.10.1
LOCK := build/lock
UV := uv==0.13.9
LOCKS := requirements.lock requirements-test.lock requirements-bench.lock

QUICK := not process and not postgres and not slow

CONSOLE := console/node_modules/.package-lock.json

.PHONY: help setup run console screenshots demo starter test quick coverage check bench rehearse audit format client notebooks migrate lock clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | awk -F'\t' '{printf "  make %-9s %s\n", $$1, $$2}'

setup: $(INSTALLED) ## create .venv with the test dependencies and prepare the mini backbone; quick when nothing changed
	@$(BIN)/ltp backbone prepare mini

# A database in ./data is one of a clone that served from there before.
run: setup ## start the service on this machine (http://127.0.0.1:8000); it prints where its data is
	@$(BIN)/ltp serve $(if $(wildcard data/ltp.sqlite3),--data-dir data)

# Types first: what the API has become must suit the pages before they are built.
console: $(INSTALLED) $(CONSOLE) ## build the pages in the browser from console/ into app/console/static; needs Node 20.19 or newer
	@$(BIN)/python tests/support/console_api.py build/console/openapi.json
	@cd console && npm run --silent types
	@cat build/console/openapi.mark build/console/schema.d.ts > console/src/api/schema.d.ts
	@cd console && npm run --silent build

screenshots: setup ## take the pictures of the console that README and docs show, into docs/console (some minutes on 2 cores)
	@$(BIN)/python tests/support/chromium_package.py
	@$(BIN)/python -m demo.screenshots "$$(for name in chromium chromium-browser google-chrome google-chrome-stable chrome; do command -v $$name && break; done)"

demo: setup ## watch it all happen: starter, drift, ticket, adapters, predictions
	@$(BIN)/python -m demo

# Two of them: one that saw no row which AmericasNLI or AfriXNLI translate, to measure by; and, begun from it, the one that ships.
starter: setup ## make the starter of `mini` again (DATA=..., OUTPUT=build/starter); an hour on 2 cores
	@$(BIN)/ltp starter build mini-untranslated --data "$(or $(DATA),data)" --output "$(or $(OUTPUT),build/starter)/untranslated"
	@$(BIN)/ltp starter build mini --data "$(or $(DATA),data)" --output "$(or $(OUTPUT),build/starter)/mini" \
	  --start "$(or $(OUTPUT),build/starter)/untranslated"

# Three at once on two cores: much of the suite waits, for leases, restarts and processes that start. What `check` has run is not run twice.
test: setup check ## everything that has to hold: check, then the test suite
	@-$(BIN)/python tests/support/unpacked_package.py pgbouncer haproxy
	@-$(BIN)/python tests/support/chromium_package.py
	@$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --ignore tests/test_layout.py --ignore tests/test_architecture.py

quick: $(INSTALLED) ## the tests that need no server, no process and no mini backbone, but those of `make check` (a minute on 2 cores)
	@$(BIN)/python -m pytest -q -m "$(QUICK)" --numprocesses 2 --dist loadfile \
	  --ignore tests/test_layout.py --ignore tests/test_architecture.py --ignore tests/faults --ignore tests/deploy

coverage: setup ## the share of lines and branches that the tests execute, in any process, and the files below 90 % (TESTS=...)
	@rm -rf build/coverage && mkdir -p build/coverage
	@-$(BIN)/python tests/support/unpacked_package.py pgbouncer haproxy
	@-$(BIN)/python tests/support/chromium_package.py
	@status=0; $(BIN)/coverage run -m pytest -q --numprocesses 2 --dist loadfile $(TESTS) || status=$$?; \
	  $(BIN)/coverage combine -q; $(BIN)/python tests/support/coverage_report.py; exit $$status

check: $(INSTALLED) ## lint, formatting, types, the direction of imports, and the rest of the style that can be tested
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/mypy --python-version 3.10 --package ltp_client
	@$(BIN)/python -m pytest -q tests/test_layout.py tests/test_architecture.py

bench: setup | $(BENCHED) ## speed beside what one would run instead, into bench/report.md (DATA=..., LINES=1,2); it takes long: choose lines
	@$(BIN)/python -m bench $(if $(DATA),--data "$(DATA)") $(if $(LINES),--lines "$(LINES)")

rehearse: setup ## start every service of docker-compose.yml as a process, and run the demo through it (10 minutes on 2 cores)
	@$(BIN)/python -m deploy.rehearse

# strict: a version that the service does not know would otherwise count as sound
audit: | $(BIN)/python ## ask a vulnerability service about every locked version; needs a network, so it is apart from check
	@test -x $(AUDIT)/bin/pip-audit || { $(BIN)/python -m venv $(AUDIT) && \
	  $(AUDIT)/bin/python -m pip --disable-pip-version-check install --quiet $(PIP_AUDIT); }
	@{ echo "$(TORCH)"; sed -nE 's/^([A-Za-z0-9._-]+==[^ ;]+).*/\1/p' $(LOCKS) | sort -u; } > $(AUDIT)/requirements.txt
	@$(AUDIT)/bin/pip-audit --strict --requirement $(AUDIT)/requirements.txt --no-deps --disable-pip --progress-spinner off

format: $(INSTALLED) ## format the code and fix what the linter can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

notebooks: setup ## run the notebooks of examples/ on a service with mini, and keep what they give (10 minutes on 2 cores)
	@$(BIN)/python tests/support/notebooks.py

client: $(INSTALLED) ## write what is generated of the Python client: its models, and the synchronous half
	@$(BIN)/python clients/python/generate.py

migrate: $(INSTALLED) ## bring the database of the current settings to the newest schema
	@$(BIN)/ltp migrate

# Each file holds what the one before it lacks; the first has the extras `files`, `telemetry` and `s3`, too. torch and what only its builds need are left out: they come apart; tests need triton with any build.
lock: | $(BIN)/python ## write the locks with hashes from pyproject.toml, for every Python and platform; what still fits stays (UPGRADE=1: the newest)
	@test -x $(LOCK)/bin/uv || { $(BIN)/python -m venv $(LOCK) && \
	  $(LOCK)/bin/python -m pip --disable-pip-version-check install --quiet $(UV); }
	@echo "$(TORCH)" > $(LOCK)/torch.txt; cp requirements.lock $(LOCK)/all.txt
	@$(COMPILE) --extra files --extra telemetry --extra s3 --constraint $(LOCK)/torch.txt --output-file $(LOCK)/all.txt
	@awk '/^[^ ]/ { kept = !/^(torch|triton|cuda|nvidia)[-=]/ } kept' $(LOCK)/all.txt > requirements.lock
	@$(COMPILE) --extra test --constraint $(LOCK)/all.txt $$($(LEAVE_OUT) $(LOCK)/all.txt | grep -v triton) --output-file requirements-test.lock
	@$(COMPILE) --extra bench --constraint $(LOCK)/all.txt --constraint requirements-test.lock \
	  $$($(LEAVE_OUT) $(LOCK)/all.txt requirements-test.lock) --output-file requirements-bench.lock

COMPILE = $(LOCK)/bin/uv pip compile --quiet --universal --generate-hashes --no-annotate \
  --custom-compile-command 'make lock' $(if $(UPGRADE),--upgrade) pyproject.toml
LEAVE_OUT = sed -nE 's/^([a-z0-9-]+)==.*/--no-emit-package \1/p'

clean: ## remove .venv, caches and the demo's output (prepared backbones and ./data stay)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build ltp_nli.egg-info demo-output clients/python/build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# torch comes first and alone, so that its own index never answers for another package. Asked for again without that
# index, it stays, and brings what its build needs besides, at the versions it names itself: the libraries of CUDA, or
# nothing. No lock can know them, as each build names others. Nothing else is installed without a hash.
# What is installed as ltp is this project under its first name, or another project that cannot be beside this one.
$(INSTALLED): pyproject.toml requirements.lock requirements-test.lock | $(BIN)/python
	@echo "Installing $(TORCH)"
	@$(PIP) install --quiet --no-deps $${TORCH_INDEX_URL:+--index-url "$$TORCH_INDEX_URL"} $(TORCH)
	@echo "Installing the locked dependencies"
	@$(PIP) install --quiet --no-deps --require-hashes --requirement requirements.lock --requirement requirements-test.lock
	@$(PIP) install --quiet $(TORCH)
	@echo "Installing ltp-nli"
	@rm -rf ltp.egg-info; if $(PIP) show --quiet ltp 2>/dev/null; then $(PIP) uninstall --quiet --yes ltp; fi
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@$(PIP) check
	@touch $@

$(CONSOLE): console/package-lock.json
	@cd console && npm ci --silent

$(BENCHED): $(INSTALLED) requirements-bench.lock
	@echo "Installing what the benchmarks compare with"
	@$(PIP) install --quiet --no-deps --require-hashes --requirement requirements-bench.lock
	@touch $@

$(BIN)/python:
	@for python in $${PYTHON:-python3.11 python3.12 python3.13 python3.14 python3}; do \
	  if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$${found:-}" ]; then \
	  echo "LTP needs Python 3.11 or newer, and $${PYTHON:-none on the PATH} is not it. Install python3.11 (with its venv module)," \
	    "or name one: make setup PYTHON=/path/to/python3.11" >&2; exit 1; \
	fi; \
	echo "Creating $(VENV) with $$("$$found" --version)"; \
	"$$found" -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "$$found cannot create a virtual environment; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
