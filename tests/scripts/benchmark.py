"""The benchmark suite: measures a few, writes both tables, and tells a slower build. No clock is judged."""
import copy
import json
import pathlib
import subprocess
import sys

program, build, work = sys.argv[1:4]
work = pathlib.Path(work)
work.mkdir(parents=True, exist_ok=True)


def run(expected, *arguments):
    done = subprocess.run([sys.executable, program, "--build", build, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == expected, (arguments, done.returncode, done.stdout, done.stderr)
    return done.stdout + done.stderr


def scaled(table, factor, name):
    """The same table with one rate that is `factor` times as high."""
    other = copy.deepcopy(table)
    for row in other["rows"]:
        if row["name"] == name:
            row["rate"] *= factor
    path = work / f"scaled_{factor}.json"
    path.write_text(json.dumps(other))
    return path


run(0, "--quick", "--repetitions", 2, "--only", "random", "fields", "--output", work / "table")
table = json.loads((work / "table.json").read_text())
rows = {row["name"]: row for row in table["rows"]}
assert len(rows) == 9, rows.keys()
for row in rows.values():
    assert row["rate"] == max(row["rates"]) > 0 and len(row["rates"]) == 2 and row["band"] >= 0.03, row
score = rows["fields mixture_score"]
assert abs(score["share"] - score["rate"] / rows["fields copy_limit"]["rate"]) < 1e-12, score
markdown = (work / "table.md").read_text()
assert all(f"| {name} |" in markdown for name in rows), markdown

same = work / "table.json"
assert "slower" not in run(0, "--read", same, "--compare", same)
for row in table["rows"]:  # known bands, whatever the machine was doing
    row["band"] = 0.05
same.write_text(json.dumps(table))
name = "random normals/2"
assert "slower" in run(5, "--read", same, "--compare", scaled(table, 1.2, name))
assert "faster" in run(0, "--read", same, "--compare", scaled(table, 0.8, name))
assert "slower" not in run(0, "--read", same, "--compare", scaled(table, 1.08, name))

assert "cannot be read" in run(2, "--read", work / "none.json")
(work / "other.json").write_text('{"format": "other"}')
assert "is not a table" in run(2, "--read", same, "--compare", work / "other.json")
assert "build it first" in run(2, "--build", work, "--only", "random")
