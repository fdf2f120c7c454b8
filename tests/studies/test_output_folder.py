"""The folder of the results belongs to the user: what fortet did not write stays as it is; two runs never share a folder; nothing of an earlier
run is left beside a new one; what failed leaves the rest standing."""
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import h5py

from decks import Workspace, expect, launch

DECK = """
study: a small study, σ = 1
output: out
laws: {start: {kind: gaussian, mean: [0], deviation: 1}}
processes: {ou: {kind: ornstein_uhlenbeck, dimension: 1}, bad: {kind: expression, drift: ["-x*if(t<0.6, 1, if(t<0.8, sqrt(-1 - t), 1))"], noise: 1, horizon: 1}}
grids: {line: {lower: [-6], upper: [6], cells: [100]}}
"""
PDE = "densities: {pde: {process: ou, initial: start, grid: line}}\n"
workspace = Workspace(sys.argv[1], DECK + PDE)
folder, out = workspace.folder, workspace.folder / "out"


def check(words, code, *messages, ranks=1, **more):
    done = workspace.run(*words, ranks=ranks, **more)
    said = done.stdout + done.stderr
    expect(done.returncode == code, f"{words}: exit code {done.returncode}, expected {code}\n{said}")
    for message in messages:
        expect(said.count(message) == 1, f"{words}: '{message}' is said {said.count(message)} times in\n{said}")
    return done


def contents(top):
    """All that is there: bytes of files, targets of links."""
    return {str(p.relative_to(top)): os.readlink(p) if p.is_symlink() else p.read_bytes() if p.is_file() else None for p in sorted(top.rglob("*"))}


def fresh():
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()


# Files of the user under names that a run would write: refused, with the names, and nothing is touched.
(folder / "elsewhere").mkdir()
(folder / "elsewhere/mine").write_text("mine")
for name in ("deck.yaml", "resolved.yaml", "results.json", "run.json", "study.xdmf", "study.h5", "checkpoints", "checkpoints/study.json", "checkpoints/epoch_99.pt",
             "checkpoints/densities.pde.state"):
    for make in ("text", "json", "link", "dangling link", "folder") if name in ("study.h5", "results.json", "checkpoints") else ("text", "link"):
        fresh()
        path = out / name
        path.parent.mkdir(exist_ok=True)
        if make in ("text", "json"):
            path.write_text("mine" if make == "text" else '{"mine": 1}')
        elif make == "folder":
            path.mkdir()
        else:
            path.symlink_to(folder / "elsewhere/mine" if make == "link" else folder / "nowhere")
        if name == "checkpoints" and make == "folder":
            continue  # an empty folder is in nobody's way
        before = contents(folder)
        check(["deck.yaml"], 2, name, "nothing was computed", command="run" if make == "text" else "validate", ranks=2 if name == "study.h5" else 1)
        expect(contents(folder) == before, f"{name} ({make}): something was changed")

# What a run left and somebody has changed since is the user's.
fresh()
check(["deck.yaml"], 0)
first = (out / "study.h5").read_bytes()
for name in ("deck.yaml", "results.json"):
    kept = (out / name).read_text()
    (out / name).write_text(kept + " ")
    check(["deck.yaml"], 2, f"{name} (not written, or changed since, by fortet)")
    (out / name).write_text(kept)
check(["deck.yaml"], 0, ranks=2)
expect((out / "study.h5").read_bytes() == first, "identical runs have not given identical bytes")

# A folder of version 0.1 has no list; its files are known by what is in them. The deck may lie where its copy belongs.
(out / ".fortet.files").unlink()
check(["deck.yaml"], 0)
check([str(out / "deck.yaml"), "grids.line.cells=[50]"], 0)
expect((out / "deck.yaml").read_text(encoding="utf-8") == DECK + PDE, "the deck that was read has changed")

# Nothing of an earlier run is left: its curves, weights, report; what is not fortet's stays.
fresh()
model = "models: {m: {kind: flow_matching, target: start, batch: 32, steps: 5, network: {kind: mlp, hidden: [8]}}}\n"
(folder / "model.yaml").write_text(DECK + model)
check(["model.yaml"], 0)
weights = (out / "m.weights.h5").read_bytes()
check(["model.yaml"], 0)
expect((out / "m.weights.h5").read_bytes() == weights, "identical runs have not given identical weights")
(out / "notes.txt").write_text("mine")
check(["out"], 0, command="report", environment={"FORTET_PYTHON": sys.executable, "LC_ALL": "C"})
expect("σ = 1" in (out / "report/report.html").read_text(encoding="utf-8"), "the title in another locale")
(out / "report/mine.png").write_text("mine")
check(["deck.yaml"], 0, "out/report: holds what fortet did not write and stays")
left = sorted(contents(out))
expect(left == [".fortet.files", "deck.yaml", "notes.txt", "report", "report/mine.png", "resolved.yaml", "results.json", "run.json", "study.h5", "study.xdmf"],
       f"left of an earlier run: {left}")
