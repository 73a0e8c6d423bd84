#!/usr/bin/env bash
# Snakemake 9.27.1: `--lint json` prints no JSON, and its lints go to standard error.
#
# Guess: `snakemake --lint json > lints.json` (the help gives `--lint [{text,json}]`) writes JSON to standard
# output, for a program to read, as `lint(json=True)` of its API says.
# Seen: standard output is empty; the same text as of `--lint` is on standard error, byte for byte. The command
# line's word is taken as true or false alone and not handed on to that API. The exit status, 1 where there are
# lints, is all that a program can rely on.
set -euo pipefail
cd "$(mktemp -d)"
python3 -m venv env
env/bin/pip install --quiet snakemake==9.27.1
cat > Snakefile <<'SMK'
rule made:
    output: "made.txt"
    shell: "touch {output}"
SMK
status=0
env/bin/snakemake --lint json > json.out 2> json.err || status=$?
env/bin/snakemake --lint > text.out 2> text.err || true
echo "exit status $status, $(wc -c < json.out) bytes on standard output; standard error begins:"
head -3 json.err
[ "$status" = 1 ]
[ ! -s json.out ]
cmp json.err text.err
grep -q "No log directive defined" json.err
! env/bin/python -m json.tool json.err > /dev/null 2>&1
