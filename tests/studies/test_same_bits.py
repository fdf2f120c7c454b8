"""study.h5 holds the same bits for any number of ranks and threads, and for a repetition: h5diff finds nothing."""
import subprocess
import sys

from decks import Workspace, expect

workspace = Workspace(sys.argv[1])
runs = {"once": (1, 1), "again": (1, 1), "two": (2, 1), "three": (3, 1), "four": (4, 1), "threads": (1, 2)}
for name, (ranks, threads) in runs.items():
    done = workspace.run("deck.yaml", f"output={name}", ranks=ranks, threads=threads)
    expect(done.returncode == 0, f"{name}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
for name in list(runs)[1:]:
    diff = subprocess.run(["h5diff", "-v", "once/study.h5", f"{name}/study.h5"], cwd=workspace.folder, capture_output=True, text=True)
    expect(diff.returncode == 0, f"{name}: {diff.stdout[-2000:]}{diff.stderr}")
    same = (workspace.folder / "once/results.json").read_text() == (workspace.folder / name / "results.json").read_text()
    expect(same, f"{name}: results.json differs")
done = workspace.run("deck.yaml", "output=other", "seed=4")
diff = subprocess.run(["h5diff", "once/study.h5", "other/study.h5"], cwd=workspace.folder, capture_output=True, text=True)
expect(diff.returncode == 1, "another seed must give other particles")
print(f"{len(runs)} runs, same bits")
