"""The workloads whose messages are counted and timed, and how one run of the program is made and read.

What a step costs is the difference of two runs that take different numbers of steps, divided by the difference of those
numbers: what starting, ending and writing send cancels.
"""
import dataclasses
import json
import os
import pathlib
import subprocess
import tempfile

DECKS = pathlib.Path(__file__).resolve().parent / "decks"


@dataclasses.dataclass(frozen=True)
class Workload:
    unit: str  # what the counts are per
    target: str  # the object of the deck
    few: tuple  # assignments of the shorter run
    many: tuple  # and of the longer one
    size: int  # cells, particles, or samples of a batch
    layers: int = 0  # cells of the last axis
    timed: tuple = ()  # assignments that make it worth timing
    timed_few: tuple = ()
    timed_many: tuple = ()
    timed_size: int = 0
    timed_layers: int = 0
    twice: tuple = ()  # assignments that double the timed size, for weak scaling


def steps(count, target="densities.law"):
    return (f"{target}.steps={count}",)


def plane(**timed):
    return {"size": 128 * 128, "layers": 128, "timed": ("grids.plane.cells=[256,256]",), "timed_size": 256 * 256,
            "timed_layers": 256, "twice": ("grids.plane.cells=[256,512]",), **timed}


WIDE = "models.score.network={kind: mlp, hidden: [256, 256, 256]}"
WORKLOADS = {
    "ensemble": Workload("step", "ensembles.walk", steps(100, "ensembles.walk"), steps(200, "ensembles.walk"),
                         size=40000, timed=("ensembles.walk.particles=400000",), timed_size=400000,
                         timed_few=steps(50, "ensembles.walk"), timed_many=steps(150, "ensembles.walk"),
                         twice=("ensembles.walk.particles=800000",)),
    "density_2d": Workload("step", "densities.law", steps(100), steps(200),
                           **plane(timed_few=steps(50), timed_many=steps(150))),
    "density_moving": Workload("step", "densities.law", steps(100), steps(200),
                               **plane(timed_few=steps(50), timed_many=steps(150))),
    "density_3d": Workload("step", "densities.law", steps(20), steps(40), size=24 * 24 * 64, layers=64,
                           timed=("grids.space.cells=[48,48,64]",), timed_size=48 * 48 * 64, timed_layers=64,
                           timed_few=steps(40), timed_many=steps(100), twice=("grids.space.cells=[48,48,128]",)),
    "density_cross": Workload("term of the series", "densities.law", ("processes.rotated.horizon=0.2",),
                              ("processes.rotated.horizon=0.4",),
                              **plane(timed_few=("processes.rotated.horizon=0.1",),
                                      timed_many=("processes.rotated.horizon=0.4",))),
    "density_petsc": Workload("step", "densities.law", steps(50), steps(100),
                              **plane(timed_few=steps(50), timed_many=steps(80))),
    "training": Workload("step", "models.score", steps(200, "models.score"), steps(400, "models.score"), size=512,
                         timed=("models.score.batch=4096", WIDE), timed_size=4096,
                         timed_few=steps(10, "models.score"), timed_many=steps(30, "models.score"),
                         twice=("models.score.batch=8192", WIDE)),
    "bridge": Workload("iteration", "bridges.crossing", ("bridges.crossing.tolerance=1e-2",),
                       ("bridges.crossing.tolerance=1e-12",), size=64 * 64, layers=64,
                       timed=("grids.plane.cells=[128,128]",), timed_size=128 * 128, timed_layers=128,
                       timed_few=("bridges.crossing.tolerance=1e-2",),
                       timed_many=("bridges.crossing.tolerance=1e-12",), twice=("grids.plane.cells=[128,256]",)),
}


def shorter(assignments, ranks):
    """With more ranks than cores a step takes long: fewer of them tell as much."""
    divisor = {16: 2, 32: 5, 64: 10}.get(ranks, 1)
    return tuple(f"{key}={int(value) // divisor}" if key.endswith(".steps") else assignment
                 for assignment in assignments for key, value in [assignment.split("=", 1)])


