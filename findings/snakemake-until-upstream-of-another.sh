#!/usr/bin/env bash
# Snakemake 9.27.1: --until with two rules, one upstream of the other, ends behind the first, in failure.
#
# Guess: `--until a b` runs up to both, b included.
# Seen: the plan lists both, but dry run and run end behind a: "BUG: Out of jobs ready to be started, but not all files built yet", b among
# the remaining jobs, exit status 1. The same command once more runs b and succeeds. The steps that are
# counted include jobs behind b, which --until leaves out ("1 of 4 steps"). `--until b` alone does it all.
set -euo pipefail
cd "$(mktemp -d)"
python3 -m venv env
env/bin/pip install --quiet snakemake==9.27.1
cat > Snakefile <<'SMK'
rule all:
    input: "c.txt"
rule a:
    output: "a.txt"
    shell: "touch {output}"
rule b:
    input: "a.txt"
    output: "b.txt"
    shell: "touch {output}"
rule c:
    input: "b.txt"
    output: "c.txt"
    shell: "touch {output}"
SMK
if env/bin/snakemake -n --until a b > plan.log 2>&1; then echo "the dry run succeeded"; exit 1; fi
grep -E "^(a|b|total) |BUG" plan.log
grep -qE "^total +2$" plan.log
if env/bin/snakemake --cores 1 --until a b > first.log 2>&1; then echo "it succeeded"; exit 1; fi
grep -E "BUG|steps|^ - b" first.log
grep -q "BUG: Out of jobs ready to be started" first.log
grep -q "1 of 4 steps" first.log
[ -e a.txt ] && [ ! -e b.txt ]
env/bin/snakemake --cores 1 --until a b > second.log 2>&1
[ -e b.txt ] && [ ! -e c.txt ]
# One rule alone, downstream, takes its inputs' jobs along.
rm -r .snakemake a.txt b.txt
env/bin/snakemake --cores 1 --until b > alone.log 2>&1
[ -e b.txt ] && [ ! -e c.txt ]
