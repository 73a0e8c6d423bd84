#!/usr/bin/env bash
# snakemake-executor-plugin-slurm 2.8.0: where sinfo is found and neither squeue nor sacct, no workflow runs, not even locally.
#
# Guess: an executor's plugin that is installed and not asked for (`snakemake --cores 1`, no --executor, no
# profile) changes nothing; what it needs of SLURM is looked for when jobs are submitted.
# Seen: all executor plugins are imported at every start, and this one asks for its default status command
# while it builds its --help: with `sinfo` alone on the PATH it raises there. Every command, `snakemake
# --version` too, ends in a traceback that names sacct and squeue. Without sinfo, or with squeue beside it,
# the same workflow runs. (A node or container that has only `sinfo` to look at a cluster is enough.)
set -euo pipefail
cd "$(mktemp -d)"
python3 -m venv env
env/bin/pip install --quiet snakemake==9.27.1 snakemake-executor-plugin-slurm==2.8.0
printf 'rule all:\n    shell: "true"\n' > Snakefile
mkdir alone beside tools
printf '#!/bin/sh\necho "cpu up 1 idle"\n' | tee alone/sinfo beside/sinfo beside/squeue > /dev/null
chmod +x alone/* beside/*
# A PATH without /usr/bin, where this machine may have a SLURM of its own.
for tool in bash sh which true env cat; do ln -s "$(command -v "$tool")" tools/; done
run() { PATH="$PWD/tools$1" "$PWD/env/bin/snakemake" "${@:2}" > output.txt 2>&1; }
run "" --cores 1 --quiet && echo "neither: runs"
run ":$PWD/beside" --cores 1 --quiet && echo "sinfo and squeue: runs"
for command in "--cores=1" --version; do
  if run ":$PWD/alone" "$command"; then echo "sinfo alone: $command runs"; exit 1; fi
  echo "sinfo alone, $command: $(tail -n 1 output.txt)"
  grep -q "Neither 'sacct' nor 'squeue' commands are available" output.txt
done
