#!/bin/bash
# A SLURM of one node, as plain processes of this user, all its files in FOLDER (default: a new one).
#   test/slurm/start.sh [FOLDER]    then: export SLURM_CONF=FOLDER/slurm.conf
#   test/slurm/stop.sh FOLDER
# Needs Debian's slurm-wlm and munge, no root.
set -euo pipefail
PATH=$PATH:/usr/sbin
folder=$(realpath "${1:-$(mktemp -d -t slurm-XXXX)}")
port=${SLURM_TEST_PORT:-6900} # two clusters at once need two
mkdir -p "$folder"/{state,spool}
chmod 700 "$folder"

head -c 1024 /dev/urandom > "$folder/munge.key"
chmod 400 "$folder/munge.key"
munged --force --socket="$folder/munge.socket" --key-file="$folder/munge.key" --pid-file="$folder/munge.pid" \
  --log-file="$folder/munge.log" --seed-file="$folder/munge.seed"

read -r cpus memory < <(slurmd -C | sed -nE 's/.* CPUs=([0-9]+) .*RealMemory=([0-9]+).*/\1 \2/p')
host=$(hostname -s)
cat > "$folder/slurm.conf" <<CONF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket,cred_expire=10
CryptoType=crypto/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/builtin
SchedulerParameters=batch_sched_delay=0,sched_interval=1
ReturnToService=2
OverTimeLimit=0
KillWait=20
MinJobAge=600
NodeName=$host NodeAddr=127.0.0.1 CPUs=$cpus Boards=1 SocketsPerBoard=1 CoresPerSocket=$cpus ThreadsPerCore=1 RealMemory=$memory State=UNKNOWN
PartitionName=all Nodes=$host Default=YES MaxTime=UNLIMITED DefMemPerCPU=1024 State=UP
CONF
export SLURM_CONF=$folder/slurm.conf
slurmctld
slurmd
for _ in $(seq 60); do
  sinfo -h -o %T 2>/dev/null | grep -q '^idle$' && exec echo "$folder"
  sleep 0.5
done
echo "SLURM's node is not idle after 30 s; see $folder/slurmctld.log and slurmd.log:" >&2
tail -n 5 "$folder"/slurm{ctld,d}.log >&2
"$(dirname "$0")/stop.sh" "$folder"
exit 1
