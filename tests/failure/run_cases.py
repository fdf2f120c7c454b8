"""Runs every faulty deck of a folder and compares exit code and message with those stated in its first two lines.

usage: run_cases.py PROGRAM FOLDER RANKS
"""
import pathlib
import subprocess
import sys
import tempfile


def run(program, deck, ranks, folder):
    launch = ["mpirun", "--oversubscribe", "-n", str(ranks)] if ranks > 1 else []
    return subprocess.run(launch + [program, "run", str(deck)], cwd=folder, capture_output=True, text=True, timeout=60,
                          stdin=subprocess.DEVNULL)


def main():
    program, cases, ranks = sys.argv[1], pathlib.Path(sys.argv[2]).resolve(), int(sys.argv[3])
    failures = 0
    decks = sorted(cases.glob("*.yaml"))
    for deck in decks:
        lines = deck.read_text().splitlines()
        code = int(lines[0].removeprefix("# exit: "))
        message = lines[1].removeprefix("# message: ")
        if "ranks" in message and ranks == 1:  # a fault that needs several ranks
            code, message = 0, ""
        with tempfile.TemporaryDirectory() as folder:
            done = run(program, deck, ranks, folder)
            wrong = []
            if done.returncode != code:
                wrong.append(f"exit code {done.returncode}, expected {code}")
            if message not in done.stderr:
                wrong.append(f"no message '{message}'")
            if done.stderr.count("nothing was computed") > 1:
                wrong.append("the message is repeated")
            if code == 2 and any(pathlib.Path(folder).iterdir()):
                wrong.append("something was written although nothing was computed")
            if wrong:
                failures += 1
                print(f"{deck.name} on {ranks} ranks: {'; '.join(wrong)}\n--- stderr\n{done.stderr}\n---")
    print(f"{len(decks)} decks, {failures} failed")
    sys.exit(failures > 0)


main()
