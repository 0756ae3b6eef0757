# Two commands on a fresh machine: `make demo` answers a spoken question aloud, `make test` proves the rest.
PYTHON ?= python3
VENV   ?= .venv
# Exactly this version, and first: a range, or another package's dependency on torch, takes the newest
# build, which brings gigabytes of CUDA. With a CUDA device: make cuda
TORCH  ?= torch==2.13.0
# How many `auto` are, and the groups of tests that one process runs, are in tests/conftest.py
WORKERS := --numprocesses=auto --dist=loadgroup
# What is added, or overrides: make test PYTEST_ARGS='-n 0 -k link'
PYTEST_ARGS ?=
# PyAudio compiles against PortAudio's headers (apt-get install portaudio19-dev); without them its tests skip
comma   := ,
HEADER  := $(wildcard /usr/include/portaudio.h /usr/local/include/portaudio.h /opt/homebrew/include/portaudio.h)
DEV     := $(VENV)/.installed-dev$(if $(HEADER),-pyaudio)
EXTRAS  := speech,aec,audio,remote,serve,otel,dev$(if $(HEADER),$(comma)pyaudio)

BIN  := $(VENV)/bin
DEMO := $(VENV)/.installed

.PHONY: demo cuda test wheel-test check models image clean

demo: $(DEMO) models
	$(BIN)/vflow run pipelines/voice_agent.yaml --input pipelines/question.wav --output reply.wav
	@echo "the answer is in reply.wav"

# In place of the torch that is there: pip would take one for the CPU for good enough
cuda: $(DEMO)
	$(BIN)/python -m pip install --force-reinstall torch

test: $(DEV) models
	$(BIN)/vflow models pull kokoro-ja
	$(BIN)/python -m pytest $(WORKERS) $(PYTEST_ARGS)

# The wheel, in a fresh environment of its own
wheel-test: $(DEV)
	$(BIN)/python tests/wheel.py '$(TORCH)'

check: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/vflow check pipelines/*.yaml

models: $(DEMO)
	$(BIN)/vflow models pull smollm2
	$(BIN)/vflow models pull smart-turn

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(DEMO): $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install $(TORCH)
	$(BIN)/python -m pip uninstall --quiet --yes vflow  # another distribution with the same import and command
	$(BIN)/python -m pip install --editable '.[speech]'
	touch $@

$(DEV): $(DEMO)
	$(BIN)/python -m pip install --editable '.[$(EXTRAS)]'
	touch $@

# A container image that serves voice_agent, by whichever builder is there
BUILDER ?= $(firstword $(foreach each,podman docker buildah,$(if $(shell command -v $(each)),$(each))))
IMAGE   ?= vflow
image:
	@test -n "$(BUILDER)" || { echo "there is no podman, docker or buildah" >&2; exit 1; }
	$(BUILDER) build $(IMAGE_ARGS) --build-arg TORCH='$(TORCH)' --file Containerfile --tag $(IMAGE) .

clean:
	rm -rf $(VENV) reply.wav
