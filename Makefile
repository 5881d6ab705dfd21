# Every target works alone on a bare machine: what it needs is made first, in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CHECKPOINT ?=

# Fast DDS's default shared memory is smaller than one image, and best-effort frames get lost.
export FASTRTPS_DEFAULT_PROFILES_FILE ?= $(CURDIR)/config/fastdds.xml

.PHONY: demo test test-slow lint format bench clean venv

demo: venv
	$(BIN)/grin demo -o out/demo $(if $(CHECKPOINT),--checkpoint $(CHECKPOINT))

test: venv
	$(BIN)/pytest -q

test-slow: venv
	$(BIN)/pytest -q -m slow

bench: venv
	$(BIN)/grin bench $(if $(CHECKPOINT),--checkpoint $(CHECKPOINT))

lint: $(VENV)/dependencies
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/dependencies
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) out build install log *.egg-info .pytest_cache .ruff_cache .hypothesis

venv: $(VENV)/package

$(VENV)/dependencies: setup.py constraints.txt .ci/doctor.py
	@$(PYTHON) .ci/doctor.py
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q -c constraints.txt 'setuptools<80'
	$(BIN)/pip install -q -c constraints.txt --no-build-isolation --use-pep517 -e '.[ros,test]'
	@$(BIN)/python .ci/doctor.py installed
	@touch $@

# The package again, when only its files under share/ changed: no network, a second. The links
# make .venv an ament prefix, in which launch finds the executables as in a colcon workspace.
$(VENV)/package: $(VENV)/dependencies setup.cfg package.xml $(wildcard launch/* config/* weights/*)
	$(BIN)/pip install -q --no-deps --no-build-isolation --use-pep517 -e .
	@mkdir -p $(VENV)/lib/grin_ros
	@ln -sf ../../bin/grin ../../bin/depth_node $(VENV)/lib/grin_ros/
	@touch $@
