"""study.h5 and weights have the same bytes for any number of ranks and threads, and for a repetition."""
import subprocess
import sys

from decks import SMALL, Workspace, expect

LEARNED = SMALL.replace("processes:\n", """  noise: {kind: gaussian, dimension: 2}
models:
  score: {kind: denoising_score_matching, process: forward, data: data, steps: 60, batch: 70, network: {kind: mlp, hidden: [16, 16]}}
  velocity: {kind: ot_cfm, source: noise, target: data, steps: 60, batch: 64, network: {kind: mlp, hidden: [16, 16]}}
bridges:
  bridge: {kind: schroedinger, process: forward, source: noise, target: data, grid: plane, slices: 10, steps: 10}
processes:
  flow: {kind: flow, dimension: 2, velocity: {model: velocity}}
  back: {kind: time_reversal, of: forward, score: {model: score}, stop: 0.05}
  bridged: {kind: bridge, of: bridge}
""", 1).replace("ensembles:\n", """  learned: {process: back, initial: noise, grid: plane, steps: 10}
ensembles:
  ode: {process: flow, initial: noise, particles: 1001, stepper: rk4, steps: 10}
  bridged: {process: bridged, initial: noise, particles: 1001, steps: 10}
""", 1)
workspace = Workspace(sys.argv[1], LEARNED)
runs = {"once": (1, 1), "again": (1, 1), "two": (2, 1), "three": (3, 1), "four": (4, 1), "seven": (7, 1), "threads": (1, 2)}
for name, (ranks, threads) in runs.items():
    done = workspace.run("deck.yaml", f"output={name}", ranks=ranks, threads=threads)
    expect(done.returncode == 0, f"{name}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
for name in list(runs)[1:]:
    for file in ("study.h5", "score.weights.h5", "velocity.weights.h5"):
        if (workspace.folder / "once" / file).read_bytes() == (workspace.folder / name / file).read_bytes():
            continue
        diff = subprocess.run(["h5diff", "-v", f"once/{file}", f"{name}/{file}"], cwd=workspace.folder, capture_output=True, text=True)
        expect(False, f"{name}: {file} has other bytes\n{diff.stdout[-2000:]}{diff.stderr}")
    same = (workspace.folder / "once/results.json").read_text() == (workspace.folder / name / "results.json").read_text()
    expect(same, f"{name}: results.json differs")
done = workspace.run("deck.yaml", "output=other", "seed=4")
diff = subprocess.run(["h5diff", "once/study.h5", "other/study.h5"], cwd=workspace.folder, capture_output=True, text=True)
expect(diff.returncode == 1, "another seed must give other particles")
print(f"{len(runs)} runs, same bits")
