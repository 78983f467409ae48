# Every target makes its own environment (.venv, by way of .tools) from bare python3 and make; see docs/install.md.
# ARGS is handed to the command: make run ARGS="--port 9000", make test ARGS="tests/kernel -x".

.POSIX:
.PHONY: help run dev cluster kafka test soak chaos rules check fmt bench docs shots lock clean uv runtime development

ARGS =
WORKERS = 3
BIN = .venv/bin

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

run: runtime ## serve in the foreground; CREWHALL_* variables are honoured
	@exec $(BIN)/crewhall up $(ARGS)

dev: development ## serve and start again when a source file changes
	@exec $(BIN)/python -m scripts.reload $(ARGS)

cluster: development ## serve from two servers and two workers behind a small proxy; ARGS="--port 9000 --kafka --bucket"
	@exec $(BIN)/python -m scripts.cluster $(ARGS)

chaos: development ## kill, pause and restart what runs under load, a hundred rounds; ARGS="--log kafka --rounds 20 --seed 7"
	@exec $(BIN)/python -m tests.chaos $(ARGS)

kafka: development ## serve an Apache Kafka broker for development, ARGS="9092" is its port
	@exec $(BIN)/python -m scripts.broker $(ARGS)

test: development ## run the tests; installs Chromium and Apache Kafka where it can
	@CREWHALL_CHROMIUM=`sh scripts/chromium` && export CREWHALL_CHROMIUM && \
	CREWHALL_KAFKA_JARS=`sh scripts/kafka` && export CREWHALL_KAFKA_JARS && unset PYTHONDONTWRITEBYTECODE && \
	exec $(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

soak: ## run the tests marked slow and soak, trying five times as hard as the gate does
	@CREWHALL_TEST_EFFORT=5 $(MAKE) test ARGS="-m 'slow or soak' $(ARGS)"

rules: ## run the tests that show rules and record which pass, for `crewhall rules`
	@$(MAKE) test ARGS="--record-rules -m rule $(ARGS)"

check: development ## lint, format, types, imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

fmt: development ## mend what ruff can mend
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: development ## run every bench with its floor; prints ratios, writes bench/results
	@exec $(BIN)/python -m bench $(ARGS)

docs: development ## write the reference pages again (docs/settings.md, errors.md, …)
	@$(BIN)/python -m scripts.reference

shots: development ## take the pictures of docs/images again, those that ARGS has words of, or all
	@CREWHALL_CHROMIUM=`sh scripts/chromium` && export CREWHALL_CHROMIUM && exec $(BIN)/python -m scripts.shots $(ARGS)

lock: uv ## resolve uv.lock again after pyproject.toml changed
	@sh scripts/environment lock

clean: ## remove what the targets made
	rm -rf .venv .tools test-results .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

uv:
	@sh scripts/environment uv

runtime: uv
	@sh scripts/environment runtime

development: uv
	@sh scripts/environment development
