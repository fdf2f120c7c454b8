"""Whether two builds compute the same study:  compare_builds.py PROGRAM_A PROGRAM_B [DECK] [key.path=value ...]

Gcc against clang: jobs/compare_builds.

Promised between compilers is not the same bits (they contract, reorder and vectorise differently) but the same numbers:
- densities: every cell to 1e-12 of the largest value of its dataset. Rounding errors of a stable linear propagation add up
  to a few hundred units in the last place (2.2e-16).
- particles of a contracting process (two neighbours approach each other): each coordinate to 1e-9 of the largest. Each step
  makes an error of some 1e-16, and contraction forgets it.
- bridges: cells of the potentials and paths to 1e-9: the iteration stops at a marginal error of 1e-12, times its condition.
- networks trained in double precision for few steps, by the particles that flow along them: 1e-9. A step of Adam divides by
  the root of a mean square, which magnifies rounding where a gradient almost vanishes.
- the deck's other numbers (checks) are compared by the same rules as they stand in study.h5."""
import pathlib, subprocess, sys, tempfile

import h5py
import numpy

tolerances = {"densities": 1e-12, "bridges": 1e-9, "ensembles": 1e-9}
default_deck = """study: The same in two builds
seed: 5
output: results
laws:
  start: {kind: gaussian_mixture, weights: [0.3, 0.7], means: [[-1, 0], [1, 0.5]], deviations: [0.4, 0.6]}
  noise: {kind: gaussian, dimension: 2}
processes:
  contracting: {kind: ornstein_uhlenbeck, dimension: 2}
  free: {kind: brownian, dimension: 2, sigma: 0.7, horizon: 1}
  bridged: {kind: bridge, of: between}
  learned: {kind: flow, dimension: 2, velocity: {model: matched}}
grids:
  plane: {lower: [-6, -6], upper: [6, 6], cells: [64, 64], boundary: no_flux}
models:
  matched: {kind: ot_cfm, source: noise, target: start, steps: 50, batch: 64, network: {kind: mlp, hidden: [16, 16], precision: double}}
bridges:
  between: {kind: schroedinger, process: free, source: noise, target: start, grid: plane, tolerance: 1e-12, steps: 20, slices: 5}
densities:
  law: {process: contracting, initial: start, grid: plane, at: [0.5, 1]}
ensembles:
  particles: {process: contracting, initial: start, particles: 20000, stepper: euler_maruyama, steps: 200, at: [0.5, 1]}
  walked: {process: bridged, initial: noise, particles: 2000, steps: 20}
  flowing: {process: learned, initial: noise, particles: 2000, stepper: rk4, steps: 20}
"""


def datasets(file):
    found = {}
    with h5py.File(file) as study:
        study.visititems(lambda name, item: found.__setitem__(name, item[()]) if isinstance(item, h5py.Dataset) else None)
    return found


def compare(first, second):
    """The largest difference relative to the largest value, per section; the faults."""
    a, b = datasets(first), datasets(second)
    worst, faults = {}, []
    if a.keys() != b.keys():
        faults.append(f"datasets: {sorted(a.keys() ^ b.keys())} are in one file only")
    for name in sorted(a.keys() & b.keys()):
        section = name.split("/")[0]
        x, y = numpy.asarray(a[name]), numpy.asarray(b[name])
        if x.shape != y.shape:
            faults.append(f"{name}: shapes {x.shape} and {y.shape}")
        elif x.dtype.kind == "f":
            if not numpy.array_equal(numpy.isnan(x), numpy.isnan(y)):  # a quantity that a study does not have
                faults.append(f"{name}: not a number in one file only")
            x, y = numpy.nan_to_num(x), numpy.nan_to_num(y)
            scale = numpy.abs(x).max(initial=0)
            difference = numpy.abs(x - y).max(initial=0) / (scale if scale > 0 else 1)
            worst[section] = max(worst.get(section, 0), difference)
            if not difference <= tolerances.get(section, 1e-12):
                faults.append(f"{name}: {difference:.3g} of the largest value, more than {tolerances.get(section, 1e-12):g}")
        elif not numpy.array_equal(x, y):
            faults.append(f"{name}: not equal")
    return worst, faults


def main():
    programs = [pathlib.Path(word).resolve() for word in sys.argv[1:3]]
    rest = sys.argv[3:]
    with tempfile.TemporaryDirectory() as folder:
        deck = pathlib.Path(folder) / "deck.yaml"
        deck.write_text(default_deck)
        if rest and "=" not in rest[0]:
            deck = pathlib.Path(rest.pop(0)).resolve()
        for side, program in zip("ab", programs):
            done = subprocess.run([program, "run", deck, *rest, f"output={folder}/{side}"], cwd=folder, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True)
            if done.returncode not in (0, 5):
                sys.exit(f"{program} ended with {done.returncode}:\n{done.stdout[-2000:]}")
        worst, faults = compare(f"{folder}/a/study.h5", f"{folder}/b/study.h5")
    for section, difference in worst.items():
        print(f"{section:<12} {difference:.3g} of the largest value (allowed {tolerances.get(section, 1e-12):g})")
    print("\n".join(faults) or "the same study")
    sys.exit(1 if faults or not worst else 0)


main()
