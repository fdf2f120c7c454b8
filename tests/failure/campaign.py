"""Lets one rank of a study fail at random points, again and again, and sees how all of them end.

usage: campaign.py PROGRAM LIBRARY --faults N [--seed S] [--ranks 1 2 4] [--verbose]

LIBRARY (faults/preload.cpp) makes one call of one rank fail: an allocation, a file that is written or read, or a reduction in which
the rank dies or throws. Every run must end in time on all ranks with a documented exit code and one message, leave no
results.json unless it succeeded or names what failed, and leave checkpoints from which the study ends with the bits of one that met no fault.
"""
import argparse
import collections
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import studies

# Call and fault, and the exit codes that may follow. An allocation that fails inside a library, or where nothing may throw, ends in
# std::terminate (134). A file that cannot be written may be one that a run can do without, and so may be one that is read.
FAULTS = {("new", "bad_alloc"): {0, 1, 134}, ("allreduce", "segv"): {139}, ("allreduce", "kill"): {137}, ("allreduce", "abort"): {134},
          ("allreduce", "error"): {4}, ("allreduce", "exception"): {1}, ("new", "segv"): {139}, ("write", "kill"): {137},
          ("write", "disk_full"): {0, 4}, ("write", "io_error"): {0, 4}, ("read", "io_error"): {0, 4}, ("read", "segv"): {139}}
SILENT = {0, 134, 137, 139}  # what a signal ends can say nothing
NOTICES = ("going on", "goes on from", "is taken from", "is not used", "starting afresh")

parser = argparse.ArgumentParser()
parser.add_argument("program")
parser.add_argument("library")
parser.add_argument("--faults", type=int, required=True)
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--ranks", type=int, nargs="+", default=[1, 2, 4])
parser.add_argument("--verbose", action="store_true")
options = parser.parse_args()
dice = random.Random(options.seed)
deck = pathlib.Path(__file__).resolve().parent / "faults/study.yaml"
limit = 60  # seconds, of which an undisturbed run takes one or two


def run(folder, ranks, environment={}):
    begin = time.monotonic()
    process = studies.start(options.program, deck, folder, ranks, "--restart", "latest", environment=environment)
    try:
        code = process.wait(timeout=limit)
    except subprocess.TimeoutExpired:
        fail(folder, ranks, environment, "hangs")
    return code, time.monotonic() - begin, (folder / "log").read_text()


def fail(folder, ranks, environment, message):
    pids = studies.rank_processes(options.program, folder)
    studies.send(pids, 9)
    sys.exit(f"FAILED on {ranks} ranks with {environment}: {message}\n{(folder / 'log').read_text()}")


def count_calls(folder, ranks):
    """By rank and kind, of a run that goes on from checkpoints where there are any."""
    run(folder, ranks, {"LD_PRELOAD": options.library, "FORTET_FAULT_COUNT": f"{folder}/count"})
    counts = []
    for rank in range(ranks):
        lines = (folder / f"count.{rank}").read_text().split("\n")
        counts.append({kind: int(count) for kind, count in (line.split() for line in lines if line)})
    return counts


with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    counts = {}
    for ranks in options.ranks:
        shutil.rmtree(folder / "out", ignore_errors=True)
        counts[ranks] = count_calls(folder, ranks)
    expected = studies.results(folder)
    ends = collections.Counter()
    slowest = faults = compared = attempts = 0
    has_read = False
    shutil.rmtree(folder / "out")
    while faults < options.faults:
        ranks = dice.choice(options.ranks)
        rank = dice.randrange(ranks)
        (call, fault), allowed = dice.choice(list(FAULTS.items()))
        # Reads are those of checkpoints: few, and only where there are some.
        most = 30 if call == "read" else counts[ranks][rank][call]
        environment = {"LD_PRELOAD": options.library, "FORTET_FAULT": f"{rank}:{call}:{dice.randint(1, most)}:{fault}"}
        code, seconds, log = run(folder, ranks, environment)
        # A restarted run makes fewer calls and may end before the fault.
        if code not in allowed | {0}:
            fail(folder, ranks, environment, f"exit code {code} instead of {sorted(allowed)}")
        messages = [line for line in log.splitlines() if line.startswith("fortet:") and not any(notice in line for notice in NOTICES)]
        if len(messages) > 1 or (not messages and code not in SILENT):
            fail(folder, ranks, environment, f"{len(messages)} messages")
        deadline = time.monotonic() + 10
        while studies.rank_processes(options.program, folder):
            if time.monotonic() > deadline:
                fail(folder, ranks, environment, "ranks live on")
            time.sleep(0.05)
        if options.verbose:
            print(f"{ranks} ranks, {environment['FORTET_FAULT']}: exit code {code}, {seconds:.1f} s {messages}", flush=True)
        ends[f"{call} {fault}: {code}"] += 1
        slowest = max(slowest, seconds)
        faults += code != 0 or "going on" in log or "is not used" in log
        attempts += 1
        results = folder / "out/results.json"
        if code != 0 and results.exists() and not json.loads(results.read_text())["failed"] and (difference := studies.first_difference(expected, studies.results(folder))):
            fail(folder, ranks, environment, f"a run that failed left results that look complete: {difference}")
        if code == 0 or dice.random() < 0.2:
            if code != 0:
                code, _, log = run(folder, dice.choice(options.ranks))
                if code != 0:
                    fail(folder, ranks, environment, f"cannot be restarted: exit code {code}")
            if difference := studies.first_difference(expected, studies.results(folder)):
                fail(folder, ranks, environment, f"differs from a run without faults: {difference}")
            compared += 1
            shutil.rmtree(folder / "out")
    print(f"{faults} faults in {attempts} runs, the slowest of which took {slowest:.1f} s; {compared} studies ended with the bits of one without faults")
    print("\n".join(f"  {end}: {count}" for end, count in sorted(ends.items())))
