"""What a step of each workload sends is what the model of docs/scaling.md says, on 2, 4 and 8 ranks.

usage: test_counts.py PROGRAM LIBRARY
"""
import math
import sys

import model
from workloads import KINDS, WORKLOADS, per_unit

program, library = sys.argv[1:3]
failures = []


def expect(condition, text):
    if not condition:
        failures.append(text)
        print("FAILED: " + text)


def run(name, ranks, *extra):
    """Counts per unit; and no run asks more often than about ten times a second whether a checkpoint is due."""
    found = per_unit(program, library, name, ranks, extra)
    asked, seconds, taken = found["questions"]["many"], found["questions"]["seconds"], found["units"]
    most = 10 * seconds + math.log(taken, 4) + 10  # the first questions come at once, then four times as far apart
    expect(asked <= most, f"{name} on {ranks} ranks: {asked} questions in {seconds:.2f} s, {taken} units")
    return found["per_unit"]


def sent(found):
    both = (found["point_to_point"], found["all_to_all"])
    return tuple(sum(kind[field]["max"] for kind in both) for field in ("messages", "bytes"))


def law(name, ranks):
    return model.law(name, {}, ranks, WORKLOADS[name].size, WORKLOADS[name].layers)


def silent(name, ranks, found, *kinds):
    for kind in kinds:
        for field in ("calls", "messages", "bytes"):
            expect(found[kind][field]["sum"] == 0, f"{name} on {ranks} ranks: {kind}: {found[kind][field]} {field} per step")


def exact(name, ranks, found):
    wanted = law(name, ranks)
    expect(sent(found) == (wanted.messages, wanted.bytes),
           f"{name} on {ranks} ranks: messages and bytes {sent(found)}, the law says {wanted.messages, wanted.bytes}")
    calls = found["reductions"]["calls"]["max"]
    expect(calls == wanted.reductions, f"{name} on {ranks} ranks: {calls} reductions, the law says {wanted.reductions}")


for ranks in (2, 8):  # particles: nothing
    silent("ensemble", ranks, run("ensemble", ranks), *KINDS)
for ranks in (2, 4, 8):  # the sweep along the last axis: two exchanges of all with all, nothing else
    found = run("density_2d", ranks)
    exact("density_2d", ranks, found)
    expect(found["all_to_all"]["calls"]["max"] == 2, f"density_2d on {ranks} ranks: not two exchanges")
    silent("density_2d", ranks, found, "point_to_point", "broadcasts", "gathers", "barriers", "files")
exact("density_3d", 4, run("density_3d", 4))
exact("density_moving", 4, run("density_moving", 4))
for ranks in (4,):  # two messages of a layer per term; of each piece of the series the first term needs none
    found, wanted = run("density_cross", ranks), law("density_cross", ranks)
    messages, size = sent(found)
    expect(0.95 * wanted.messages <= messages <= wanted.messages, f"density_cross: {messages} messages per term")
    expect(size == messages * 128 * 8, f"density_cross: {size / messages} bytes per message, a layer has {128 * 8}")
    silent("density_cross", ranks, found, "reductions", "gathers", "broadcasts")
for ranks in (2, 4, 8):  # a message per layer and round of the tree; no reductions whatever the ranks
    found = run("training", ranks)
    exact("training", ranks, found)
    silent("training", ranks, found, "reductions", "gathers", "broadcasts", "all_to_all", "barriers")
exact("bridge", 4, run("bridge", 4))
print(f"{len(failures)} failed")
sys.exit(len(failures) > 0)
