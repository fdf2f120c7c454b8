"""Kills studies at random instants, restarts them on other numbers of ranks, and compares what they end with, bit for bit, with a run that was
never interrupted.

usage: campaign.py PROGRAM DECK --kills N [--seed S] [--ranks 1 2 3 4] [--ways ...] [--verbose]

A run is ended by SIGKILL to one rank or to all, by USR1, TERM or INT to all ranks, by a file named stop, or by its walltime; the latter ones must end
with exit code 75. States are saved all the time (checkpoint_interval), so that many kills meet a state that is being written.
"""
import argparse
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import studies

WAYS = ["one rank killed", "all ranks killed", "USR1", "TERM", "INT", "stop file", "walltime"]
parser = argparse.ArgumentParser()
parser.add_argument("program")
parser.add_argument("deck", type=pathlib.Path)
parser.add_argument("--kills", type=int, required=True)
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--ranks", type=int, nargs="+", default=[1, 2, 3, 4])
parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
parser.add_argument("--verbose", action="store_true")
options = parser.parse_args()
dice = random.Random(options.seed)


def start(folder, ranks, *words):
    return studies.start(options.program, options.deck, folder, ranks, *words)


def rank_processes(folder):
    return studies.rank_processes(options.program, folder)


def fail(folder, message):
    sys.exit(f"FAILED: {message}\n{(folder / 'log').read_text()}")


def interrupt(folder, process, way):
    """Returns the exit codes that may follow."""
    pids = rank_processes(folder)
    if way == "one rank killed" and pids:
        studies.send([dice.choice(pids)], signal.SIGKILL)
    elif way == "all ranks killed":
        studies.send(pids, signal.SIGKILL)
    elif way in ("USR1", "TERM", "INT"):
        studies.send(pids, getattr(signal, "SIG" + way))
        return {75}
    elif way == "stop file" and (folder / "out").exists():
        (folder / "out/stop").write_text("")
        return {75}
    return None


with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    begin = time.monotonic()
    if start(folder, options.ranks[0]).wait() not in (0, 5):
        fail(folder, "the run that nobody interrupts")
    duration = time.monotonic() - begin
    expected = studies.results(folder)
    counts = {way: 0 for way in options.ways}
    restarted = runs = launcher = 0
    while sum(counts.values()) < options.kills:
        shutil.rmtree(folder / "out")
        runs += 1
        while True:
            ranks = dice.choice(options.ranks)
            way = dice.choice(options.ways)
            words = ["--restart", "latest", "checkpoint_interval=0.05"]
            if way == "walltime":
                words += ["--walltime", str(max(1, round(dice.uniform(0, duration))))]
            process = start(folder, ranks, *words)
            allowed = {75} if way == "walltime" else None
            try:
                process.wait(timeout=dice.uniform(0.2, 0.8 * duration))
            except subprocess.TimeoutExpired:
                if way != "walltime":
                    allowed = interrupt(folder, process, way)
            try:
                code = process.wait(timeout=60 + 10 * duration)
            except subprocess.TimeoutExpired:
                if rank_processes(folder):
                    fail(folder, f"hangs on {ranks} ranks after: {way}")
                # No rank is left: Open MPI's mpirun waits for one that was killed before it had spoken to it.
                process.kill()
                code = process.wait()
                launcher += 1
            log = (folder / "log").read_text()
            restarted += "goes on from" in log or "is taken from the checkpoint" in log
            if options.verbose:
                print(f"{ranks} ranks, {way}: exit code {code}", *[line for line in log.splitlines() if line.startswith("fortet:")], sep="\n  ", flush=True)
            if code in (0, 5):
                break
            if allowed is not None and code not in allowed:
                # A signal may come before the program watches for it, or after its work is done.
                if not (way in ("USR1", "TERM", "INT") and "ranks x" not in log and "rank x" not in log) and "done" not in log:
                    fail(folder, f"exit code {code} on {ranks} ranks after: {way}")
            if code == 1 or code == 2 or code == 3 or code == 4:
                fail(folder, f"exit code {code} on {ranks} ranks after: {way}")
            counts[way] += 1
            if leftover := rank_processes(folder):
                time.sleep(2)
                if leftover := rank_processes(folder):
                    fail(folder, f"ranks live on after: {way}: {leftover}")
        if difference := studies.first_difference(expected, studies.results(folder)):
            fail(folder, f"differs from a run that was never interrupted: {difference}")
        if (folder / "out/checkpoints").exists():
            fail(folder, "the checkpoints are still there")
    print(f"{options.deck.name}: {sum(counts.values())} interruptions ({', '.join(f'{n} {way}' for way, n in counts.items())}), "
          f"{restarted} of the runs went on from a checkpoint, {runs} studies ended with the bits of one that nobody interrupted"
          + (f"; {launcher} times mpirun had to be killed after all its ranks" if launcher else ""))
