"""The pictures. Each function returns a matplotlib figure, or None when there is nothing to draw."""
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

plt.rcParams.update({
    "figure.dpi": 110, "savefig.dpi": 160, "font.size": 9, "axes.titlesize": 9, "axes.labelsize": 9, "legend.fontsize": 8,
    "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
    "figure.constrained_layout.use": True, "pdf.fonttype": 42,
})
# magma on paper: its light end fades to white, so that empty space stays empty
_magma = plt.get_cmap("magma_r")(np.linspace(0, 1, 256))
_magma[:32, :3] = 1 - (1 - _magma[32, :3]) * np.linspace(0, 1, 32)[:, None]
SEQUENTIAL, DIVERGING = matplotlib.colors.ListedColormap(_magma), "RdBu_r"


def finite_edges(edges):
    """Half-infinite outer bins drawn as wide as their neighbours."""
    edges = edges.copy()
    if not np.isfinite(edges[0]):
        edges[0] = 2 * edges[1] - edges[2]
    if not np.isfinite(edges[-1]):
        edges[-1] = 2 * edges[-2] - edges[-3]
    return edges


def window(mass, edges):
    """The range of each axis that holds all but 1e-4 of the mass, with a margin."""
    limits = []
    for axis, e in enumerate(edges):
        marginal = mass.sum(axis=tuple(k for k in range(mass.ndim) if k != axis))
        cumulated = np.cumsum(marginal) / max(marginal.sum(), 1e-300)
        low = e[max(0, np.searchsorted(cumulated, 5e-5))]
        high = e[min(len(e) - 1, np.searchsorted(cumulated, 1 - 5e-5) + 1)]
        margin = 0.06 * (high - low)
        limits.append((max(e[0], low - margin), min(e[-1], high + margin)))
    return limits


def shape(limits):
    """Height of a panel over its width, within reason."""
    (left, right), (low, high) = limits
    return min(max((high - low) / (right - left), 0.5), 1.6)


def pairs(study):
    """Checks with particles, one per pair of sides and time: that with the finest bins."""
    best = {}
    for check in study.checks:
        if check.count == 0:
            continue
        key = (check.name, check.row["time"])
        if key not in best or check.expected.size > best[key].expected.size:
            best[key] = check
    grouped = {}
    for (name, _), check in sorted(best.items(), key=lambda item: (item[0][0], item[0][1])):
        grouped.setdefault(name, []).append(check)
    return grouped


