#!/usr/bin/env bash
# sbatch slurm.sh tfdarts-search --flagfile=... --run_dir=/shared/runs/name
#
# One process a node, with all GPUs of the node.
#SBATCH --job-name=tfdarts
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=4
#SBATCH --cpus-per-task=16
#SBATCH --time=24:00:00
#SBATCH --requeue
set -euo pipefail

port=$((20000 + SLURM_JOB_ID % 10000))
workers=$(scontrol show hostnames "$SLURM_JOB_NODELIST" |
  sed "s/.*/\"&:$port\"/" | paste -s -d ,)
export workers

# The tasks of srun know which of them they are.
# shellcheck disable=SC2016
start='
  export TF_CONFIG="{\"cluster\": {\"worker\": [$workers]},
    \"task\": {\"type\": \"worker\", \"index\": $SLURM_PROCID}}"
  exec "$@" --distribute=multiworker'

# Code 6 says that a worker was lost, 137 and 143 that one was killed, and
# srun tells the highest of all: the same command goes on.
for attempt in 1 2 3; do
  code=0
  srun --kill-on-bad-exit=1 --cpus-per-task="${SLURM_CPUS_PER_TASK:-1}" \
    bash -c "$start" worker "$@" || code=$?
  case $code in
    6 | 137 | 143) echo "A worker was lost, attempt $attempt." >&2 ;;
    *) exit "$code" ;;
  esac
done
exit "$code"
