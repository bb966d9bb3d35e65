# Streaming Data Platform. `make help` lists the targets.
SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
# Where bytecode is forbidden every Python compiles its libraries again, which takes most of its start.
unexport PYTHONDONTWRITEBYTECODE
# The machine's own certificates, also those of a network that puts its own before a registry.
export UV_SYSTEM_CERTS := 1
# Maven's JVM lives for seconds: without the second compiler and with the serial collector it builds
# the jar with 32 s of CPU instead of 67.
export MAVEN_OPTS := -XX:TieredStopAtLevel=1 -XX:+UseSerialGC $(MAVEN_OPTS)
# Only the JVM that tests and builds use; quiet and offline-friendly.
MVN := mvn -q -B -ntp -Dstyle.color=never -f

# Deployment parameters: make up PARAMETERS="CorrelationWindow=PT1M AllowedLateness=PT1M"
PARAMETERS ?=
# The use cases to deploy: make up USE_CASES="ONE ANOTHER". Empty: cdk.json's.
USE_CASES ?=
# Processes that share the tests that need no running platform.
JOBS ?= 2
# The demo's events.
EVENTS ?= 20000
# Options of make bench-stream.
BENCH ?=
# Options of make load.
LOAD ?=
# Of make faults: how many, and what they, their moments and the events are made from.
FAULTS ?= 40
SEED ?= 1
KILLS ?= 12
# A word in the names of the bugs that make mutants plants; empty: all.
ONLY ?=

# A process of tests that crashes ends the run: its replacement and the others may wait for each other
# for ever.
PARALLEL := -n $(JOBS) --max-worker-restart 0
FAST := $(addprefix tests/,unit golden infrastructure sagemaker)
ENGINES := $(addprefix tests/,flink connector emulator)

PYTHON := .venv/dev/bin/python
JAR := analytics_app/jvm/target/sdp.jar
STAMPS := .venv/.stamps
PAGE := build/dashboard/index.html
PAGE_SOURCES := $(shell find dashboard -name node_modules -prune -o -type f -print)
JVM_SOURCES := $(shell find analytics_app/jvm/src/main analytics_app/jvm/pom.xml -type f 2>/dev/null)

.PHONY: help env tools build browser screenshots page-speed demo up down clean test of-platform of-the-rest check types lint unit jvm generated collected properties load faults mutants fault-mutants wrong-sql replays recording models bench-stream

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

# --- environments -----------------------------------------------------------------------------

env: tools $(STAMPS)/dev $(STAMPS)/emulator $(STAMPS)/flink $(STAMPS)/node ## install everything that is pinned

tools:
	@scripts/require-tools

# The folder that holds the environments may be a link; what counts is that they can run.
$(STAMPS)/uv:
	@python="$$(scripts/find-python)"; mkdir -p $(STAMPS); \
	echo "preparing the installer"; \
	"$$python" -m venv .venv/bootstrap; \
	.venv/bootstrap/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt; \
	touch $@

$(STAMPS)/dev $(STAMPS)/emulator $(STAMPS)/flink $(STAMPS)/clients: $(STAMPS)/%: requirements/%.txt | $(STAMPS)/uv
	@echo "installing .venv/$*"
	@python="$$(scripts/find-python)"; uv=.venv/bootstrap/bin/uv; \
	[ -x .venv/$*/bin/python ] || $$uv venv --quiet --python "$$python" .venv/$*; \
	$$uv pip install --quiet --python .venv/$*/bin/python --require-hashes -r $<
	@touch $@

$(STAMPS)/node: package-lock.json | $(STAMPS)/uv
	@echo "installing node_modules"
	@npm ci --silent --no-progress
	@touch $@

# In the page's own folder: what it is built with is not what the platform is deployed with.
dashboard/node_modules/.stamp: dashboard/package-lock.json
	@echo "installing dashboard/node_modules"
	@cd dashboard && npm ci --silent --no-progress
	@touch $@

# --- build ------------------------------------------------------------------------------------

build: env $(JAR) $(PAGE) ## the jar, the Flink zip, the page, the Lambda bundles and the source of training
	@$(PYTHON) -m analytics_app.package
	@$(PYTHON) -m analytics_app.state
	@$(PYTHON) -m lambdas.bundle
	@$(PYTHON) -m ml.package

$(JAR): $(JVM_SOURCES)
	@echo "building the jar"
	@$(MVN) analytics_app/jvm/pom.xml package -DskipTests
	@touch $@

$(PAGE): $(PAGE_SOURCES) | dashboard/node_modules/.stamp
	@echo "building the page"
	@npm --prefix dashboard run --silent build
	@touch $@

browser: ## a browser for the tests of the page: Debian's Chromium, where there is none
	@scripts/find-browser --install > /dev/null

screenshots: build browser ## a picture of each view of the running platform, in .sdp/screenshots
	@$(PYTHON) -m tests.page.screenshots

page-speed: build browser ## the page with 10,000 points a series in the lake of the running platform: first view, tasks, updates
	@$(PYTHON) -m tests.page.measure

# --- run --------------------------------------------------------------------------------------

up: build ## start the platform on this machine
	@./sdp up --use-cases "$(USE_CASES)" --parameters "$(PARAMETERS)"

