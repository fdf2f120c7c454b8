"""Reads the results of a study (docs/results.md documents the format)."""
import json

import h5py
import numpy as np


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


class Density:
    """Cell averages at some times; axis 0 of every array is x, axis 1 is y, axis 2 is z."""

    def __init__(self, name, group):
        self.name = name
        self.equation = text(group.attrs.get("equation", "forward"))
        grid = group["grid"]
        self.edges = [grid[f"edges_{k}"][:] for k in range(len(grid))]
        self.times, self.values, self.velocities = [], [], []
        for key in sorted(k for k in group if k.isdigit()):
            self.times.append(float(group[key].attrs["time"]))
            self.values.append(group[key]["density"][:].T)
            if "velocity" in group[key]:
                velocity = group[key]["velocity"][:]
                self.velocities.append(np.moveaxis(velocity, -1, 0).swapaxes(1, -1) if velocity.ndim > 2 else velocity.T)
        self.boxes = {n: {k: v[:] for k, v in g.items()} for n, g in group.get("boxes", {}).items()}
        self.diagnostics = {k: v[:] for k, v in group["diagnostics"].items()} if "diagnostics" in group else {}

    @property
    def evolves(self):
        return self.equation in ("forward", "backward")

    @property
    def is_law(self):
        return self.equation in ("forward", "stationary")

    @property
    def dimension(self):
        return len(self.edges)

    def centres(self, axis):
        return (self.edges[axis][1:] + self.edges[axis][:-1]) / 2


class Ensemble:
    def __init__(self, name, group):
        self.name = name
        self.times, self.positions, self.weights = [], [], []
        for key in sorted(k for k in group if k.isdigit()):
            self.times.append(float(group[key].attrs["time"]))
            self.positions.append(group[key]["positions"][:])
            self.weights.append(group[key]["weights"][:] if "weights" in group[key] else None)
        self.trajectories = None
        if "trajectories" in group:
            self.trajectories = group["trajectories/times"][:], group["trajectories/positions"][:]


class Check:
    """One row of the table, with the masses that were compared."""

    def __init__(self, row, group):
        self.row = row
        self.name = f"{row['first']} ~ {row['second']}"
        self.edges = [group[f"edges_{k}"][:] for k in range(sum(k.startswith("edges_") for k in group))]
        shape = [len(e) - 1 for e in self.edges]
        self.expected = group["expected"][:-1].reshape(shape[::-1]).T
        self.observed = group["observed"][:-1].reshape(shape[::-1]).T
        self.count = float(group.attrs["count"])
        self.ratio = group["variance_ratio"][:-1].reshape(shape[::-1]).T if "variance_ratio" in group else np.ones_like(self.expected)

    def plane(self):
        """Expected and observed masses and their standardised difference, summed over all axes beyond the second.

        The difference is in units of its standard deviation, sqrt((ratio p - p^2) / N); NaN where fewer than 5 particles are expected.
        """
        beyond = tuple(range(2, self.expected.ndim))
        expected, observed, squares = (v.sum(axis=beyond) for v in (self.expected, self.observed, self.ratio * self.expected))
        with np.errstate(invalid="ignore", divide="ignore"):
            z = (observed - expected) / np.sqrt((squares - expected**2) / self.count)
        return expected, observed, np.where(expected * self.count >= 5, z, np.nan)


def curves(file):
    """Training curves: object -> list of the lines of metrics.jsonl about it."""
    result = {}
    if file.exists():
        for line in file.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            if "loss" not in entry and "validation" not in entry:
                continue
            result.setdefault(entry["object"], []).append(entry)
    return result


class Study:
    def __init__(self, folder):
        self.folder = folder
        self.results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
        self.run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        self.curves = curves(folder / "metrics.jsonl")
        with h5py.File(folder / "study.h5") as file:
            if text(file.attrs["file_type"]) != "fortet study" or int(file.attrs["format_major"]) != 1:
                raise ValueError("study.h5 is not a fortet study of format 1")
            self.title = text(file.attrs["title"])
            self.densities = {n: Density(n, g) for n, g in file.get("densities", {}).items()}
            self.densities |= {f"bridge {n}": Density(f"bridge {n}", g) for n, g in file.get("bridges", {}).items()}
            self.ensembles = {n: Ensemble(n, g) for n, g in file.get("ensembles", {}).items()}
            rows = self.results["checks"]
            self.checks = [Check(row, file[f"checks/{i:04d}"]) for i, row in enumerate(rows) if f"checks/{i:04d}" in file]
