# Everything a person types. `make run` and `make test` work on a fresh clone.

PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
BIN := .venv/bin
PACKAGES := domain schemas projections streams api infra
STAMP := .venv/.installed
RELEASE := .venv-release/.installed

.PHONY: run up down test lint format lock docs bench chaos audit sbom setup prerequisites

run: setup
	@$(BIN)/nudge up --demo

up: setup
	@$(BIN)/nudge up --detach --no-demo

down: setup
	@$(BIN)/nudge down

test: setup
	@$(BIN)/python -m tests.support.side_by_side

lint: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy $(PACKAGES) tests
	@$(BIN)/lint-imports
	@$(BIN)/nudge schemas check
	@$(BIN)/python -m infra.supply

format: setup
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

docs: setup
	@$(BIN)/python -m infra.reference
	@$(BIN)/nudge schemas docs

bench: setup
	@$(BIN)/nudge bench

# One seed takes up to twenty minutes: make chaos SEED=2 POLICY=hold
SEED ?= 1
POLICY ?= resend
chaos: setup
	@$(BIN)/python -m tests.chaos --seed $(SEED) --policy $(POLICY)

# Known weaknesses of the locked libraries, asked of the public databases (a network is needed).
audit: $(RELEASE)
	@.venv-release/bin/pip-audit --strict --disable-pip --require-hashes -r requirements.lock

# For a release: what the image is made of (CycloneDX), and under which licences.
sbom: $(RELEASE)
	@mkdir -p build
	@.venv-release/bin/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible \
		-o build/sbom.cdx.json requirements-production.lock
	@$(BIN)/python -m infra.supply --list build/licences.md
	@echo "build/sbom.cdx.json, build/licences.md"

# One list of versions; what the image takes are parts of it.
LOCK = $(BIN)/uv pip compile pyproject.toml --generate-hashes --no-emit-index-url --no-header \
	--python-version 3.11

lock:
	@$(LOCK) --extra dev --extra local -o requirements.lock
	@$(LOCK) -c requirements.lock -o requirements-production.lock
	@$(LOCK:pyproject.toml=--group release) -o requirements-release.lock

setup: prerequisites $(STAMP)

prerequisites:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is missing: https://www.python.org/downloads/ (or set PYTHON=/path/to/python)"; exit 1; }
	@test -n "$$NUDGE_KAFKA_BOOTSTRAP" || { java=$${JAVA_HOME:+$$JAVA_HOME/bin/}java; \
		$$java -version 2>&1 | grep -Eq 'version "(1[7-9]|[2-9][0-9])' || { echo "Java 17 or newer is missing: install it (Debian: apt install openjdk-17-jre-headless, macOS: brew install openjdk) or set JAVA_HOME"; exit 1; }; }
	@test -n "$$NUDGE_KAFKA_BOOTSTRAP" || command -v mvn >/dev/null || { echo "mvn is missing: install Maven (Debian: apt install maven, macOS: brew install maven)"; exit 1; }

# Compiled once here: where PYTHONDONTWRITEBYTECODE is set, as in many containers, each of the ten
# processes would else compile every library anew at each of its starts.
$(STAMP): requirements-bootstrap.lock requirements.lock pyproject.toml
	@echo "installing the locked environment into .venv"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bootstrap.lock
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes --compile-bytecode requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q -j 0 $(PACKAGES) tests
	@touch $@

# Tools of a release; see [dependency-groups] in pyproject.toml.
$(RELEASE): requirements-release.lock | setup
	@$(BIN)/uv venv --quiet --python $(BIN)/python .venv-release
	@$(BIN)/uv pip sync --quiet --python .venv-release/bin/python --require-hashes requirements-release.lock
	@touch $@
