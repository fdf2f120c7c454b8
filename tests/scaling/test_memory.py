"""The planned memory of a study is right within a factor of two, and a study that does not fit is refused.

usage: test_memory.py PROGRAM

What the plan gives beside the program itself is compared with the growth of the resident memory over that of a study
that needs next to nothing.
"""
import pathlib
import subprocess
import sys

from workloads import DECKS, launch

program = pathlib.Path(sys.argv[1]).resolve()
failures = 0
ONE_STEP = "densities.law.steps=1"
CASES = [
    ("ensemble", ("ensembles.walk.particles=3000000", "ensembles.walk.steps=4", "ensembles.walk.at=[0.5, 0.75, 1]")),
    ("density_2d", ("grids.plane.cells=[1000,1000]", ONE_STEP, "processes.well.horizon=1e-5")),
    ("density_cross", ("grids.plane.cells=[400,400]", ONE_STEP, "processes.rotated.horizon=1e-5")),
    ("density_petsc", ("grids.plane.cells=[400,400]", ONE_STEP, "processes.well.horizon=1e-5")),
    ("bridge", ("grids.plane.cells=[300,300]", "bridges.crossing.slices=40", "bridges.crossing.tolerance=0.5",
                "processes.well.horizon=0.3", "bridges.crossing.at=[0.1]")),
    ("training", ("models.score.steps=2", "models.score.batch=1024", "models.score.shards=16",
                  "models.score.network={kind: mlp, hidden: [1024, 1024]}")),
]


def measured(name, assignments):
    _, run, _ = launch(program, name, 1, assignments)
    used = run["memory_per_rank_bytes"]
    assert used["min"] <= used["mean"] <= used["max"]
    return used["mean"], run["memory_planned_bytes"]


nothing, planned_for_nothing = measured("ensemble", ("ensembles.walk.particles=10", "ensembles.walk.steps=1"))
for name, assignments in CASES:
    used, planned = measured(name, assignments)
    growth, expected = used - nothing, planned - planned_for_nothing
    good = growth > 20e6 and 0.5 <= expected / growth <= 2
    failures += not good
    print(f"{name}: {growth / 1e6:.0f} MB grown, {expected / 1e6:.0f} MB planned{'' if good else '  FAILED'}")

for command in ("validate", "run"):
    done = subprocess.run([program, command, str(DECKS / "ensemble.yaml"), "ensembles.walk.particles=1000000000000"],
                          capture_output=True, text=True)
    good = done.returncode == 2 and done.stderr.count("of memory") == 1 and "ensembles.walk about 24 TB" in done.stderr
    failures += not good
    if not good:
        print(f"{command}: exit {done.returncode}\n{done.stderr}FAILED")
sys.exit(failures > 0)
