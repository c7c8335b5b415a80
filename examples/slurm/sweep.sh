#!/bin/sh
# A study as an array of Slurm on a shared file system.
#   first=$(sbatch --parsable examples/slurm/sweep.sh study.toml)
#   sbatch --dependency=afterok:"$first" examples/slurm/merge.sh study.toml
# A task that ran out of time goes on where it stopped when it is submitted again.
#SBATCH --job-name=study
#SBATCH --array=0-15
#SBATCH --cpus-per-task=4
#SBATCH --mem=2G
#SBATCH --time=01:00:00
set -eu
highwater sweep "$1" --out "$(basename "$1" .toml).results" --jobs "${SLURM_CPUS_PER_TASK:-1}"
