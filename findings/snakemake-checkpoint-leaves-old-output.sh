#!/usr/bin/env bash
# Snakemake 9.27.1: a rule whose input waits for a checkpoint is not made again when its parameters change.
#
# Guess: `joined.txt` exists, its rule's `params` have changed since, so it is made again; that its input
# function asks a checkpoint, whose output is gone (temp(), or cleaned up), only means that the checkpoint
# runs first. Without the checkpoint it is so ("Params have changed since last execution").
# Seen: "Nothing to be done", whatever has changed: parameters, code, the set of input files. Before a
# checkpoint has run the jobs behind it are not looked at for changes, and since their output is there
# nothing asks for the checkpoint. The same when a rule gets such an input function later: the output of
# before stands. With the checkpoint's output in place the change is seen.
set -euo pipefail
cd "$(mktemp -d)"
python3 -m venv env
env/bin/pip install --quiet snakemake==9.27.1
cat > Snakefile <<'SMK'
def parts(wildcards):
    if config["how"] == "static":
        return ["a.part", "b.part"]
    return [f"{name}.part" for name in open(checkpoints.split.get().output[0]).read().split()]

rule join:
    input: parts
    output: "joined.txt"
    params: word=config["word"]
    shell: "echo {params.word} > {output}"

checkpoint split:
    output: "parts.txt"
    shell: "echo a b > {output}"

rule part:
    output: "{name}.part"
    shell: "echo {wildcards.name} > {output}"
SMK
run() { env/bin/snakemake --cores 1 joined.txt --config "$@" 2>&1; }
for how in static checkpoint; do
  rm -rf .snakemake ./*.part ./*.txt
  run how=$how word=one > /dev/null
  rm -f parts.txt
  said=$(run how=$how word=two)
  echo "$how: $(cat joined.txt)"
  [ "$how" = static ] || grep "Nothing to be done" <<< "$said"
done
[ "$(cat joined.txt)" = one ]
echo a b > parts.txt
touch -d yesterday parts.txt
run how=checkpoint word=two > /dev/null
echo "checkpoint, its output in place: $(cat joined.txt)"
[ "$(cat joined.txt)" = two ]