(out / "report/report.html").write_text("mine")
check(["out"], 4, "report.html; move it elsewhere", command="report", environment={"FORTET_PYTHON": sys.executable})
expect((out / "report/report.html").read_text() == "mine" and not list(out.glob(".fortet.report.*")), "the report has overwritten a page of the user")

# A file named stop: an empty one asks; one that holds something asks and stays; a folder asks nothing.


def start(*words, ranks=1):
    shutil.rmtree(out / "checkpoints", ignore_errors=True)
    process = subprocess.Popen(launch(ranks) + [workspace.program, "run", "slow.yaml", *words], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                               text=True, stdin=subprocess.DEVNULL)
    end = time.time() + 60
    while not (out / "checkpoints/study.json").exists():
        expect(time.time() < end and process.poll() is None, "the run does not begin")
        time.sleep(0.02)
    return process


(folder / "slow.yaml").write_text("""
study: a study that takes minutes
output: out
checkpoint_interval: 0.02
laws: {start: {kind: gaussian, mean: [0, 0], deviation: 1}}
processes: {ou: {kind: expression, drift: ["-x*(1 + t)", "-y"], noise: 1, horizon: 1}}
grids: {plane: {lower: [-5, -5], upper: [5, 5], cells: [60, 60]}}
densities: {pde: {process: ou, initial: start, grid: plane, propagator: strang, steps: 600000}}
""")
fresh()
(out / "stop").mkdir()
process = start()
(out / "stop").rmdir()
(out / "stop").write_text("please")
said = process.communicate(timeout=60)[1]
expect(process.returncode == 75 and "out/stop holds something and stays" in said, f"{process.returncode} {said}")
process = start()
# Meanwhile another run in this folder is refused, on any number of ranks, and leaves it alone.
for ranks in (1, 2):
    check(["deck.yaml"], 4, "is at work in this folder; wait for it, or name another output", ranks=ranks)
os.utime(out / "stop")
expect(process.wait(timeout=60) == 75 and (out / "stop").read_text() == "please", "a stop file that is touched")
expect(not (out / ".fortet.lock").exists(), "the lock was not given back")
(out / "stop").write_text("")

# A killed run leaves its lock, which the next one takes over; one of another host that may be alive is respected.
process = start()
process.send_signal(signal.SIGKILL)
process.wait()
expect((out / ".fortet.lock").exists(), "no lock while a run is at work")
check(["deck.yaml"], 0, "has ended without giving out back; its lock is taken over; going on", ranks=2)
lock = out / ".fortet.lock"
other = json.dumps({"host": "another", "process": 17, "started": "1", "machine": "another"})
lock.write_text(other)
check(["deck.yaml"], 4, "a run on host another (process 17) is at work in this folder")
expect(lock.read_text() == other, "the lock of another host was touched")
os.utime(lock, (time.time() - 118, time.time() - 118))
check(["deck.yaml", "--restart", "latest"], 0, "waiting for a sign of its life", "no sign of life")
check(["deck.yaml", "grids.line.cells=[0]"], 2)
check(["deck.yaml", "densities.pde.process=bad"], 3)
expect(not lock.exists(), "an error has kept the lock")

# Checkpoints: what is not fortet's stays among them.
fresh()
process = start()
(out / "checkpoints/notes.txt").write_text("mine")
process.send_signal(signal.SIGTERM)
expect(process.wait(timeout=60) == 75, "TERM")
check(["deck.yaml"], 0, "were set aside")
expect((out / "checkpoints/notes.txt").read_text() == "mine" and (out / "checkpoints.previous/study.json").exists(), "checkpoints that were set aside")

