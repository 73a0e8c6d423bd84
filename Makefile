# Two commands for a newcomer: `make demo` (Table 3, really computed) and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: demo test optional faults coverage coverage-all check env lock format schema paper-plan bench clean
# `make env LOCKED=1` installs exactly the files in requirements.lock (Linux, x86-64, CPython 3.11).
LOCKED ?=
# torch's CPU build is not on PyPI; empty, where pip's own index has it.
LOCK_INDEX ?= --extra-index-url https://download.pytorch.org/whl/cpu
# Where a line that no test runs is a number that no test has looked at, and the tests that see to it.
COVERED := losses training.logps training.packing training.pair_logps judging.verdicts metrics.estimates metrics.statistics metrics.corpus metrics.bleu_rouge
COVERING := losses/test_likelihood losses/test_limits losses/test_margin_shapes losses/test_methods losses/test_numerics losses/test_weighted_sums losses/test_batch losses/test_token_level \
  training/test_logps training/test_packing training/test_packing_properties training/test_probe training/test_batch_loss training/test_token_divergences judging/test_verdicts \
  metrics/test_statistics metrics/test_estimates metrics/test_bleu_rouge

# Of policies that no other table shows; the cards of others wait for Tables 2 and 4.
DEMO_CARDS := $(foreach method,sft orpo asft,results/runs/hh_rlhf/$(method)/seed42/model_card.md)

demo: env  ## train, generate and score the default experiment; prints Table 3
	snakemake --cores all results/table3.csv $(DEMO_CARDS)
	@echo; sed '/^## Differences/,$$d' results/table3.md
	@echo 'Differences between methods, with intervals and verdicts: results/table3.md'

# Two tests at a time, each on one thread; those with a SLURM measure time and come alone.
test: env  ## all tests
	OMP_NUM_THREADS=1 python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder -m "not slurm"
	OMP_NUM_THREADS=1 python -m pytest -q -m slurm

optional: env  ## of all tests those that skip without a browser, LaTeX, tcmalloc, llama.cpp or SLURM
	OMP_NUM_THREADS=1 python -m pytest -q -n 2 --dist loadfile -m "optional and not slurm"
	OMP_NUM_THREADS=1 python -m pytest -q -m slurm

# The tests that docs/faults.md names outside tests/faults.
CITED := $(addprefix tests/,$(shell grep -oE '(unit|workflow)/([a-z]+/)?test_[a-z0-9_]+\.py' docs/faults.md | sort -u))

faults: env  ## kills, full disks, damaged files, hostile texts: all tests of docs/faults.md
	ASFT_KILLS=20 OMP_NUM_THREADS=1 python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder tests/faults $(CITED)

# These files alone: to trace the whole suite costs more time than it tells.
coverage: env  ## of the modules that make numbers: fails if their tests leave a line out
	OMP_NUM_THREADS=1 python -m pytest -q -n 2 $(COVERING:%=tests/unit/%.py) $(COVERED:%=--cov=asft.%) \
	  --cov-report=term-missing --cov-fail-under=100

coverage-all: env  ## all tests, then the lines of the package that none of them ran
	OMP_NUM_THREADS=1 python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder -m "not slurm" --cov=asft \
	  --cov-report=term-missing:skip-covered

check: env  ## format, lint, types, schema
	ruff format --check asft tests bench
	ruff check asft tests bench
	snakefmt --check Snakefile workflow
	mypy
	python -m asft.config | diff - workflow/schemas/config.schema.json \
	  || { echo "schema out of step: run make schema"; exit 1; }

format: env
	ruff check --fix --quiet asft tests bench || true
	ruff format asft tests bench
	snakefmt Snakefile workflow

schema: env
	python -m asft.config > workflow/schemas/config.schema.json

paper-plan: env  ## the jobs of the paper's experiment, without running them
	snakemake -n --quiet rules --cores all results/paper/table3.csv --configfile workflow/config/paper.yaml

bench: env  ## speed and memory against TRL; wants a quiet machine, and `make demo` before it
	python bench/training.py
	python bench/pipeline.py
	python bench/growth.py
	python bench/profile_step.py
	python bench/processes.py

env: $(BIN)/.complete

# A marker written last: an interrupted installation is done again.
$(BIN)/.complete: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
ifeq ($(LOCKED),)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
else
	@# The lock is whole. With dependencies pip would look at newer releases of those with extras, and refuse.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
	  $(LOCK_INDEX) -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
endif
	touch $@

lock: env  ## requirements.lock again, after a change of pyproject.toml or constraints.txt
	python .ci/lock.py > .lock.partial && mv .lock.partial requirements.lock

clean:  ## everything that was made, except the environment and the download cache
	rm -rf results .snakemake
