# Sourced by the batch scripts beside it: the launcher, the threads, and the signals.
#
#   FORTET          the program (default: fortet from PATH)
#   FORTET_LAUNCH   how ranks are started (default: mpirun, which takes their number from Slurm; another choice is
#                   "srun --mpi=pmix", for an MPI that was built with PMIx)

FORTET=${FORTET:-fortet}
FORTET_LAUNCH=${FORTET_LAUNCH:-mpirun}
# One thread per core that Slurm gave to a task; nothing beyond that.
export OMP_NUM_THREADS=${SLURM_CPUS_PER_TASK:-${OMP_NUM_THREADS:-1}}
# srun inside a batch script does not inherit --cpus-per-task by itself (Slurm 22.05 and later).
[ -z "${SLURM_CPUS_PER_TASK:-}" ] || export SRUN_CPUS_PER_TASK=$SLURM_CPUS_PER_TASK

# Time left of this job as H:M:S, as --walltime wants it; nothing when the partition has no limit.
time_left() {
  local left days=0
  left=$(squeue -h -j "$SLURM_JOB_ID" -o %L)
  case $left in
    [0-9]*) ;;
    *) return 0 ;;
  esac
  if [[ $left == *-* ]]; then days=${left%%-*}; left=${left#*-}; fi
  IFS=: read -r -a parts <<<"$left"
  while [ ${#parts[@]} -lt 3 ]; do parts=(0 "${parts[@]}"); done
  printf '%d:%02d:%02d\n' $((10#$days * 24 + 10#${parts[0]})) $((10#${parts[1]})) $((10#${parts[2]}))
}

# Runs the ranks so that a signal to this script reaches all of them. The script has asked Slurm for the signal itself
# (--signal=B:...), because Slurm sends it otherwise to job steps only, and ranks that mpirun starts on the node of the
# script belong to no step. The launcher gets it as USR1, which mpirun and srun both pass on to every rank; a TERM to
# mpirun would kill the ranks before their checkpoint is written. Returns the program's exit code;
# stop_asked tells afterwards whether a signal came.
# shellcheck disable=SC2034  # read by the scripts that source this file
stop_asked=
run_ranks() {
  $FORTET_LAUNCH "$@" &
  local launcher=$! code=0 interrupted=yes status
  trap 'interrupted=yes; stop_asked=yes; kill -USR1 $launcher 2>/dev/null || true' USR1 TERM
  while [ -n "$interrupted" ]; do  # a signal ends `wait` before the launcher has ended
    interrupted=
    status=0
    wait $launcher || status=$?
    [ $status -eq 127 ] || code=$status  # 127: it had ended before, and its code is known
  done
  trap - USR1 TERM
  return $code
}