down: ## stop it, keeping its data
	@[ ! -e $(STAMPS)/dev ] || ./sdp down

clean: ## stop it and remove its data
	@[ ! -e $(STAMPS)/dev ] || ./sdp clean

demo: build ## everything from nothing: the platform, generated events, their report, one customer's way to a message, and a page on which machines move
	@names="$(USE_CASES)"; names="$${names:-$$($(PYTHON) -m sdpctl.demo_chain)}"; \
	parameters="$$($(PYTHON) -m sdpctl.demo_receiver "$$names" "$(PARAMETERS)")"; \
	./sdp up --use-cases "$$names" --parameters "$$parameters"
	@$(PYTHON) -m sdpctl.demo --events $(EVENTS)

# --- quality ----------------------------------------------------------------------------------

# Each part is independent of the others; the types take longest, so they begin.
check: build ## formats, lint, types, layers, generated files, and that each test can be imported
	@$(MAKE) -j2 types lint generated collected

types:
	@.venv/dev/bin/mypy --no-error-summary -n $(JOBS)

lint:
	@.venv/dev/bin/ruff format --check --quiet .
	@.venv/dev/bin/ruff check --quiet .
	@.venv/dev/bin/lint-imports --no-logo > .venv/lint-imports.log || { cat .venv/lint-imports.log; exit 1; }
	@scripts/check-words

generated:
	@scripts/check-generated

# A test whose imports fail would be found only when its part of the suite begins, half an hour later.
collected: $(STAMPS)/clients
	@$(PYTHON) -m pytest --collect-only -qq tests > .venv/collected.log 2>&1 || { cat .venv/collected.log; exit 1; }

unit: build $(STAMPS)/clients ## the tests that need no running platform
	@$(PYTHON) -m pytest $(PARALLEL) --dist loadfile --durations 25 $(FAST) $(ENGINES)

# Without packaging: the jar that the other tests run with stays as it is.
jvm: $(JAR) ## the tests of the JVM module; the load of Gatling compiles
	@$(MVN) analytics_app/jvm/pom.xml test com.spotify.fmt:fmt-maven-plugin:check
	@$(MVN) gatling/pom.xml test-compile com.spotify.fmt:fmt-maven-plugin:check

# The tests of the platform use half a core: mostly they wait for it. Beside them run, the fast ones
# first, those that need no platform; these leave the CPU to the platform.
test: check $(STAMPS)/clients ## every test there is
	@$(MAKE) -j2 of-platform of-the-rest

of-platform:
	@$(PYTHON) -m pytest --durations 25 tests/local

of-the-rest:
	@nice -n 5 $(PYTHON) -m pytest $(PARALLEL) --dist loadfile --durations 15 $(FAST)
	@nice -n 5 $(PYTHON) -m pytest --durations 25 $(ENGINES)
	@nice -n 5 $(MAKE) jvm

properties: build ## each of the APIs with 10,000 requests made from its OpenAPI document, and a summary
	@SDP_CASES=10000 $(PYTHON) -m pytest -vv $(PARALLEL) tests/unit/lambdas/properties

load: build ## load on the running platform with Gatling, then an audit: LOAD="--profile burst --rate 12", LOAD=--help
	@$(PYTHON) -m bench.load $(LOAD)

faults: build ## nothing is lost or counted twice while things are killed and fail: FAULTS=40 SEED=1 USE_CASES="ONE ANOTHER"
	@$(PYTHON) -m tests.local.faults --faults $(FAULTS) --seed $(SEED) $(if $(USE_CASES),--use-cases "$(USE_CASES)")

mutants: build ## plant bugs one by one and see that the tests notice each: ONLY=WORD plants those with it in their name
	@$(PYTHON) -m tests.mutants $(if $(ONLY),"$(ONLY)")

fault-mutants: build ## plant ten bugs one by one and see that the run of faults notices each: ONLY=WORD
	@$(PYTHON) -m tests.fault_mutants $(if $(ONLY),"$(ONLY)")

wrong-sql: build ## wrong SQL is deployed, counts, and is repaired, a replay then gives the truth; a version that does not start
	@$(PYTHON) -m pytest -v tests/local/wrong_sql.py tests/local/broken_version.py

replays: build ## replays are killed at random moments, and go on or are dropped: KILLS=12 SEED=1
	@KILLS=$(KILLS) SEED=$(SEED) $(PYTHON) -m pytest -v -s tests/local/killed_replays.py

recording: build ## a recording of machines as a bounded run, over HTTP and over MQTT, its pairs compared with force: FILE=… R=… S=… VIA="bounded http mqtt"
	@$(PYTHON) -m tests.local.recorded $(FILE) $(if $(R),--r $(R)) $(if $(S),--s $(S)) $(if $(VIA),--via $(VIA))

models: build ## the model of who takes an offer: trained by the command, given as an archive, imported from PMML
	@$(PYTHON) -m pytest -v tests/local/offers.py tests/local/pmml.py

bench-stream: build ## what the packaged SQL does, beside an earlier commit and a topology of joins: BENCH=--help
	@.venv/flink/bin/python -m bench.stream.run $(BENCH)
