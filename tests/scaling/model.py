"""The laws of the counts, checked against what measure.py counted, and a latency-bandwidth model of 64 to 10 000 ranks.

usage: model.py FILE [--latency 1.5] [--bandwidth 25] [--ranks-per-node 64]

FILE was made by measure.py. Latency: microseconds of a message. Bandwidth: GB/s of the network of a node, which its ranks
share. Prints the tables of docs/scaling.md. The time of a step on P ranks is

    T(P) = compute / P + latency * (messages + reductions * rounds) + bytes / (bandwidth of a rank),   rounds = ceil(log2 P)

with the largest messages and bytes of any rank, and `compute` as measured on one rank, for as many cells, particles or
samples as there are. Nothing is taken to overlap.
"""
import argparse
import dataclasses
import json
import math
import pathlib

from workloads import WORKLOADS

NUMBER = 8


@dataclasses.dataclass
class Cost:
    """What one rank sends per step, at most."""
    messages: float = 0
    bytes: float = 0
    reductions: float = 0
    reduced_bytes: float = 0


def shares(count, ranks):
    return [count // ranks + (rank < count % ranks) for rank in range(ranks)]


def exchange(ranks, cells, layers):
    """Slabs to whole lines along the last axis and back: two exchanges of all ranks with all."""
    layer = cells // layers
    rows, lines = shares(layers, ranks), shares(layer, ranks)
    holders = sum(1 for line in lines if line > 0)
    most = Cost()
    for row, line in {pair for pair in zip(rows, lines)}:
        to_lines = holders - (line > 0) if row > 0 else 0
        to_slab = sum(1 for other in rows if other > 0) - (row > 0) if line > 0 else 0
        most.messages = max(most.messages, to_lines + to_slab)
        most.bytes = max(most.bytes, NUMBER * (row * (layer - line) + line * (layers - row)))
    return most


def halo(ranks, layer, times=1.0):
    """One layer of cells to each neighbour."""
    neighbours = 0 if ranks == 1 else 1 if ranks == 2 else 2
    return Cost(messages=times * neighbours, bytes=times * neighbours * layer * NUMBER)


def iterations(data, ranks):
    """Products with PETSc's matrix per step: two messages each. The preconditioner works on the blocks of the ranks, so
    that they grow with the ranks: a line in log2 P through what was counted."""
    counted = {int(p): c["per_unit"]["point_to_point"]["messages"]["max"] / halo(int(p), 1).messages
               for p, c in data["counts"]["density_petsc"].items() if int(p) > 1}
    if ranks in counted:
        return counted[ranks]
    xs, ys = [math.log2(p) for p in counted], list(counted.values())
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    spread = sum((x - mean_x) ** 2 for x in xs)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys)) / spread if spread else 0
    return mean_y + slope * (math.log2(ranks) - mean_x)


def parameters(hidden, inputs=2, time=1):
    widths = [inputs + time, *hidden, inputs]
    return sum(a * b + b for a, b in zip(widths, widths[1:]))


def law(name, data, ranks, cells, layers, hidden=(64, 64, 64), bridge_steps=4):
    """What a rank sends per unit of a workload."""
    if name == "ensemble" or ranks == 1 and name not in ("density_moving", "bridge", "density_petsc"):
        return Cost()
    layer = cells // layers if layers else 0
    if name in ("density_2d", "density_3d"):
        return exchange(ranks, cells, layers)
    if name == "density_moving":  # for each axis: did all evaluate their rates, and how large is the largest
        cost = exchange(ranks, cells, layers)
        cost.reductions, cost.reduced_bytes = 4, 4 * 6
        return cost
    if name == "density_cross":
        return halo(ranks, layer)
    if name == "density_petsc":  # of a restarted GMRES, two reductions per iteration: its dot products and a norm
        products = iterations(data, ranks) if ranks > 1 else 0
        cost = halo(ranks, layer, products)
        cost.reductions, cost.reduced_bytes = 2 * products, products * 100
        return cost
    if name == "training":  # a binary tree over the ranks for the gradient of each layer, as soon as it is known
        rounds = math.log2(ranks)
        return Cost(messages=rounds * (len(hidden) + 1), bytes=4 * rounds * parameters(hidden))
    if name == "bridge":  # forward and backward, `bridge_steps` each
        one = exchange(ranks, cells, layers) if ranks > 1 else Cost()
        sweeps = 2 * bridge_steps
        return Cost(sweeps * one.messages, sweeps * one.bytes, 5, 592)
    raise ValueError(name)


def seconds(cost, ranks, latency, rank_bandwidth):
    rounds = math.ceil(math.log2(ranks)) if ranks > 1 else 0
    return (latency * (cost.messages + cost.reductions * rounds) + cost.bytes / rank_bandwidth
            + rounds * cost.reduced_bytes / rank_bandwidth)


# Sizes worth 10 000 ranks: size, cells of the last axis, what limits the ranks.
REAL = {
    "ensemble": ("10^9 particles in 3 dimensions", 10 ** 9, 0, 10 ** 9),
    "density_2d": ("4096^2 cells", 4096 ** 2, 4096, 4096),
    "density_moving": ("4096^2 cells, rates that change", 4096 ** 2, 4096, 4096),
    "density_3d": ("512^3 cells", 512 ** 3, 512, 512),
    "density_cross": ("4096^2 cells, full tensor", 4096 ** 2, 4096, 4096),
    "density_petsc": ("4096^2 cells, BDF2", 4096 ** 2, 4096, 4096),
    "training": ("3 layers of 256, batch 4096, 1024 shards", 4096, 0, 1024),
    "bridge": ("4096^2 cells, 4 steps each way", 4096 ** 2, 4096, 4096),
}


