"""Memory of a Schroedinger bridge with its slices in memory and on disk, and the rate of particles that walk it.

usage: test_slices.py PROGRAM [--cells N] [--slices N] [--particles N] [--ranks N] [--folder DISK]

Memory is the high-water, over all ranks, of their pages that are no file's (Pss_Anon + Pss_Shmem of
/proc/PID/smaps_rollup, asked every few milliseconds): pages of the file of slices are the system's to take back. On disk
it must be less by the size of the slices.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

parser = argparse.ArgumentParser()
parser.add_argument("program", type=pathlib.Path)
parser.add_argument("--cells", type=int, default=256)
parser.add_argument("--slices", type=int, default=60)
parser.add_argument("--particles", type=int, default=100000)
parser.add_argument("--ranks", type=int, default=2)
parser.add_argument("--folder", default=os.environ.get("TMPDIR", "/tmp"))
options = parser.parse_args()
program = str(options.program.resolve())
sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import studies

DECK = """
study: particles on a bridge
output: out
laws: {{left: {{kind: gaussian, mean: [-0.7, -0.7], deviation: 0.5}}, right: {{kind: gaussian, mean: [0.4, 0.4], deviation: 0.6}}}}
processes: {{free: {{kind: brownian, dimension: 2, sigma: 0.5}}, crossing: {{kind: bridge, of: b}}}}
grids: {{plane: {{lower: [-4, -4], upper: [4, 4], cells: [{cells}, {cells}]}}}}
bridges: {{b: {{kind: schroedinger, process: free, source: left, target: right, grid: plane, at: [1], tolerance: 1e-3, slices: {slices}}}}}
ensembles: {{walk: {{process: crossing, initial: left, particles: {particles}, store: 1000, stepper: euler_maruyama, steps: 200, at: [1]}}}}
"""


def pages(pid):
    """Bytes of a process's pages by kind."""
    found = {}
    try:
        for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
            name, size = line.split()[:2]
            found[name.rstrip(":")] = 1024 * int(size)
    except OSError:  # it has ended
        pass
    return found


def measured(folder, *words):
    process = studies.start(program, folder / "deck.yaml", folder, options.ranks, *words,
                            environment={"OMP_NUM_THREADS": "1"})
    memory, files, pids = [], 0, []
    while process.poll() is None:
        if len(pids) < options.ranks:
            pids = studies.rank_processes(program, folder)
        now = [pages(pid) for pid in pids]
        memory.append(sum(one.get("Pss_Anon", 0) + one.get("Pss_Shmem", 0) for one in now))
        files = max(files, sum(one.get("Pss_File", 0) for one in now))
        time.sleep(0.005)
    if process.returncode != 0:
        sys.exit((folder / "log").read_text())
    run = json.loads((folder / "out/run.json").read_text())
    # The few largest may be false: what one rank unmaps after it was asked is then all of the other's.
    return sorted(memory)[-5], files, run


with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    (folder / "deck.yaml").write_text(DECK.format(**vars(options)))
    plan = subprocess.run([program, "validate", str(folder / "deck.yaml"), "bridges.b.slices_on=disk"], capture_output=True, text=True, check=True)
    print(*(line for line in plan.stdout.splitlines() if "bridges.b" in line or "disk" in line), sep="\n")
    print("slices on | memory, MB | pages of files, MB | bridge, s | walk, M particle-steps/s")
    least = {}
    for place in ("memory", "disk"):
        words = ["bridges.b.slices_on=disk", f"bridges.b.slices_folder={options.folder}"] if place == "disk" else []
        least[place], files, run = measured(folder, *words)
        seconds = {name: one["max"] for name, one in run["seconds_of"].items()}
        rate = 200 * options.particles / seconds["ensembles.walk"]
        print(f"{place} | {least[place] / 1e6:.0f} | {files / 1e6:.0f} | {seconds['bridges.b']:.1f} | {rate / 1e6:.1f}")
size = 8 * options.cells**2 * (options.slices + 1)
saved = least["memory"] - least["disk"]
print(f"{saved / 1e6:.0f} MB less on disk, where the slices take {size / 1e6:.0f} MB")
sys.exit(not 0.9 * size < saved < 1.2 * size)