def launch(program, name, ranks, assignments, library=None, ping_pong=False, timeout=600, watch=None):
    """One run: what was counted (with `library`), run.json, results.json, and what `watch`, called with the launcher's process id and
    stopped at its end, has seen."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        environment = dict(os.environ, OMP_NUM_THREADS="1", OMPI_MCA_mpi_yield_when_idle="1")
        export = []
        if library:
            preload = {"LD_PRELOAD": str(library), "COUNT_MESSAGES_FILE": str(folder / "counts.json")}
            if ping_pong:
                preload["COUNT_MESSAGES_PING_PONG"] = "1"
            export = [word for key, value in preload.items() for word in ("-x", f"{key}={value}")]
        command = ["mpirun", "--oversubscribe", "-n", str(ranks), *export, str(program), "run",
                   str(DECKS / f"{name}.yaml"), f"output={folder}/results", *assignments]
        process = subprocess.Popen(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True)
        watcher = watch(process.pid) if watch else None
        try:
            said, _ = process.communicate(timeout=timeout)
        finally:
            process.kill()
            if watcher:
                watcher.stop()
        if process.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{said}")
        read = lambda file: json.loads((folder / file).read_text())
        return (read("counts.json") if library else None), read("results/run.json"), read("results/results.json"), watcher


def units(name, run, results, size=None):
    """How many units of the workload a run took."""
    workload = WORKLOADS[name]
    work = run["work_of"].get(workload.target, {})
    if workload.unit == "iteration":
        return results["quantities"][workload.target]["iterations"]
    if workload.unit == "term of the series":
        return work["stencil_terms"] / (size or workload.size)
    if name == "training":
        return next(int(word.split("=")[1]) for word in run["command_line"] if word.startswith("models.score.steps="))
    if name == "ensemble":
        return work["particle_steps"] / (size or workload.size)
    return work["steps"]


KINDS = ("point_to_point", "neighbourhood", "reductions", "broadcasts", "gathers", "all_to_all", "barriers", "files")


def totals(name, counts):
    """Calls, messages and bytes by kind, as sums and largest values over the ranks."""
    result = {}
    for kind in KINDS:
        functions = counts["counts"].get(kind, {}).values()
        result[kind] = {field: {over: sum(f[field][over] for f in functions) for over in ("sum", "max")}
                        for field in ("calls", "messages", "bytes")}
    # The question whether a checkpoint is due (four numbers, asked of all ranks about ten times a second) is set apart.
    asked = 0 if name == "density_petsc" else counts["reduction_sizes"].get("32", 0)  # PETSc has reductions of that size
    result["reductions"]["calls"]["sum"] -= asked * counts["ranks"]
    result["reductions"]["calls"]["max"] -= asked
    result["reductions"]["bytes"]["sum"] -= 32 * asked * counts["ranks"]
    result["reductions"]["bytes"]["max"] -= 32 * asked
    return result, asked


def per_unit(program, library, name, ranks, extra=()):
    """Counts per unit of a workload, and what is needed to judge them."""
    workload = WORKLOADS[name]
    found = []
    for assignments in (workload.few, workload.many):
        counts, run, results, _ = launch(program, name, ranks, (*shorter(assignments, ranks), *extra), library)
        counted, asked = totals(name, counts)
        found.append((counted, asked, units(name, run, results), counts))
    (few, asked_few, n_few, _), (many, asked_many, n_many, counts) = found
    taken = n_many - n_few
    result = {kind: {field: {over: (many[kind][field][over] - few[kind][field][over]) / taken
                             for over in ("sum", "max")} for field in few[kind]} for kind in KINDS}
    return {"ranks": ranks, "units": n_many, "difference": taken, "per_unit": result,
            "whole_run": {kind: many[kind] for kind in KINDS},
            "questions": {"few": asked_few, "many": asked_many, "seconds": counts["seconds"]},
            "memory_bytes": counts["memory_bytes"]}
