"""Commands, overrides, sweeps, exit codes and PETSc options."""
import json
import sys

import jsonschema

from decks import SMALL, Workspace, expect

workspace = Workspace(sys.argv[1])


def check(words, code, *messages, command="run", ranks=1):
    done = workspace.run(*words, command=command, ranks=ranks)
    expect(done.returncode == code, f"{command} {words}: exit code {done.returncode}, expected {code}\n{done.stdout}{done.stderr}")
    for message in messages:
        expect(message in done.stdout + done.stderr, f"{command} {words}: no '{message}' in\n{done.stdout}{done.stderr}")
    return done


check(["deck.yaml"], 0, "no faults", "ensembles.sde", command="validate")
check(["deck.yaml", "--dry-run"], 0, "no faults")
expect(not (workspace.folder / "out").exists(), "a dry run wrote results")
check(["deck.yaml"], 0, "every check agrees", ranks=2)

# Overrides are values of the deck: they are checked like it, and their faults name the command line.
check(["deck.yaml", "ensembles.sde.particles=500", "output=fewer"], 0)
resolved = (workspace.folder / "fewer/resolved.yaml").read_text()
expect("particles: 500" in resolved, "the override is not in resolved.yaml")
check(["deck.yaml", "ensembles.sdee.particles=5"], 2, "command line: ensembles.sdee.particles: there is no 'sdee' in ensembles; did you mean 'sde'?")
check(["deck.yaml", "ensembles.sde.particles=few"], 2, "command line: ensembles.sde.particles: expected an integer, found 'few'")
check(["deck.yaml", "seed"], 2, "command line: 'seed' is not of the form key.path=value")

# What one should know of a model is said before it is trained: the units of its data, and its activation under log densities.
LEARNED = """
study: a study that learns
output: learned
laws: {{data: {{kind: gaussian, mean: [0, 0], deviation: {deviation}}}, noise: {{kind: gaussian, dimension: 2}}}}
models: {{m: {{kind: flow_matching, target: data, steps: 5, batch: 32, network: {{kind: mlp, hidden: [8], activation: {activation}}}}}}}
processes: {{flow: {{kind: flow, velocity: {{model: m}}}}}}
ensembles: {{e: {{process: flow, initial: noise, particles: 64, stepper: rk4, steps: 4, log_density: true, divergence: {{kind: hutchinson, probes: 2}}}}}}
"""
learned = workspace.folder / "learned.yaml"
learned.write_text(LEARNED.format(deviation="1e-6", activation="selu"))
for command in ("validate", "run"):
    check(["learned.yaml"], 0, "ensembles.e: note: the divergence along models.m jumps", "set standardise: true", command=command)
notes = json.loads((workspace.folder / "learned/results.json").read_text())["notes"]
expect({"models.m", "ensembles.e"} <= set(notes), f"results.json lacks notes: {notes}")
learned.write_text(LEARNED.format(deviation="1", activation="silu"))
expect("note" not in check(["learned.yaml"], 0, command="validate").stdout, "a note on a deck without reproach")

# A defect is seen: the law of another process is no law of this one. Exit code 5.
wrong = SMALL.replace("grids:\n", "  other: {kind: ornstein_uhlenbeck, dimension: 2, rate: 1.3, sigma: 1.2, horizon: 1}\ngrids:\n").replace(
    "law: {process: forward", "law: {process: other")
(workspace.folder / "wrong.yaml").write_text(wrong)
check(["wrong.yaml", "output=wrong"], 5, "DISAGREE", "A CHECK DISAGREES")
expect(json.loads((workspace.folder / "wrong/results.json").read_text())["verdict"] == "disagree", "results.json says agree")

# Sweeps: all cases, their table, one case.
(workspace.folder / "sweep.yaml").write_text(SMALL + "sweep:\n  ensembles.sde.particles: [1000, 4000]\n  seeds: [1, 2, 3]\n")
done = check(["sweep.yaml", "output=swept"], 0, "case_0006", "setting")
rows = (workspace.folder / "swept/sweep.csv").read_text().splitlines()
expect(len(rows) == 1 + 2 * 4 and all(row.endswith(",3,3") for row in rows[1:]), f"sweep.csv: {rows}")
check(["sweep.yaml", "output=one", "--case", "2"], 0)
expect([p.name for p in (workspace.folder / "one").iterdir()] == ["case_0002"], "--case ran more than one case")
check(["sweep.yaml", "--case", "7"], 2, "the deck has 6 cases")
(workspace.folder / "bad_sweep.yaml").write_text(SMALL + "sweep:\n  ensembles.sde.partcles: [1000]\n")
check(["bad_sweep.yaml"], 2, "unknown key 'partcles' in ensembles.sde; did you mean 'particles'?")

# Orders of convergence along a sweep: right ones pass, wrong ones end with exit code 5.
order = SMALL.replace("by: [cells, energy]}", "by: [cells]}\n  - {name: refinement, compare: [densities.law, laws.later], at: 1, by: [l1], tolerance: 1}").replace(
    "processes:\n", "  later: {kind: marginal, process: forward, initial: data, time: 1}\nprocesses:\n") + """
sweep:
  grids.plane.cells: [[40, 40], [80, 80], [160, 160]]
orders:
  - {check: refinement, statistic: l1, over: grids.plane.cells, order: 2}
"""
(workspace.folder / "order.yaml").write_text(order)
check(["order.yaml", "output=order", "ensembles.sde.particles=1000"], 0, "expected 2 +- 0.2: agree")
(workspace.folder / "order.yaml").write_text(order.replace("order: 2}", "order: 3}"))
check(["order.yaml", "output=order", "ensembles.sde.particles=1000"], 5, "expected 3 +- 0.2: DISAGREE")
(workspace.folder / "order.yaml").write_text(order.replace("check: refinement,", "check: refinment,"))
check(["order.yaml"], 2, "no check has the name 'refinment'")

# PETSc's options reach PETSc under the prefix of the object.
check(["deck.yaml", "densities.law.propagator=bdf2", "output=petsc", "--", "-density_law_ts_view"], 0, "TS Object: (density_law_)")

# Other commands.
schema = json.loads(check(["--json"], 0, command="describe").stdout)
jsonschema.Draft7Validator.check_schema(schema)
check([], 0, "laws.gaussian", "steppers.euler_maruyama", command="describe")
check(["laws.gaussian"], 0, "covariance", command="describe")
check(["laws.gausian"], 2, "unknown kind 'gausian' of laws", command="describe")
check(["--markdown"], 0, "## processes", command="describe")
check([], 0, "self test passed", command="selftest", ranks=2)
check([], 0, '"fortet"', command="--version")
check([], 2, "subcommand", command="--nonsense")
check(["deck.yaml", "--restart", "latest"], 0, "no checkpoint yet: starting afresh")
check(["deck.yaml", "--restart", "nowhere"], 2, "nowhere/checkpoints: holds no checkpoints")
check(["deck.yaml", "--walltime", "1:00:00"], 0, "done")
check(["deck.yaml", "--walltime", "an hour"], 2, "expected H:M:S, M:S or seconds")
check(["missing.yaml"], 4, "missing.yaml: no such file")
check(["deck.yaml", "output=/proc/nowhere/out"], 4, "cannot be written to", ranks=2)
print("command line as documented")
