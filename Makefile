# FreelanceFlow. `make help` lists what there is; `make up` and `make test` are all a newcomer needs.
.DEFAULT_GOAL := help
.NOTPARALLEL:

# The first Python that is new enough; without one, setup says so in a clear line.
PYTHON ?= $(or $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
    $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done),python3)
PY := .venv/bin/python
SETUP := $(PYTHON) deploy/local/bootstrap.py setup
LOCAL := $(PY) -m local
# T narrows the tests: a folder, a file, `file::test`, or options of pytest such as T='-k move'.
T ?=

##@ The platform on this machine
.PHONY: up down status logs reset migrate rebuild backup restore delete-accounts monitoring
up: setup ## Start everything, wait until it is ready, print the address (FF_PORT=8700 moves the ports)
	@$(LOCAL) up
down: setup ## Stop it; the data stay
	@$(LOCAL) down
status: setup ## What runs
	@$(LOCAL) status
logs: setup ## Follow the logs; of one process with S=crm
	@$(LOCAL) logs "$(S)"
reset: setup ## Stop it and delete its data; asks first (YES=1 does not)
	@$(LOCAL) reset $(if $(YES),--yes)
migrate: setup ## Bring the databases of the running platform to the newest schema
	@$(LOCAL) migrate
rebuild: setup ## Build analytics' facts anew from what crm told; of one workspace with W=its-id
	@$(LOCAL) rebuild $(W)
backup: setup ## Copy databases and keys into a new folder while everything runs (TO=folder; else .ff/backups/…)
	@$(LOCAL) backup $(if $(TO),"$(TO)")
restore: setup ## Replace all data by those of a backup: FROM=folder; asks first (YES=1 does not)
	@$(if $(FROM),$(LOCAL) restore "$(FROM)" $(if $(YES),--yes),echo "say which: make restore FROM=folder" >&2; exit 1)
delete-accounts: setup ## Delete accounts again that a restore brought back: IDS=file with the ids of people
	@$(if $(IDS),$(LOCAL) delete-accounts "$(IDS)",echo "say which: make delete-accounts IDS=file" >&2; exit 1)
monitoring: setup ## Watch the running platform with Prometheus and our rules, until Ctrl-C or `make down`
	@$(LOCAL) monitoring

##@ Tests
.PHONY: test test-all check unit integration contract e2e isolation pictures
test: dev ## Everything but the long forms, with coverage; writes reports/index.html (BROWSER=none, PROMTOOL=none go without)
	@$(PY) -m tests.run
test-all: dev ## The long forms too
	@$(PY) -m tests.run --long
check: dev ## The fast checks: style, types, import rules, stubs, assets
	@$(PY) -m tests.check
unit: dev ## Rules without I/O
	@$(PY) -m pytest $(or $(T),services/*/tests/unit services/*/tests/science)
integration: dev ## On real PostgreSQL, NATS and Valkey
	@$(PY) -m pytest $(or $(T),libs/kit services/*/tests/integration)
contract: dev ## Servicers, wire format, golden events
	@$(PY) -m pytest $(or $(T),services/*/tests/contract tests/architecture/test_contracts.py proto)
e2e: dev ## Journeys through the running platform, browsers included
	@$(PY) -m pytest -m e2e $(or $(T),tests/e2e)
pictures: dev ## Pictures of states that must be brought about, on the running platform (T='part of a name')
	@$(PY) -m tests.pictures $(T)
isolation: dev ## Every service alone with what it declares
	@$(PY) -m pytest $(or $(T),tests/architecture/test_isolation.py)

##@ Code
.PHONY: format lint types proto proto-check assets assets-check lock lock-check
format: dev ## Put the code in shape
	@$(PY) -m ruff check --fix . && $(PY) -m ruff format .
lint: dev ## Style and import rules
	@$(PY) -m tests.check style format imports
types: dev ## mypy --strict
	@$(PY) -m tests.check types
proto: dev ## Generate the stubs
	@sh proto/generate.sh
proto-check: dev ## Lint, breaking changes, stubs as generated, golden events
	@$(PY) -m tests.check proto breaking stubs && $(PY) -m pytest proto
assets: dev ## Build CSS and JavaScript
	@sh services/gateway/frontend/build.sh
assets-check: dev ## Built assets as committed
	@$(PY) -m tests.check assets
lock: dev ## Recompile the locks (U='-U' moves all pins, U='-P name' one)
	@sh deploy/local/lock.sh $(U)
lock-check: dev ## The locks are what the projects ask for (asks the registry)
	@sh deploy/local/lock.sh --check

##@ Measurements
.PHONY: bench soak load accuracy
bench: dev ## Throughput, latency, freshness and memory beside floors; speed of the science (BENCH=quick, growth, analytics)
	@$(PY) -m bench
	@case "$(BENCH)" in growth|analytics) ;; *) $(PY) -m bench.science ;; esac
soak: dev ## A mixed load on a platform of its own while its processes are killed (MINUTES=30)
	@$(PY) -m bench.soak --minutes $(or $(MINUTES),30)
load: dev ## People at work on the running platform, held to its promises (USERS=20 MINUTES=5 HOST=, see docs/performance.md)
	@$(PY) -m tests.load
accuracy: dev ## Forecast, win odds and churn against their yardsticks
	@$(PY) -m analytics accuracy --confirm

##@ Setup
.PHONY: setup dev help
setup: ## What running needs: .venv and the servers, pinned by hash
	@$(SETUP)
dev: ## What tests and development need as well
	@$(SETUP) --dev
help: ## This list
	@awk 'BEGIN { FS = ":.*## " } \
	    /^##@ / { printf "\n%s\n", substr($$0, 5) } \
	    /^[a-z0-9-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' Makefile