# What fails leaves the rest standing, is named, and the exit code tells.
fails = DECK + """
densities:
  pde: {process: ou, initial: start, grid: line}
  bad: {process: bad, initial: start, grid: line, steps: 40}
ensembles: {sde: {process: ou, initial: start, particles: 500, stepper: exact}}
checks:
  - {name: good, compare: [ensembles.sde, densities.pde], by: [cells]}
  - {name: poor, compare: [ensembles.sde, densities.bad], by: [cells]}
"""
(folder / "fails.yaml").write_text(fails)
for ranks in (1, 4):
    fresh()
    check(["fails.yaml"], 3, "drift[0] is nan at x", "poor: needs densities.bad, which failed", "fortet: not computed: densities.bad, poor", ranks=ranks)
    results = json.loads((out / "results.json").read_text())
    expect([(one["object"], one["exit_code"]) for one in results["failed"]] == [("densities.bad", 3), ("poor", 3)], f"failed: {results['failed']}")
    expect(results["verdict"] == "failed" and [one["name"] for one in results["checks"]] == ["good"], "the check of what did not fail")
    with h5py.File(out / "study.h5") as file:
        expect(list(file["densities"]) == ["pde"] and list(file["ensembles"]) == ["sde"], "what did not fail is not in study.h5")

# Of a sweep the other cases go on; a restart computes what failed, and what is gone, again.
(folder / "sweep.yaml").write_text(DECK + "densities: {pde: {process: ou, initial: start, grid: line, steps: 40}}\nsweep: {densities.pde.process: [ou, bad, ou]}\n")
fresh()
check(["sweep.yaml"], 3, "case_0003 (3 of 3)")
rows = (out / "sweep.csv").read_text().splitlines()
expect(len(rows) == 2 and '"densities.pde"' in rows[1] and "failed: " in rows[1] and "drift[0] is nan" in rows[1], f"sweep.csv: {rows}")
expect(all((out / f"case_000{i}/results.json").exists() for i in (1, 2, 3)), "the cases of a sweep")
shutil.rmtree(out / "case_0003")
done = check(["sweep.yaml", "--restart", "latest"], 3, "its results are gone: computed again")
expect(done.stdout.count("finished by an earlier run\n") == 1, f"the case that was finished\n{done.stdout}")
(folder / "sweep.yaml").write_text((folder / "sweep.yaml").read_text().replace("[ou, bad, ou]", "[ou]").replace("sweep:", "sweep: {seeds: [1, 2]}\n#"))
check(["sweep.yaml"], 0)
expect(sorted(p.name for p in out.glob("case_*")) == ["case_0001", "case_0002"], "a case of a larger sweep is left")

# PETSc: no options from files or the environment; those that nobody reads are refused or told.
for name in (".petscrc", "petscrc"):
    (folder / name).write_text("-dll_append nowhere.so\n-density_pde_ts_view\n")
petsc = ["deck.yaml", "densities.pde.propagator=bdf2"]
fresh()
done = check(petsc, 0, "the variable PETSC_OPTIONS is not read", ranks=2, environment={"PETSC_OPTIONS": "-density_pde_ts_view"})
expect("TS Object" not in done.stdout and "petsc_options" not in json.loads((out / "results.json").read_text()), "an option from elsewhere")
check(petsc + ["--", "-density_pde_ts_adapt_clip", ".1,5"], 0)
expect(json.loads((out / "results.json").read_text())["petsc_options"] == ["-density_pde_ts_adapt_clip", ".1,5"], "options are not recorded")
check(petsc + ["--", "-ts_type", "rosw"], 2, "reads the option -ts_type of PETSc", ranks=2)
check(petsc + ["--", "rosw"], 2, "expected an option of PETSc after --, found 'rosw'")
check(petsc + ["--", "-density_pdf_ts_type", "rosw"], 2, "reads the option -density_pdf_ts_type of PETSc")
check(petsc + ["--", "-density_pde_ts_typ", "rosw"], 2, "nothing has read: -density_pde_ts_typ;")
expect("nothing has read -density_pde_ts_typ" in (out / "results.json").read_text(), "an option that nothing has read is not noted")

check(["deck.yaml", "output="], 2)
check(["deck.yaml", 'output=""'], 2, "output: expected the name of a folder")
long = check(["deck.yaml", "ensembles={sde: {process: ou, particles: " + "x" * 100000 + "}}"], 2)
expect(len(long.stderr) < 2000, f"a message of {len(long.stderr)} bytes")
private = folder / "temporary"
private.mkdir()
check([], 0, command="selftest", environment={"TMPDIR": str(private)})
expect(not list(private.iterdir()), "the self test has left something")
print("the folder of the results is the user's")