def table(head, rows):
    print("| " + " | ".join(head) + " |\n|" + " --- |" * len(head))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    print()


def fit(costs):
    """Latency and bandwidth through the least one-way times of the smallest and the largest messages."""
    least, most = min(map(int, costs)), max(map(int, costs))
    latency = costs[str(least)] * 1e-6
    return latency, (most - least) / (costs[str(most)] * 1e-6 - latency)


def amount(value):
    return f"{value:.4g}" if value < 1e6 else f"{value:.3e}"


def print_counts(data):
    print("Counted per step, largest over the ranks, beside the law:\n")
    rows = []
    for name, workload in WORKLOADS.items():
        for ranks, counted in sorted(data["counts"].get(name, {}).items(), key=lambda item: int(item[0])):
            cost = law(name, data, int(ranks), workload.size, workload.layers)
            found = counted["per_unit"]
            messages = found["point_to_point"]["messages"]["max"] + found["all_to_all"]["messages"]["max"]
            sent = found["point_to_point"]["bytes"]["max"] + found["all_to_all"]["bytes"]["max"]
            rows.append((f"{name}, per {workload.unit}", ranks, amount(messages), amount(cost.messages), amount(sent),
                         amount(cost.bytes), amount(found["reductions"]["calls"]["max"]), amount(cost.reductions)))
    table(("workload", "ranks", "messages", "law", "bytes", "law", "reductions", "law"), rows)


def print_check(data):
    latency, bandwidth = fit(data["costs"])
    print(f"Time on two ranks of this machine, its messages costing {1e6 * latency:.2f} us + bytes / {bandwidth / 1e9:.2f} "
          "GB/s (ping-pong in the same processes):\n")
    rows = []
    for name, times in data["times"].items():
        workload = WORKLOADS[name]
        hidden = (256, 256, 256) if name == "training" else (64, 64, 64)
        cost = law(name, data, 2, workload.timed_size, workload.timed_layers, hidden)
        sent = seconds(cost, 2, latency, bandwidth)
        predicted = times["one"] / 2 + sent
        rows.append((name, f"{1e3 * times['one']:.4g}", f"{1e3 * times['two']:.4g}", f"{1e3 * predicted:.4g}",
                     f"{100 * sent / predicted:.1f} %", f"{times['two'] / predicted:.2f}",
                     f"{100 * times['one'] / (2 * times['two']):.0f} %", f"{100 * times['one'] / times['two_twice']:.0f} %"))
    table(("workload", "1 rank, ms", "2 ranks, ms", "model, ms", "of it sending", "measured / model", "strong", "weak"), rows)


def print_predictions(data, latency, bandwidth, ranks_per_node):
    print(f"Predicted: {1e6 * latency:g} us, {bandwidth / 1e9:g} GB/s per node of {ranks_per_node} ranks; milliseconds per "
          "step (efficiency):\n")
    counts = (64, 256, 512, 1024, 4096, 10000)
    rows = []
    for name, (size_text, size, layers, most) in REAL.items():
        if name not in data["times"]:
            continue
        workload = WORKLOADS[name]
        work = data["times"][name]["one"] * size / workload.timed_size
        hidden = (256, 256, 256) if name == "training" else (64, 64, 64)
        row = [f"{name}: {size_text}, per {workload.unit}", f"{1e3 * work:.4g}"]
        for ranks in counts:
            active = 2 ** int(math.log2(ranks)) if name == "training" else ranks
            if active > most:
                row.append("-")
                continue
            cost = law(name, data, active, size, layers, hidden)
            total = work / active + seconds(cost, active, latency, bandwidth / ranks_per_node)
            row.append(f"{1e3 * total:.3g} ({100 * work / (active * total):.0f} %)")
        rows.append(row)
    table(("workload", "1", *map(str, counts)), rows)


def print_sending(data, latency, bandwidth, ranks_per_node):
    print(f"Sending alone, at {1e6 * latency:g} us and {bandwidth / 1e9:g} GB/s per node of {ranks_per_node} ranks; "
          "milliseconds per step:\n")
    counts = (64, 256, 512, 1024, 4096, 10000)
    rows = []
    for name, (size_text, size, layers, most) in REAL.items():
        hidden = (256, 256, 256) if name == "training" else (64, 64, 64)
        row = [f"{name}: {size_text}, per {WORKLOADS[name].unit}"]
        for ranks in counts:
            cost = law(name, data, ranks, size, layers, hidden) if ranks <= most else None
            row.append(f"{1e3 * seconds(cost, ranks, latency, bandwidth / ranks_per_node):.3g}" if cost else "-")
        rows.append(row)
    table(("workload", *map(str, counts)), rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--latency", type=float, default=1.5, help="microseconds")
    parser.add_argument("--bandwidth", type=float, default=25, help="GB/s of a node")
    parser.add_argument("--ranks-per-node", type=int, default=64)
    options = parser.parse_args()
    data = json.loads(options.file.read_text())
    print_counts(data)
    print_sending(data, 1e-6 * options.latency, 1e9 * options.bandwidth, options.ranks_per_node)
    if data["times"]:
        print_check(data)
        print_predictions(data, 1e-6 * options.latency, 1e9 * options.bandwidth, options.ranks_per_node)


if __name__ == "__main__":
    main()
