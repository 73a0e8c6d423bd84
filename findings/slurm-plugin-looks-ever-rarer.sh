#!/usr/bin/env bash
# snakemake-executor-plugin-slurm 2.8.0: --seconds-between-status-checks is not heeded; looks grow rarer by 10 s each.
#
# Guess: with `--seconds-between-status-checks 2` and `--slurm-init-seconds-before-status-checks 1` the queue is
# looked at after 1 second and then every 2, so a job of half a minute is seen to end within 2 seconds.
# Seen: the plugin sets the wait itself. After each look that finds no job ended it waits ten seconds longer
# (up to 180), so the looks come about 1, 12 and 33 seconds after the start, and a job that ends after 14 seconds
# is seen to after 33. No setting bounds that growth.
# The cluster here is three scripts that answer as SLURM does: one job, which runs for 14 seconds.
set -euo pipefail
cd "$(mktemp -d)"
python3 -m venv env
env/bin/pip install --quiet snakemake==9.27.1 snakemake-executor-plugin-slurm==2.8.0
printf 'rule one:\n    resources: runtime=5\n    shell: "true"\n' > Snakefile
mkdir bin
cat > bin/sinfo << 'SH'
#!/bin/sh
echo cpu
SH
cat > bin/sbatch << 'SH'
#!/bin/sh
cat > /dev/null
date +%s > "$BASE/began"
echo 7
SH
cat > bin/squeue << 'SH'
#!/bin/sh
[ -e "$BASE/began" ] || exit 0
seconds=$(($(date +%s) - $(cat "$BASE/began")))
echo "$seconds" >> "$BASE/looks"
if [ "$seconds" -ge 14 ]; then echo "7|COMPLETED"; else echo "7|RUNNING"; fi
SH
printf '#!/bin/sh\necho "MinJobAge = 3600 sec"\n' > bin/scontrol
printf '#!/bin/sh\nexit 1\n' | tee bin/sacct bin/sacctmgr > /dev/null
chmod +x bin/*
export BASE=$PWD PATH=$PWD/bin:$PATH
env/bin/snakemake one --executor slurm --jobs 1 --default-resources slurm_partition=cpu --slurm-no-account \
  --slurm-status-command squeue --slurm-init-seconds-before-status-checks 1 \
  --seconds-between-status-checks 2 > output.txt 2>&1 || { tail -n 20 output.txt; exit 1; }
echo "looked after these seconds: $(tr '\n' ' ' < looks)"
[ "$(wc -l < looks)" -le 4 ]
[ "$(tail -n 1 looks)" -ge 25 ]
