"""Faults while running: values that are not finite, a full disk, a folder that cannot be written. Each ends on all ranks with one message and the
documented exit code, and never hangs.

usage: run_faults.py PROGRAM RANKS
"""
import os
import pathlib
import resource
import subprocess
import sys
import tempfile

DECK = """
study: a study that meets a fault
output: out
laws: {{start: {{kind: gaussian, mean: [0], deviation: [1]}}}}
processes: {{bad: {{kind: expression, drift: ["{drift}"], noise: 1, horizon: 1}}}}
grids: {{line: {{lower: [-4], upper: [4], cells: [64]}}}}
{object}
"""
DENSITY = "densities: {pde: {process: bad, initial: start, grid: line, steps: 10}}"
ENSEMBLE = "ensembles: {sde: {process: bad, initial: start, particles: 20000, steps: 10}}"

program, ranks = sys.argv[1], int(sys.argv[2])
launch = ["mpirun", "--oversubscribe", "-n", str(ranks)] if ranks > 1 else []
os.environ["OMPI_MCA_odls_base_sigkill_timeout"] = "0"  # mpirun would wait a second for each run that fails


def run(deck, code, message, limit=None):
    def limited():
        if limit:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "deck.yaml").write_text(deck)
        done = subprocess.run(launch + [program, "run", "deck.yaml"], cwd=folder, capture_output=True, text=True, timeout=60,
                              stdin=subprocess.DEVNULL, preexec_fn=limited)
    text = done.stdout + done.stderr
    if done.returncode != code or message not in text:
        sys.exit(f"FAILED: exit code {done.returncode}, expected {code} with '{message}':\n{text}")
    if text.count(message) > 1:
        sys.exit(f"FAILED: the message is repeated:\n{text}")


run(DECK.format(drift="-sqrt(x - 1)", object=ENSEMBLE), 2, "drift[0] is nan at x")
run(DECK.format(drift="-log(x)", object=DENSITY), 2, "drift[0] is nan at x")
run(DECK.format(drift="1e200*x^3", object=ENSEMBLE), 3, "not finite")
# Below the limit are the files with which MPI shares memory, beyond it the 48 MB of positions.
large = "ensembles: {sde: {process: bad, initial: start, particles: 6000000, store: 6000000, steps: 1}}"
run(DECK.format(drift="-x", object=large), 4, "study.h5", limit=40_000_000)
# Bridges: a target that noise cannot reach, and an iteration that is cut short.
BRIDGE = """
study: a bridge that fails
output: out
laws: {{left: {{kind: gaussian, mean: [-3], deviation: 0.1}}, right: {{kind: gaussian, mean: [3], deviation: 0.1}}}}
processes: {{free: {{kind: brownian, dimension: 1, sigma: {sigma}}}}}
grids: {{line: {{lower: [-4], upper: [4], cells: [200], boundary: [{boundary}]}}}}
bridges: {{b: {{kind: schroedinger, process: free, source: left, target: right, grid: line, {more}}}}}
"""
run(BRIDGE.format(sigma=0.1, boundary="no_flux", more="domain: linear"), 3, "cannot get there")
run(BRIDGE.format(sigma=0.3, boundary="no_flux", more="iterations: 3"), 3, "not solved after 3 iterations")
# A disk that has no room for the slices: 40001 of them take 65 MB.
run(BRIDGE.format(sigma=1, boundary="no_flux", more="slices: 40000, slices_on: disk"), 4, "name another folder (slices_folder)", limit=40_000_000)
# Training: weights that have diverged are not kept; weights of another architecture are refused.
LEARN = """
study: a study that learns
output: out
laws: {{data: {{kind: moons}}}}
models: {{m: {{kind: flow_matching, target: data, batch: 32, {training}}}}}
"""
run(LEARN.format(training="steps: 200, optimizer: {kind: sgd, rate: 1e9}"), 3, "the gradient is not finite")
with tempfile.TemporaryDirectory() as weights:
    def train(training, code, message):
        deck = pathlib.Path(weights) / "deck.yaml"
        deck.write_text(LEARN.format(training=training))
        done = subprocess.run(launch + [program, "run", str(deck)], cwd=weights, capture_output=True, text=True, timeout=60,
                              stdin=subprocess.DEVNULL)
        if done.returncode != code or message not in done.stdout + done.stderr:
            sys.exit(f"FAILED: exit code {done.returncode}, expected {code} with '{message}':\n{done.stdout}{done.stderr}")

    kept = pathlib.Path(weights) / "out/m.weights.h5"
    train("steps: 200, optimizer: {kind: sgd, rate: 1e9}", 3, "the gradient is not finite")
    train("steps: 200, optimizer: {kind: adam, rate: 1e3}", 3, "the training diverged: the loss ended at")
    if kept.exists():
        sys.exit("FAILED: a training that diverged left weights")
    train("steps: 5", 0, "done")
    train("steps: 0, weights: out/m.weights.h5, standardise: true", 2, "standardise: false in the file, true in the deck")
    train("steps: 5, network: {kind: mlp, hidden: [16, 16]}", 0, "done")
    train("steps: 0, weights: out/m.weights.h5, network: {kind: mlp, hidden: [16, 8]}", 2, "hidden")
    # Weights are taken for nothing but what they were trained to mean.
    DENOISE = "processes: {{v: {{kind: vp, dimension: 2, beta: {beta}}}}}\nmodels: {{m: {{kind: denoising_score_matching, data: data, process: v, {training}}}}}\n"
    flow, LEARN = LEARN, LEARN.splitlines(keepends=True)
    LEARN = "".join(LEARN[:4]) + DENOISE.replace("{beta}", "5")
    other = LEARN.replace("beta: 5", "beta: 2")
    train("batch: 32, steps: 5, predict: noise", 0, "done")
    train("batch: 32, steps: 0, weights: out/m.weights.h5, predict: noise", 0, "done")
    train("batch: 32, steps: 5, weights: out/m.weights.h5, predict: noise, optimizer: {kind: sgd, rate: 1e-3}", 0, "done")
    train("batch: 32, steps: 0, weights: out/m.weights.h5, predict: data", 2, "predict: noise in the file, data in the deck")
    LEARN = other
    train("batch: 32, steps: 0, weights: out/m.weights.h5, predict: noise", 2, "the law that is learned from")
    LEARN = flow
    train("steps: 0, weights: out/m.weights.h5", 2, "holds no network for the velocity")
    train("steps: 5, network: {kind: mlp, hidden: []}", 0, "done")
    train("steps: 5, network: {kind: mlp, hidden: [16, 16]}", 0, "done")
    file = pathlib.Path(weights) / "out/m.weights.h5"
    good = file.read_bytes()
    file.write_bytes(good[: len(good) // 2])
    train("steps: 0, weights: out/m.weights.h5, network: {kind: mlp, hidden: [16, 16]}", 2, "m.weights.h5")
print(f"faults end as documented on {ranks} ranks")
