#!/usr/bin/env bash
# A real SLURM on this machine alone, for tests: munged, slurmctld and slurmd, no systemd, no database.
#   cluster.sh up DIR [GPUS]     everything it needs and writes is in DIR; `. DIR/env` before using it
#   cluster.sh down DIR
# Needs root and: apt-get install --no-install-recommends slurmctld slurmd slurm-client \
#                 slurm-wlm-basic-plugins munge
set -euo pipefail
readonly COMMAND=${1:?up or down} DIR=$(realpath -m "${2:?folder}") GPUS=${3:-2}
readonly CONF=$DIR/slurm.conf DEFAULT_CONF=/etc/slurm/slurm.conf

up() {
  mkdir -p "$DIR"/{state,spool,log,run,dev}
  chmod 755 "$DIR"
  # A job's srun gets no SLURM_CONF from Snakemake: it looks where SLURM always looks.
  if [ -e $DEFAULT_CONF ] && [ ! -L $DEFAULT_CONF ]; then
    echo "$DEFAULT_CONF is a real file: this machine has a SLURM of its own" >&2
    exit 3
  fi
  write_files
  mkdir -p /etc/slurm
  ln -sfn "$CONF" $DEFAULT_CONF
  export SLURM_CONF=$CONF
  munged --force --key-file="$DIR/munge.key" --socket="$DIR/run/munge.sock" \
    --pid-file="$DIR/run/munged.pid" --log-file="$DIR/log/munged.log" --seed-file="$DIR/run/seed"
  slurmctld -c -f "$CONF"
  slurmd -c -f "$CONF" -N "$(hostname -s)"
  for _ in $(seq 60); do
    if [ "$(sinfo -h -o %T -p cpu 2>/dev/null)" = idle ]; then
      sinfo -N -o '%N %P %T %c CPUs %m MB %G'
      return
    fi
    sleep 0.5
  done
  tail -n 20 "$DIR"/log/*.log >&2
  exit 4
}

write_files() {
  local host memory
  host=$(hostname -s)
  memory=$(awk '/MemTotal/ {print int($2 / 1024 * 0.9)}' /proc/meminfo)
  head -c 128 /dev/urandom > "$DIR/munge.key"
  chmod 400 "$DIR/munge.key"
  # Devices that are there and do nothing: SLURM hands them out, torch finds no GPU behind them.
  for ((i = 0; i < GPUS; i++)); do
    [ -e "$DIR/dev/gpu$i" ] || mknod "$DIR/dev/gpu$i" c 1 3
  done
  echo "NodeName=$host Name=gpu Count=$GPUS File=$DIR/dev/gpu[0-$((GPUS - 1))]" > "$DIR/gres.conf"
  echo "CgroupAutomount=no" > "$DIR/cgroup.conf"
  : > "$DIR/plugstack.conf"
  printf 'export SLURM_CONF=%q\n' "$CONF" > "$DIR/env"
  cat > "$CONF" << END
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=16817
SlurmdPort=16818
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
# A requeued job waits until its old credential has expired: seconds, not the default of two minutes.
AuthInfo=socket=$DIR/run/munge.sock,cred_expire=5
CredType=cred/munge
StateSaveLocation=$DIR/state
SlurmdSpoolDir=$DIR/spool
SlurmctldPidFile=$DIR/run/slurmctld.pid
SlurmdPidFile=$DIR/run/slurmd.pid
SlurmctldLogFile=$DIR/log/slurmctld.log
SlurmdLogFile=$DIR/log/slurmd.log
PlugStackConfig=$DIR/plugstack.conf
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
# No cgroups: memory is looked at every second, and who has more than was asked for is killed.
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
MinJobAge=3600
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0,sched_min_interval=0
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=500
KillWait=2
# What can never run is refused when it is submitted.
EnforcePartLimits=ALL
ReturnToService=2
GresTypes=gpu
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=$memory Gres=gpu:$GPUS State=UNKNOWN
PartitionName=cpu Nodes=$host Default=YES MaxTime=INFINITE State=UP
PartitionName=gpu Nodes=$host MaxTime=INFINITE State=UP
END
}

down() {
  local pid
  for name in slurmd slurmctld munged; do
    [ -s "$DIR/run/$name.pid" ] || continue
    pid=$(cat "$DIR/run/$name.pid")
    kill "$pid" 2>/dev/null || continue
    for _ in $(seq 50); do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.1
    done
  done
  if [ "$(readlink $DEFAULT_CONF)" = "$CONF" ]; then
    rm -f $DEFAULT_CONF
  fi
}

case $COMMAND in
  up) up ;;
  down) down ;;
  *) echo "cluster.sh up|down DIR" >&2; exit 2 ;;
esac
