"""Counts what each workload sends per step on 1 to 64 ranks, and times it on 1 and 2.

usage: measure.py PROGRAM LIBRARY FILE [--ranks 1,2,4,8,16,32,64] [--only NAME,...] [--repeats 3] [--no-counts] [--no-times]

PROGRAM is fortet, LIBRARY libcount_messages.so (target count_messages). FILE (JSON) is made or added to; model.py reads it.
The counts do not depend on the machine and may be made with far more ranks than cores. Times are the least of the
repeats, of the object alone (no start, no output), again per step by the difference of two runs.
"""
import argparse
import json
import pathlib
import sys

from workloads import WORKLOADS, launch, per_unit, units


def time_per_unit(program, library, name, ranks, assignments, size, repeats, costs):
    workload = WORKLOADS[name]
    seconds, taken = [], []
    for steps in (workload.timed_few, workload.timed_many):
        least = float("inf")
        for _ in range(repeats):
            counts, run, results, _ = launch(program, name, ranks, (*steps, *assignments), library, ping_pong=ranks == 2)
            least = min(least, run["seconds_of"][workload.target]["max"])
            for size_text, cost in counts["ping_pong_microseconds"].items():
                costs[size_text] = min(cost, costs.get(size_text, cost))
        seconds.append(least)
        taken.append(units(name, run, results, size))
    return (seconds[1] - seconds[0]) / (taken[1] - taken[0])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("library")
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--ranks", default="1,2,4,8,16,32,64")
    parser.add_argument("--only", default=",".join(WORKLOADS))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--no-counts", action="store_true")
    parser.add_argument("--no-times", action="store_true")
    options = parser.parse_args()
    program, library = (pathlib.Path(path).resolve() for path in (options.program, options.library))
    data = json.loads(options.file.read_text()) if options.file.exists() else {"counts": {}, "times": {}, "costs": {}}

    def save():
        options.file.write_text(json.dumps(data, indent=1) + "\n")

    for name in options.only.split(","):
        workload = WORKLOADS[name]
        if not options.no_counts:
            for ranks in map(int, options.ranks.split(",")):
                try:
                    data["counts"].setdefault(name, {})[str(ranks)] = per_unit(program, library, name, ranks)
                except Exception as problem:  # the others are still worth having
                    print(f"{name} on {ranks} ranks: {problem}", file=sys.stderr)
                    continue
                save()
                print(f"counted {name} on {ranks} ranks", flush=True)
        if not options.no_times:
            times = {}
            for label, ranks, extra, size in (("one", 1, workload.timed, workload.timed_size),
                                              ("two", 2, workload.timed, workload.timed_size),
                                              ("two_twice", 2, workload.twice, 2 * workload.timed_size)):
                times[label] = time_per_unit(program, library, name, ranks, extra, size, options.repeats, data["costs"])
            data["times"][name] = times
            save()
            print(f"timed {name}: " + ", ".join(f"{key} {1e3 * value:.4g} ms" for key, value in times.items()), flush=True)


if __name__ == "__main__":
    main()
