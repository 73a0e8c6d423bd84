#!/usr/bin/env bash
# Snakemake 9.27.1: numbers and null within a section that --config gives are text.
#
# Guess: `--config 'a=0.3' 'm={beta: 0.3, off: null}'` is read as the same YAML in a config file would be: the
# value of `a` is a number, so that of `m["beta"]` is, and `m["off"]` is None.
# Seen: a is the float 0.3; m is {'beta': '0.3', 'off': 'null'}. A config file gives 0.3 and None. Text
# where a workflow compares or multiplies shows late, in a job, or not at all: bool('null') is true.
set -euo pipefail
cd "$(mktemp -d)"
python3 -m venv env
env/bin/pip install --quiet snakemake==9.27.1
cat > Snakefile <<'SMK'
print("SEEN", repr(config["a"]), repr(config["m"]["beta"]), repr(config["m"]["off"]))
rule all:
    shell: "true"
SMK
printf 'a: 0.3\nm: {beta: 0.3, off: null}\n' > file.yaml
line=$(env/bin/snakemake -n --quiet --config 'a=0.3' 'm={beta: 0.3, off: null}' 2>/dev/null | grep SEEN)
file=$(env/bin/snakemake -n --quiet --configfile file.yaml 2>/dev/null | grep SEEN)
echo "command line: $line"
echo "file:         $file"
[ "$line" = "SEEN 0.3 '0.3' 'null'" ]
[ "$file" = "SEEN 0.3 0.3 None" ]
