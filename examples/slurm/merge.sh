#!/bin/sh
# Puts the parts of a study together that sweep.sh has run; exit code 1 when a point that must hold does not.
#SBATCH --job-name=merge-study
#SBATCH --cpus-per-task=1
#SBATCH --mem=1G
#SBATCH --time=00:10:00
set -eu
highwater merge "$(basename "$1" .toml).results"
