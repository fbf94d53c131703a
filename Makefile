# Each target does all of its own set-up; `make` alone lists them.
VENV ?= .venv
BIN := $(VENV)/bin
INSTALL_INPUTS := setup.py pyproject.toml constraints.txt .ci/venv
PARALLEL ?= 2
SYSTEM ?= follower

# Nothing leaves the loopback interface unless the caller asks for it.
export ROS_AUTOMATIC_DISCOVERY_RANGE ?= LOCALHOST

.DEFAULT_GOAL := help
.PHONY: help demo demo-explore demo-arm test test-fast test-system test-launch lint format types train lock clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | awk -F'\t' '{printf "  make %-13s %s\n", $$1, $$2}'

$(VENV)/.installed-demo: $(INSTALL_INPUTS)
	@.ci/venv $(VENV) ros
	@touch $@

$(VENV)/.installed-all: $(INSTALL_INPUTS)
	@.ci/venv $(VENV) ros,train,manipulation,dev
	@touch $@ $(VENV)/.installed-demo

demo: $(VENV)/.installed-demo ## a fleet in a warehouse, a ROS 2 node each: summary, video, recording
	$(BIN)/pilotfish demo

demo-explore: $(VENV)/.installed-demo ## a team explores a building, a ROS 2 node each: the same
	$(BIN)/pilotfish demo explore

demo-arm: $(VENV)/.installed-all ## an arm led by a steered diffusion policy, over ROS 2: the same
	$(BIN)/pilotfish demo arm

test: lint test-fast test-system ## lint, then every test

test-fast: $(VENV)/.installed-all ## the tests without live ROS 2 nodes, in parallel
	OMP_NUM_THREADS=1 $(BIN)/pytest -m "not system" -n $(PARALLEL)

test-system: $(VENV)/.installed-all ## the tests that start real processes, one at a time
	$(BIN)/pytest -m system

test-launch: $(VENV)/.installed-all ## the launch file under the real `ros2 launch`, where ROS 2 is installed
	PILOTFISH_REAL_LAUNCH=1 $(BIN)/pytest -rs tests/launch

lint: $(VENV)/.installed-all ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/.installed-all ## rewrite the files as `make lint` wants them
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/.installed-all ## mypy, on the package as pip installs it
	@rm -rf build && $(BIN)/pip install --quiet --no-deps --target build/types .
	MYPYPATH=build/types $(BIN)/mypy -p pilotfish

train: $(VENV)/.installed-all ## train SYSTEM=follower
	$(BIN)/pilotfish train $(SYSTEM)

lock: $(VENV)/.installed-all ## write constraints.txt from what is installed in the environment
	@{ head -n 2 constraints.txt; $(BIN)/pip freeze --all --exclude-editable --exclude pip | sed -E 's/\+cpu$$//' | sort -f; } > constraints.new
	@mv constraints.new constraints.txt

clean: ## remove the environment and everything built
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
