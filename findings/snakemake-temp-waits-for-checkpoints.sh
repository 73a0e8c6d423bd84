#!/usr/bin/env bash
# Snakemake 9.27.1: no temp() output is deleted while any checkpoint of the DAG has still to run.
#
# Guess: a temp() output goes as soon as all rules that use it have ended, as the documentation says; a
# checkpoint that neither makes nor reads it, and that none of these rules waits for, changes nothing.
# Seen: with such a checkpoint anywhere in the DAG all temp() outputs stay until the last checkpoint has
# ended, and are deleted then, together. Ten steps that each leave a large temporary file need ten times
# the disk.
set -euo pipefail
cd "$(mktemp -d)"
python3 -m venv env
env/bin/pip install --quiet snakemake==9.27.1
cat > Snakefile <<'SMK'
STEPS = 4

rule all:
    input: f"{STEPS}.done", "unrelated.txt" if config["checkpoint"] == "with" else []

rule large:
    output: temp("{step}.large")
    input: lambda wildcards: [f"{int(wildcards.step) - 1}.done"] if int(wildcards.step) > 1 else []
    shell: "echo x > {output}"

# What there is of large files when a step ends, its own among them.
rule use:
    input: "{step}.large"
    output: "{step}.done"
    shell: "ls *.large | wc -l >> seen.txt; touch {output}"

# Makes and reads none of the large files; it runs last, so that one can count what is left.
checkpoint unrelated:
    input: f"{STEPS}.done"
    output: "unrelated.txt"
    shell: "ls *.large 2>/dev/null | wc -l > {output}; true"
SMK
for how in without with; do
  rm -rf .snakemake ./*.large ./*.done ./*.txt
  env/bin/snakemake --cores 1 --config checkpoint=$how > "$how.log" 2>&1
  echo "$how a checkpoint: $(tr '\n' ' ' < seen.txt)large files at the end of each step"
  if [ "$how" = without ]; then
    [ "$(tr '\n' ' ' < seen.txt)" = "1 1 1 1 " ]
  else
    [ "$(tr '\n' ' ' < seen.txt)" = "1 2 3 4 " ]
    echo "when the checkpoint ran: $(cat unrelated.txt); at the end: $(find . -name '*.large' -not -path './env/*' | wc -l)"
    [ "$(cat unrelated.txt)" = 4 ]
    [ -z "$(find . -name '*.large' -not -path './env/*')" ]
  fi
done