def comparison_line(checks):
    columns = min(len(checks), 4)
    rows = -(-len(checks) // columns)
    figure, axes = plt.subplots(2 * rows, columns, figsize=(3.1 * columns + 0.6, 4.2 * rows), squeeze=False,
                                gridspec_kw={"height_ratios": [3, 1.2] * rows})
    for empty in axes[2 * rows - 2:, (len(checks) - 1) % columns + 1:].flat:
        empty.set_visible(False)
    for number, check in enumerate(checks):
        edges = finite_edges(check.edges[0])
        widths, centres = np.diff(edges), (edges[1:] + edges[:-1]) / 2
        top, bottom = axes[2 * (number // columns):2 * (number // columns) + 2, number % columns]
        top.stairs(check.observed / widths, edges, fill=True, color="#c9d7ea", label=check.row["first"])
        top.plot(centres, check.expected / widths, color="#b3202a", lw=1.4, label=check.row["second"])
        top.set_title(f"t = {check.row['time']:g}")
        top.set_ylim(bottom=0)
        bottom.axhspan(-2, 2, color="#eeeeee", lw=0)
        bottom.plot(centres, check.plane()[2], ".", ms=2.5, color="#333333")
        bottom.set_ylim(-5, 5)
        bottom.set_xlabel("x")
        low, high = window(check.expected + check.observed, [edges])[0]
        bottom.set_xlim(low, high)
        top.set_xlim(low, high)
        top.tick_params(labelbottom=False)
    for row in range(rows):
        axes[2 * row, 0].set_ylabel("density")
        axes[2 * row + 1, 0].set_ylabel("difference\n/ its sd")
    axes[0, 0].legend(loc="upper left", fontsize=7)
    return figure


def comparison_plane(checks):
    limits = window(sum(c.plane()[0] for c in checks), [finite_edges(e) for e in checks[0].edges[:2]])
    figure, axes = plt.subplots(len(checks), 3, figsize=(8.6, (2.4 * shape(limits) + 0.15) * len(checks) + 0.35), squeeze=False, sharex=True,
                                sharey=True)
    for row, check in enumerate(checks):
        edges = [finite_edges(e) for e in check.edges[:2]]
        area = np.outer(np.diff(edges[0]), np.diff(edges[1]))
        expected, observed, z = check.plane()
        top = (expected / area).max()
        for column, values in enumerate([expected, observed]):
            image = axes[row, column].pcolormesh(edges[0], edges[1], (values / area).T, cmap=SEQUENTIAL, vmin=0, vmax=top, rasterized=True)
        figure.colorbar(image, ax=axes[row, 1], label="density", fraction=0.05)
        image = axes[row, 2].pcolormesh(edges[0], edges[1], z.T, cmap=DIVERGING, vmin=-4, vmax=4, rasterized=True)
        figure.colorbar(image, ax=axes[row, 2], label="difference / its sd", fraction=0.05)
        axes[row, 0].set_ylabel(f"t = {check.row['time']:g}\ny")
        for axis in axes[row]:
            axis.set_aspect("equal")
            axis.set_xlim(*limits[0])
            axis.set_ylim(*limits[1])
    for axis, title in zip(axes[0], [checks[0].row["second"], checks[0].row["first"], "standardised difference"]):
        axis.set_title(title)
    for axis in axes[-1]:
        axis.set_xlabel("x")
    return figure


VALUES = {"backward": "u(x, t)", "mean_first_passage": "mean first passage time"}


def chosen_times(density, most=8):
    """At most so many snapshots, from the first to the last."""
    count = len(density.times)
    return range(count) if count <= most else np.unique(np.linspace(0, count - 1, most).round().astype(int))


def density_path(density):
    """The density at its times, with arrows of the velocity where it was stored."""
    label = VALUES.get(density.equation, "density")
    shown = chosen_times(density)
    if density.dimension == 1:
        figure, axis = plt.subplots(figsize=(4.8, 3.0))
        colours = plt.get_cmap("viridis")(np.linspace(0.05, 0.9, len(shown)))
        for index, colour in zip(shown, colours):
            axis.plot(density.centres(0), density.values[index], color=colour, label=f"t = {density.times[index]:g}", lw=1.4)
        if density.is_law:
            limits = window(sum(density.values[k] * np.diff(density.edges[0]) for k in shown), density.edges)
            axis.set_xlim(*limits[0])
        axis.set_ylim(bottom=min(0, min(density.values[k].min() for k in shown)))
        axis.set_xlabel("x")
        axis.set_ylabel(label)
        if len(shown) > 1:
            axis.legend()
        return figure
    columns = min(len(shown), 4)
    rows = -(-len(shown) // columns)
    area = np.outer(np.diff(density.edges[0]), np.diff(density.edges[1]))
    depth = np.diff(density.edges[2]) if density.dimension == 3 else None
    # Of a law the marginal in x and y, of another function its mean over z.
    weight = depth if depth is None or density.is_law else depth / depth.sum()
    planes = [density.values[k] if depth is None else (density.values[k] * weight).sum(axis=2) for k in shown]
    limits = window(sum(p * area for p in planes), density.edges[:2]) if density.is_law else [(e[0], e[-1]) for e in density.edges[:2]]
    figure, axes = plt.subplots(rows, columns, figsize=(3.0 * columns + 0.5, (2.5 * shape(limits) + 0.4) * rows), squeeze=False,
                                sharex=True, sharey=True)
    for axis in axes.flat[len(planes):]:
        axis.set_visible(False)
    for axis, index, plane in zip(axes.flat, shown, planes):
        image = axis.pcolormesh(density.edges[0], density.edges[1], plane.T, cmap=SEQUENTIAL if density.is_law else "viridis",
                                vmin=0 if density.is_law else None, rasterized=True)
        if density.velocities and density.dimension == 2:
            x, y = density.centres(0), density.centres(1)
            chosen = [np.flatnonzero((c >= l[0]) & (c <= l[1])) for c, l in zip((x, y), limits)]
            i, j = [c[:: max(1, len(c) // 17)] for c in chosen]
            velocity = density.velocities[index][:2][:, i][:, :, j]
            visible = plane[np.ix_(i, j)] > 5e-3 * plane.max()
            if visible.any() and np.isfinite(velocity[:, visible]).all():
                grid = np.meshgrid(x[i], y[j], indexing="ij")
                axis.quiver(grid[0][visible], grid[1][visible], velocity[0][visible], velocity[1][visible], color="#1f6f8b", width=0.004,
                            pivot="mid")
        axis.set_title(f"t = {density.times[index]:g}" if len(shown) > 1 or density.evolves else "")
        axis.set_aspect("equal")
        axis.set_xlim(*limits[0])
        axis.set_ylim(*limits[1])
        figure.colorbar(image, ax=axis, fraction=0.05)
    for axis in axes[-1]:
        axis.set_xlabel("x")
    for axis in axes[:, 0]:
        axis.set_ylabel("y")
    figure.suptitle("" if density.is_law else label, fontsize=9)
    return figure


def boxes(densities):
    """Mass that boxes gained, and what flowed in through their sides."""
    shown = [(d, name) for d in densities for name in d.boxes]
    if not shown:
        return None
    figure, axes = plt.subplots(1, len(shown), figsize=(3.4 * len(shown), 2.7), squeeze=False)
    for axis, (density, name) in zip(axes[0], shown):
        box, time = density.boxes[name], density.diagnostics["time"]
        axis.plot(time, -box["outflow"], "-", color="#b3202a", lw=1.2, label="inflow through the sides")
        axis.plot(time, box["mass"] - box["mass"][0], "o", ms=4, color="#3b6ea5", label="gain of mass")
        axis.axhline(0, color="#bbbbbb", lw=0.6)
        axis.set_title(f"{density.name}, box {name}")
        axis.set_xlabel("t")
    axes[0, 0].set_ylabel("mass")
    axes[0, 0].legend()
    return figure


def diagnostics(densities):
    names = [("entropy", "entropy"), ("kinetic_energy", r"$\int p\,|v|^2$"), ("reference_kl", "KL from the reference"),
             ("boundary_mass", "mass in boundary cells")]
    shown = [(key, label) for key, label in names
             if any(len(d.diagnostics.get(key, [])) > 1 and np.isfinite(d.diagnostics[key]).any() for d in densities)]
    flows = [(d, k) for d in densities for k in sorted(d.diagnostics) if k.startswith("flux_") and d.evolves]
    total = len(shown) + bool(flows)
    if total == 0:
        return None
    figure, axes = plt.subplots(1, total, figsize=(2.9 * total, 2.5), squeeze=False)
    for axis, (key, label) in zip(axes[0], shown):
        for density in densities:
            values = density.diagnostics.get(key, np.array([]))
            if len(values) > 1 and np.isfinite(values).any():
                axis.plot(density.diagnostics["time"], values, "o-", ms=3, lw=1.2, label=density.name)
        if key in ("reference_kl", "boundary_mass") and axis.lines and min(np.nanmin(l.get_ydata()) for l in axis.lines) > 0:
            axis.set_yscale("log")
        axis.set_ylabel(label)
        axis.set_xlabel("t")
    if flows:
        for density, key in flows:
            axes[0, -1].plot(density.diagnostics["time"], density.diagnostics[key], "o-", ms=3, lw=1.2,
                             label=f"{density.name} {key[5:].replace('_', ' ')}")
        axes[0, -1].set_ylabel("first-passage flux")
        axes[0, -1].set_xlabel("t")
        axes[0, -1].legend()
    axes[0, 0].legend()
    return figure


def budgets(study):
    """L1 of each source of error of each pair and time, one bar each."""
    rows, seen = [], set()
    for check in study.results["checks"]:
        label = f"{check['first']} ~ {check['second']}, t = {check['time']:g}"
        if check["budget"] and label not in seen:
            seen.add(label)
            rows.append((label, check["budget"]))
    rows = rows[:40]
    if not rows:
        return None
    sources = ["space", "time", "boundary", "particle_step", "sampling", "model"]
    colours = dict(zip(sources, ["#3b6ea5", "#7fb2d9", "#8c8c8c", "#e08e45", "#cfcfcf", "#b3202a"]))
    figure, axis = plt.subplots(figsize=(7.6, 0.9 + 0.3 * len(rows)))
    height = 0.8 / len(sources)
    for r, (_, budget) in enumerate(rows):
        present = [s for s in sources if budget.get(s, 0) > 0]
        for i, source in enumerate(present):
            axis.barh(r - 0.4 + (i + 0.5) * 0.8 / len(present), budget[source], 0.72 / len(present), color=colours[source])
    axis.set_xscale("log")
    axis.set_xlim(left=max(axis.get_xlim()[0], 1e-5 * max(max(b.values()) for _, b in rows)))
    axis.set_yticks(range(len(rows)), [label for label, _ in rows], fontsize=7)
    axis.invert_yaxis()
    axis.set_xlabel("L1 error of the cell masses")
    used = [s for s in sources if any(b.get(s, 0) > 0 for _, b in rows)]
    axis.legend([plt.Rectangle((0, 0), 1, 1, color=colours[s]) for s in used], [s.replace("_", " ") for s in used], ncol=len(used),
                loc="lower center", bbox_to_anchor=(0.5, 1.0))
    return figure


def curves(lines):
    """Loss of a model over its steps; rounds follow each other."""
    figure, axis = plt.subplots(figsize=(5.6, 3.4))
    last = {}
    for line in lines:
        last[line["round"]] = max(last.get(line["round"], 0), line["step"])
    offset = {r: sum(steps for q, steps in last.items() if q < r) for r in last}
    for key, colour, label in (("loss", "#2b5c8a", "training"), ("validation", "#b3202a", "validation")):
        points = [(offset[l["round"]] + l["step"], l[key]) for l in lines if key in l]
        if points:
            axis.plot(*zip(*points), color=colour, label=label)
    axis.set_xlabel("step")
    axis.set_ylabel("loss")
    axis.legend()
    return figure


def trajectories(ensemble, density):
    times, positions = ensemble.trajectories
    dimension = positions.shape[2]
    figure, axis = plt.subplots(figsize=(4.6, 3.6))
    shown = min(positions.shape[1], 200)
    if dimension == 1:
        axis.plot(times, positions[:, :shown, 0], lw=0.6, alpha=0.7)
        axis.set_xlabel("t")
        axis.set_ylabel("x")
    else:
        if density is not None and density.dimension == 2:
            plane = density.values[-1]
            axis.contour(density.centres(0), density.centres(1), plane.T, levels=plane.max() * np.array([0.02, 0.1, 0.3, 0.6]),
                         colors="#bbbbbb", linewidths=0.7)
        axis.plot(positions[:, :shown, 0], positions[:, :shown, 1], lw=0.5, alpha=0.55, color="#3b6ea5")
        axis.plot(positions[0, :shown, 0], positions[0, :shown, 1], ".", ms=2.5, color="#222222", label=f"t = {times[0]:g}")
        axis.plot(positions[-1, :shown, 0], positions[-1, :shown, 1], ".", ms=2.5, color="#b3202a", label=f"t = {times[-1]:g}")
        axis.set_aspect("equal")
        axis.legend()
        axis.set_xlabel("x")
        axis.set_ylabel("y")
    return figure


def animate(density, ensemble, file):
    """The density at its times with the particles on it, as a GIF."""
    from matplotlib.animation import FuncAnimation, PillowWriter

    figure, axis = plt.subplots(figsize=(4.2, 3.8))

    def frame(i):
        axis.clear()
        if density.dimension == 1:
            axis.plot(density.centres(0), density.values[i], color="#b3202a")
            axis.set_ylim(0, 1.05 * max(v.max() for v in density.values))
        else:
            plane = density.values[i] if density.dimension == 2 else density.values[i].sum(axis=2)
            axis.pcolormesh(density.edges[0], density.edges[1], plane.T, cmap=SEQUENTIAL, vmin=0)
            matching = [k for k, t in enumerate(ensemble.times) if abs(t - density.times[i]) < 1e-12] if ensemble else []
            if matching:
                points = ensemble.positions[matching[0]][:2000]
                axis.plot(points[:, 0], points[:, 1], ".", ms=1, color="#222222", alpha=0.5)
            axis.set_aspect("equal")
        axis.set_title(f"t = {density.times[i]:g}")

    FuncAnimation(figure, frame, frames=len(density.times)).save(file, writer=PillowWriter(fps=4))
    plt.close(figure)


def draw_all(study, folder, with_animation):
    """Draws everything; returns [(title, caption, file)] in reading order."""
    drawn = []

    def keep(figure, name, title, caption):
        if figure is None:
            return
        for ending in ("png", "pdf"):
            figure.savefig(folder / f"{name}.{ending}")
        plt.close(figure)
        drawn.append((title, caption, folder / f"{name}.png"))

    for number, (name, checks) in enumerate(pairs(study).items()):
        figure = comparison_line(checks) if len(checks[0].edges) == 1 else comparison_plane(checks)
        keep(figure, f"comparison_{number:02d}", name,
             "Masses of the cells on both sides and their difference in units of its standard deviation under agreement; "
             "blank where fewer than five particles are expected. Agreement looks like noise without structure.")
    for name, density in study.densities.items():
        caption = "Density; arrows: velocity of the law, J / p." if density.is_law else f"{VALUES[density.equation]} by starting point."
        keep(density_path(density), f"density_{name}", f"densities.{name}", caption)
    keep(diagnostics(list(study.densities.values())), "diagnostics", "Diagnostics of the densities",
         "Recorded at the start and at each time of the deck.")
    keep(boxes(list(study.densities.values())), "boxes", "Balance of boxes",
         "What a box gained and the time integral of the flux into it: the grid's two accounts of one number.")
    for name, lines in study.curves.items():
        keep(curves(lines), f"loss_{name.replace('.', '_')}", f"Training of {name}",
             "Mean loss since the line before. A regression on noise does not reach zero: its floor is the variance of the target.")
    for name, ensemble in study.ensembles.items():
        if ensemble.trajectories is not None:
            same = [d for d in study.densities.values() if d.is_law and d.dimension == ensemble.trajectories[1].shape[2]]
            keep(trajectories(ensemble, same[0] if same else None), f"trajectories_{name}", f"Trajectories of ensembles.{name}", "")
    keep(budgets(study), "budget", "Error budget", "Estimated L1 error of the cell masses by source; the longest bar dominates.")
    if with_animation:
        for name, density in study.densities.items():
            ensemble = next(iter(study.ensembles.values()), None)
            animate(density, ensemble, folder / f"animation_{name}.gif")
            drawn.append((f"Animation of densities.{name}", "", folder / f"animation_{name}.gif"))
    return drawn
