# Two commands for a newcomer: `make demo` (Table 3, really computed) and `make test`.
PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: demo test faults coverage check env lock format schema paper-plan bench clean
# `make env LOCKED=1` installs exactly the files in requirements.lock (Linux, x86-64, CPython 3.11).
LOCKED ?=
# Where a line that no test runs is a number that no test has looked at.
COVERED := losses logps packing verdicts stats metrics

demo: env  ## train, generate and score the default experiment; prints Table 3
	snakemake --cores all results/table3.csv
	@echo; cat results/table3.md

# Two tests at a time, each on one thread; those with a SLURM measure time and come alone.
test: env  ## all tests
	OMP_NUM_THREADS=1 python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder -m "not slurm"
	OMP_NUM_THREADS=1 python -m pytest -q -m slurm

faults: env  ## kills, full disks, damaged files, hostile texts: docs/faults.md
	OMP_NUM_THREADS=1 python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder tests/faults

coverage: env  ## all tests, then the lines that none of them ran
	OMP_NUM_THREADS=1 python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder -m "not slurm" --cov=asft \
	  --cov-report=term-missing:skip-covered
	coverage report --fail-under=100 $(foreach name,$(COVERED),--include=asft/$(name).py)

check: env  ## format, lint, types, schema
	ruff format --check asft tests
	ruff check asft tests
	snakefmt --check Snakefile workflow
	mypy
	python -m asft.config | diff - workflow/schemas/config.schema.json \
	  || { echo "schema out of step: run make schema"; exit 1; }

format: env
	ruff check --fix --quiet asft tests || true
	ruff format asft tests
	snakefmt Snakefile workflow

schema: env
	python -m asft.config > workflow/schemas/config.schema.json

paper-plan: env  ## the jobs of the paper's experiment, without running them
	snakemake -n --quiet rules --cores all results/paper/table3.csv --configfile workflow/config/paper.yaml

bench: env  ## speed and memory against TRL; wants a quiet machine, and `make demo` before it
	python bench/training.py
	python bench/judge_calls.py

env: $(BIN)/.complete

# A marker written last: an interrupted installation is done again.
$(BIN)/.complete: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
ifeq ($(LOCKED),)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
else
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
endif
	touch $@

lock: env  ## requirements.lock again, after a change of pyproject.toml or constraints.txt
	python .ci/lock.py > .lock.partial && mv .lock.partial requirements.lock

clean:  ## everything that was made, except the environment and the download cache
	rm -rf results .snakemake
