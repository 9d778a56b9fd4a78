#!/bin/bash
# A participant for each task of a SLURM array, then the tables:
#   ls -d BIDS_DIR/sub-* | xargs -n1 basename > participants.txt
#   array=$(sbatch --parsable --array=1-$(wc -l < participants.txt)%50 cluster/slurm_array.sh BIDS_DIR OUTPUT_DIR)
#   sbatch --dependency=afterany:$array --wrap "fsh-bids BIDS_DIR OUTPUT_DIR group"
# A task that was killed may be sent again: what is done is not done again.
#SBATCH --job-name=fsh
#SBATCH --cpus-per-task=2
#SBATCH --mem=4G
#SBATCH --time=00:30:00
set -euo pipefail
participant=$(sed -n "${SLURM_ARRAY_TASK_ID}p" participants.txt)
exec fsh-bids "$1" "$2" participant --participant-label "$participant" \
    --n-cpus "${SLURM_CPUS_PER_TASK:-2}" --mem-mb "${SLURM_MEM_PER_NODE:-4000}"
