#!/bin/bash
# Ends the SLURM that start.sh started in FOLDER, and its jobs.
folder=${1:?the folder that start.sh printed}
SLURM_CONF=$folder/slurm.conf timeout 5 scancel --user="$(id -un)" 2>/dev/null
for daemon in slurmd slurmctld munge; do
  pid=$(cat "$folder/$daemon.pid" 2>/dev/null) || continue
  kill "$pid" 2>/dev/null
  for _ in $(seq 50); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  kill -9 "$pid" 2>/dev/null
done
true
