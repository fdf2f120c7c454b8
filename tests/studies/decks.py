"""Small decks and helpers shared by the scripts of this folder."""
import pathlib
import subprocess
import tempfile

SMALL = """
study: a small study
seed: 3
output: out
laws:
  data: {kind: gaussian_mixture, weights: [0.4, 0.6], means: [[-1, 0], [1, 0.5]], deviations: [0.4, 0.5]}
processes:
  forward: {kind: ornstein_uhlenbeck, dimension: 2, rate: 1, sigma: 1.2, horizon: 1}
grids:
  plane: {lower: [-5, -5], upper: [5, 5], cells: [41, 37]}
densities:
  law: {process: forward, initial: data, grid: plane, at: [0.5, 1], propagator: strang, steps: 20}
ensembles:
  sde: {process: forward, initial: data, particles: 20001, stepper: exact, at: [0.5, 1]}
checks:
  - {compare: [ensembles.sde, densities.law], by: [cells, energy]}
"""


def launch(ranks):
    return ["mpirun", "--oversubscribe", "-n", str(ranks)] if ranks > 1 else []


class Workspace:
    """A temporary folder with a deck in it."""

    def __init__(self, program, deck=SMALL):
        self.program = program
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.temporary.name)
        (self.folder / "deck.yaml").write_text(deck)

    def run(self, *words, ranks=1, threads=1, command="run", environment=None):
        import os
        variables = dict(os.environ, OMP_NUM_THREADS=str(threads), **(environment or {}))
        return subprocess.run(launch(ranks) + [self.program, command, *words], cwd=self.folder, env=variables, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=250)


def expect(condition, message):
    if not condition:
        raise SystemExit("FAILED: " + message)
