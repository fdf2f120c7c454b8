"""`fortet report` draws every picture of a study; a folder without results is refused."""
import sys

from decks import Workspace, expect

workspace = Workspace(sys.argv[1])
python = {"FORTET_PYTHON": sys.executable}
expect(workspace.run("deck.yaml").returncode == 0, "the study did not run")
done = workspace.run("out", command="report", environment=python)
expect(done.returncode == 0, f"exit code {done.returncode}: {done.stdout}{done.stderr}")
pictures = sorted(file.name for file in (workspace.folder / "out/report").glob("*.png"))
expect(pictures == ["budget.png", "comparison_00.png", "density_law.png", "diagnostics.png"], f"pictures: {pictures}")
page = (workspace.folder / "out/report/report.html").read_text()
expect(page.count("data:image/png;base64") == 4 and "a small study" in page and "http" not in page, "report.html is not whole or not self-contained")
done = workspace.run("out", "--animation", command="report", environment=python)
expect((workspace.folder / "out/report/animation_law.gif").exists(), "no animation")
done = workspace.run("nowhere", command="report", environment=python)
expect(done.returncode == 2 and "holds no study.h5" in done.stderr, f"{done.returncode} {done.stderr}")
print("report drawn")
