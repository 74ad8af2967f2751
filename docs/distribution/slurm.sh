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

failed=$PWD/tfdarts-$SLURM_JOB_ID.failed
export failed

# The tasks of srun know which of them they are. Code 6 says that another
# worker was lost, 14 that one was lost while all were joined, 137 and 143 that
# this one was killed, as srun does when one has ended: any other error would
# come again, and is left in a file.
# shellcheck disable=SC2016
start='
  export TF_CONFIG="{\"cluster\": {\"worker\": [$workers]},
    \"task\": {\"type\": \"worker\", \"index\": $SLURM_PROCID}}"
  code=0
  "$@" --distribute=multiworker || code=$?
  case $code in
    0 | 6 | 14 | 137 | 143) ;;
    *) echo "$code" >"$failed" ;;
  esac
  exit "$code"'

for attempt in 1 2 3; do
  rm -f "$failed"
  code=0
  srun --kill-on-bad-exit=1 --cpus-per-task="${SLURM_CPUS_PER_TASK:-1}" \
    bash -c "$start" worker "$@" || code=$?
  if [ -e "$failed" ]; then
    code=$(cat "$failed")
    rm -f "$failed"
    exit "$code"
  fi
  case $code in
    6 | 14 | 137 | 143) echo "A worker was lost, attempt $attempt." >&2 ;;
    *) exit "$code" ;;
  esac
done
exit "$code"
