"""The planned memory of a study is at most a fifth too small and a third too large on any number of ranks, and a study that does not fit is refused.

usage: test_memory.py PROGRAM RANKS ...

Compared is what the plan gives for all ranks beside the program itself with the growth of the memory of all ranks over that of a
study that needs next to nothing: the sum of their high-waters, in which what they share counts once. (A page of a shared window is
resident in every rank that has touched it; its proportional share, which would count it once, has no high-water, but the windows
live long enough for the surplus to be seen while the study runs.)
"""
import pathlib
import subprocess
import sys
import threading

from workloads import DECKS, launch

program = pathlib.Path(sys.argv[1]).resolve()
failures = 0
ONE_STEP = "densities.law.steps=1"
CASES = [
    ("ensemble", ("ensembles.walk.particles=2000000", "ensembles.walk.steps=4", "ensembles.walk.at=[0.5, 0.75, 1]")),
    ("density_2d", ("grids.plane.cells=[800,800]", ONE_STEP, "processes.well.horizon=1e-5")),
    ("density_3d", ("grids.space.cells=[120,120,120]", ONE_STEP, "processes.well.horizon=1e-4")),
    ("points", ()),
    ("density_cross", ("grids.plane.cells=[400,400]", ONE_STEP, "processes.rotated.horizon=1e-5")),
    ("density_petsc", ("grids.plane.cells=[400,400]", ONE_STEP, "processes.well.horizon=1e-5")),
    ("score", ("grids.plane.cells=[600,600]", "processes.forward.beta={kind: linear, from: 0.01, to: 0.02}")),
    ("bridge", ("grids.plane.cells=[300,300]", "bridges.crossing.slices=40", "bridges.crossing.tolerance=0.5",
                "processes.well.horizon=0.1", "bridges.crossing.at=[0.05]")),
    ("training", ("models.score.steps=2", "models.score.batch=1024", "models.score.shards=16",
                  "models.score.network={kind: mlp, hidden: [1024, 1024]}")),
]


class Surplus:
    """How much more the resident memories of a launcher's processes add up to than what they hold together, at most, in bytes."""

    def __init__(self, launcher):
        self.bytes = 0
        self._children = pathlib.Path(f"/proc/{launcher}/task/{launcher}/children")
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _watch(self):
        while not self._over.wait(0.05):
            try:
                self.bytes = max(self.bytes, sum(map(self._of, self._children.read_text().split())))
            except OSError:
                pass  # one that has just ended

    @staticmethod
    def _of(rank):
        def kilobytes(file, key):
            return next((int(line.split()[1]) for line in pathlib.Path(f"/proc/{rank}/{file}").read_text().splitlines()
                         if line.startswith(key)), 0)

        return 1024 * (kilobytes("status", "RssShmem:") - kilobytes("smaps_rollup", "Pss_Shmem:"))

    def stop(self):
        self._over.set()
        self._thread.join()


def measured(name, ranks, assignments):
    """Bytes of all ranks together: used and planned."""
    _, run, _, surplus = launch(program, name, ranks, assignments, watch=Surplus)
    used = run["memory_per_rank_bytes"]
    assert used["min"] <= used["mean"] <= used["max"]
    return ranks * used["mean"] - surplus.bytes, run["memory_planned_bytes"]


for ranks in map(int, sys.argv[2:]):
    nothing, planned_for_nothing = measured("ensemble", ranks, ("ensembles.walk.particles=10", "ensembles.walk.steps=1"))
    for name, assignments in CASES:
        used, planned = measured(name, ranks, assignments)
        growth, expected = used - nothing, planned - planned_for_nothing
        good = growth > 20e6 and 0.8 <= expected / growth <= 1.35
        failures += not good
        print(f"{name}, {ranks} rank{'s' if ranks > 1 else ''}: {growth / 1e6:.0f} MB grown, {expected / 1e6:.0f} MB planned{'' if good else '  FAILED'}", flush=True)

for command in ("validate", "run"):
    done = subprocess.run([program, command, str(DECKS / "ensemble.yaml"), "ensembles.walk.particles=1000000000000"],
                          capture_output=True, text=True)
    good = done.returncode == 2 and done.stderr.count("of memory") == 1 and "ensembles.walk about 24 TB" in done.stderr
    failures += not good
    if not good:
        print(f"{command}: exit {done.returncode}\n{done.stderr}FAILED")
sys.exit(failures > 0)
