# Every target works alone on a bare machine: what it needs is made first, in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CHECKPOINT ?=
MINUTES ?= 30

# Fast DDS's default shared memory is smaller than one image, and best-effort frames get lost.
export FASTRTPS_DEFAULT_PROFILES_FILE ?= $(CURDIR)/config/fastdds.xml

.PHONY: demo test test-slow soak lint format bench weights clean venv

demo: venv
	$(BIN)/grin demo -o out/demo $(if $(CHECKPOINT),--checkpoint $(CHECKPOINT))

test: venv
	$(BIN)/pytest -q

test-slow: venv
	$(BIN)/pytest -q -m slow

# The node under one fault after the other; the report goes to out/soak/.
soak: venv
	$(BIN)/python test/robot/soak.py --minutes $(MINUTES)

bench: venv
	$(BIN)/grin bench $(if $(CHECKPOINT),--checkpoint $(CHECKPOINT))

# Resumable. STEPS=200 is the whole recipe in miniature, in a folder of its own.
weights: venv
	$(BIN)/grin weights config/weights.yaml $(if $(STEPS),--steps $(STEPS))

lint: $(VENV)/dependencies
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/dependencies
	$(BIN)/ruff check --fix --quiet --exit-zero .
	$(BIN)/ruff format .

# Leaves .venv, which is a long download: `rm -rf .venv` starts over.
clean:
	rm -rf out build install log *.egg-info .pytest_cache .ruff_cache .hypothesis

venv: $(VENV)/package

# libusb-package: open3d wants libusb from the system, and looks into $(VENV)/lib as well.
$(VENV)/dependencies: setup.py setup.cfg constraints.txt .ci/doctor.py
	@test -x $(BIN)/pip || { $(PYTHON) .ci/doctor.py && $(PYTHON) -m venv $(VENV); }
	$(BIN)/pip install -q -c constraints.txt 'pip>=23' setuptools libusb-package
	$(BIN)/pip install -q -c constraints.txt --no-build-isolation --use-pep517 -e '.[ros,test]'
	@ln -sf $$($(BIN)/python -c 'import libusb_package as usb; print(usb.get_library_path())') \
		$(VENV)/lib/libusb-1.0.so.0
	@$(BIN)/python .ci/doctor.py installed
	@touch $@

# An editable install leaves out share/ and lib/grin_ros/; with both, .venv is an ament prefix in
# which launch finds files and executables just as in a colcon workspace.
$(VENV)/package: $(VENV)/dependencies package.xml $(wildcard launch/* config/* weights/*)
	@$(BIN)/python -W ignore setup.py -q install_data --install-dir $(VENV)
	@mkdir -p $(VENV)/lib/grin_ros
	@ln -sf ../../bin/grin ../../bin/depth_node $(VENV)/lib/grin_ros/
	@touch $@
