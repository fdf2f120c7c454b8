#!/usr/bin/env bash
# What the PBS templates start and submit, with stand-ins for PBS and mpirun:  pbs.sh SOURCE_FOLDER
set -euo pipefail
source=$(realpath "$1")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/bin"
# shellcheck disable=SC2016  # expanded by the stand-ins
{
  echo 'echo "    Resource_List.walltime = 02:00:00"' >"$folder/bin/qstat"
  echo 'echo "qsub $* with $DECK $FORTET $OVERRIDES"' >"$folder/bin/qsub"
  echo 'echo "mpirun $* of $# words"; exit ${CODE:-0}' >"$folder/bin/mpirun"
}
for program in qstat qsub mpirun; do
  sed -i '1i #!/usr/bin/env bash' "$folder/bin/$program"
  chmod +x "$folder/bin/$program"
done
printf 'node\nnode\n' >"$folder/nodes"
touch "$folder/plane.cells=6"  # what the assignment below would match if a shell took it for a pattern
unset OVERRIDES FORTET_JOBS
export PATH=$folder/bin:$PATH PBS_O_WORKDIR=$folder PBS_NODEFILE=$folder/nodes PBS_JOBID=1.server DECK=deck.yaml FORTET=/opt/fortet

expect() {  # expect TEXT CODE SCRIPT [VARIABLE=VALUE ...]
  local text=$1 code=$2 script=$3 said status=0
  shift 3
  said=$(env "$@" bash "$source/jobs/pbs/$script") || status=$?
  if [ "$said" != "$text" ] || [ $status -ne "$code" ]; then
    printf '%s %s ended with %s, expected %s\n--- said\n%s\n--- expected\n%s\n' "$script" "$*" "$status" "$code" "$said" "$text" >&2
    exit 1
  fi
}

words="plane.cells=[64,64] seed=3"
jobs=FORTET_JOBS=$source/jobs/slurm
expect "mpirun -n 2 /opt/fortet run deck.yaml of 5 words" 0 single.pbs A=
expect "mpirun -n 2 /opt/fortet run deck.yaml $words of 7 words" 0 single.pbs OVERRIDES="$words"
expect "mpirun -n 2 /opt/fortet run deck.yaml $words --case 7 of 9 words" 0 sweep.pbs OVERRIDES="$words" PBS_ARRAY_INDEX=7
expect "mpirun -n 2 /opt/fortet run deck.yaml --restart latest --walltime 02:00:00 of 9 words" 0 chain.pbs "$jobs"
expect "mpirun -n 2 /opt/fortet run deck.yaml $words --restart latest --walltime 02:00:00 of 11 words
qsub -v DECK,FORTET,FORTET_JOBS,OVERRIDES $source/jobs/slurm/../pbs/chain.pbs with deck.yaml /opt/fortet $words" 75 chain.pbs "$jobs" CODE=75 OVERRIDES="$words"
expect "mpirun -n 2 /opt/fortet run deck.yaml --restart latest --walltime 02:00:00 of 9 words" 3 chain.pbs "$jobs" CODE=3
echo "the PBS templates start and submit what they should"
