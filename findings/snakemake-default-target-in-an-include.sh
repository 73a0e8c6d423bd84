#!/usr/bin/env bash
# snakemake 9.27.1: `default_target: True` of a rule in an included file is forgotten, without a word.
#
# Guess: the directive marks a rule as the default target wherever it stands, also behind other rules; a
# project whose Snakefile only includes files may so keep `rule all`
# with the rules that it asks for.
# Seen: `snakemake` without a target makes the first rule of the Snakefile itself. If the Snakefile has no
# rule of its own, it says "Nothing to be done" and ends with 0, and nothing was made.
set -euo pipefail
cd "$(mktemp -d)"
python3 -m venv env
env/bin/pip install --quiet snakemake==9.27.1
[ "$(env/bin/snakemake --version)" = 9.27.1 ]
cat > rules.smk <<'SMK'
rule part:
    output: "part.txt"
    shell: "touch {output}"

rule all:
    default_target: True
    input: "part.txt"
SMK
echo 'include: "rules.smk"' > Snakefile
env/bin/snakemake --cores 1 > log 2>&1
grep "Nothing to be done" log
test ! -e part.txt
cat > Snakefile <<'SMK'
rule first:
    output: "first.txt"
    shell: "touch {output}"

include: "rules.smk"
SMK
env/bin/snakemake --cores 1 > log 2>&1
ls ./*.txt
test -e first.txt
test ! -e part.txt
env/bin/snakemake --cores 1 all > log 2>&1   # by its name it is made
test -e part.txt
