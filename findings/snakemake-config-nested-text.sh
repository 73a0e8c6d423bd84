#!/usr/bin/env bash
# Snakemake 9.27.1: numbers and null within a section that --config gives are text.
#
# Guess: `--config 'rate=0.3' 'method={beta: 0.3, limit: null}'` is read as the same YAML in a config file
# would be: the value of `rate` is a number, so method["beta"] is one, and method["limit"] is None.
# Seen: rate is the float 0.3; method is {'beta': '0.3', 'limit': 'null'}. A config file gives 0.3 and
# None. Text where a workflow compares or multiplies shows late, in a job, or not at all: bool('null') is
# true. And a key of one letter (`n=1`) is refused as no valid identifier, which a file may hold.
set -euo pipefail
cd "$(mktemp -d)"
python3 -m venv env
env/bin/pip install --quiet snakemake==9.27.1
cat > Snakefile <<'SMK'
print("SEEN", repr(config["rate"]), repr(config["method"]["beta"]), repr(config["method"]["limit"]))
rule all:
    shell: "true"
SMK
printf 'n: 1\nrate: 0.3\nmethod: {beta: 0.3, limit: null}\n' > file.yaml
line=$(env/bin/snakemake -n --quiet --config 'rate=0.3' 'method={beta: 0.3, limit: null}' 2>&1 | grep SEEN)
file=$(env/bin/snakemake -n --quiet --configfile file.yaml 2>&1 | grep SEEN)
echo "command line: $line"
echo "file:         $file"
[ "$line" = "SEEN 0.3 '0.3' 'null'" ]
[ "$file" = "SEEN 0.3 0.3 None" ]
env/bin/snakemake -n --quiet --configfile file.yaml --config n=2 2>&1 | grep "must start with a valid identifier"
