"""Runs every faulty deck of a folder and compares exit code and message with those stated in its first two lines.

usage: run_cases.py PROGRAM FOLDER RANKS
"""
import concurrent.futures
import os
import pathlib
import subprocess
import sys
import tempfile

program, cases, ranks = sys.argv[1], pathlib.Path(sys.argv[2]).resolve(), int(sys.argv[3])
os.environ["OMPI_MCA_odls_base_sigkill_timeout"] = "0"  # mpirun would wait a second for each deck that is refused


def faults_of(deck):
    """What is not as the deck states it; empty if all is."""
    lines = deck.read_text().splitlines()
    code = int(lines[0].removeprefix("# exit: "))
    message = lines[1].removeprefix("# message: ")
    if "ranks" in message and ranks == 1:  # a fault that needs several ranks
        code, message = 0, ""
    launch = ["mpirun", "--oversubscribe", "-n", str(ranks)] if ranks > 1 else []
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(launch + [program, "run", str(deck)], cwd=folder, capture_output=True, text=True, timeout=60,
                              stdin=subprocess.DEVNULL)
        wrong = []
        if done.returncode != code:
            wrong.append(f"exit code {done.returncode}, expected {code}")
        if message not in done.stderr:
            wrong.append(f"no message '{message}'")
        if done.stderr.count("nothing was computed") > 1:
            wrong.append("the message is repeated")
        if code == 2 and any(pathlib.Path(folder).iterdir()):
            wrong.append("something was written although nothing was computed")
    return f"{deck.name} on {ranks} ranks: {'; '.join(wrong)}\n--- stderr\n{done.stderr}\n---" if wrong else ""


decks = sorted(cases.glob("*.yaml"))
with concurrent.futures.ThreadPoolExecutor(2) as pool:  # most of the time goes by while ranks are started and ended
    failures = [fault for fault in pool.map(faults_of, decks) if fault]
print(*failures, f"{len(decks)} decks, {len(failures)} failed", sep="\n")
sys.exit(bool(failures) or not decks)
