#!/usr/bin/env bash
# Trains the demo model on all GPUs of this machine, then evaluates it and copies what is worth keeping.
#
#   run-on-card.sh train CALL_SECONDS TOTAL_SECONDS     go on from $STATE; export the model to $MODEL. TOTAL_SECONDS is the
#                                                       training time of all calls; 0 says that this call is the last
#   run-on-card.sh evaluate [evaluate.py's options]     measure $MODEL
#   run-on-card.sh all CALL_SECONDS TOTAL_SECONDS [...] train, then evaluate
#
# TRAIN_OPTIONS are passed on to train.py, WORKERS are processes that make batches for one GPU. STATE (default
# /tmp/demo/state.pt) and MODEL (default /tmp/demo/model) stay on the machine; the model, the log and the tables are copied to
# OUT (default /tmp/demo/out): 8 files, none over 16 MiB.
set -euo pipefail
cd "$(dirname "$0")"
STATE=${STATE:-/tmp/demo/state.pt} MODEL=${MODEL:-/tmp/demo/model} OUT=${OUT:-/tmp/demo/out}
mkdir -p "$(dirname "$STATE")" "$OUT"
export PYTHONUNBUFFERED=1 OMP_NUM_THREADS=2

train() {
  local gpus workers
  gpus=${GPUS:-$(nvidia-smi --list-gpus | wc -l)}
  workers=${WORKERS:-$(( $(nproc) / gpus > 12 ? 10 : 6 ))}
  torchrun --standalone --nproc_per_node="$gpus" train.py --state "$STATE" --model "$MODEL" --workers "$workers" \
    --call "$1" --total "$2" ${TRAIN_OPTIONS:-} 2>&1 | tee -a "$(dirname "$STATE")/train.log"
}

evaluate() {
  python3 bpe.py check
  python3 evaluate.py "$MODEL" "$OUT" "$@" || python3 evaluate.py "$MODEL" "$OUT" --eager "$@"
}

keep() {
  mkdir -p "$OUT/model"
  cp "$MODEL"/* "$OUT/model/"
  cp "$(dirname "$STATE")/train.log" "$OUT/"
}

case "${1:-}" in
  train) train "$2" "$3"; keep ;;
  evaluate) shift; keep; evaluate "$@" ;;
  all) call=$2 total=$3; shift 3; train "$call" "$total"; keep; evaluate "$@" ;;
  *) sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
