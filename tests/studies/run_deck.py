"""Runs one deck at reduced size and reads back what it wrote.

usage: run_deck.py PROGRAM DECK RANKS

A deck says how it is reduced in lines "# reduced: key.path=value ...". The run must end with exit code 0 (every check agrees), or with the code of a
line "# exit: N".
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

import h5py
import jsonschema
import yaml

# YAML's core schema reads 1e6 as a number, PyYAML does not.
yaml.SafeLoader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+$"),
                                      list("-+0123456789."))


def launch(ranks):
    return ["mpirun", "--oversubscribe", "-n", str(ranks)] if ranks > 1 else []


def run(words, folder):
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout, done.stderr


def check_outputs(folder):
    results = json.loads((folder / "results.json").read_text())
    json.loads((folder / "run.json").read_text())
    assert (folder / "deck.yaml").exists() and (folder / "resolved.yaml").exists()
    with h5py.File(folder / "study.h5") as file:
        # Every array that the XDMF names exists with the dimensions it states.
        for item in xml.parse(folder / "study.xdmf").iter("DataItem"):
            if item.get("Format") == "HDF":
                name, path = item.text.split(":")
                assert name == "study.h5", name
                shape = tuple(int(n) for n in item.get("Dimensions").split())
                stored = tuple(n for n in file[path].shape)
                assert [n for n in shape if n != 1] == [n for n in stored if n != 1], (path, shape, stored)
    return results


def main():
    program, deck, ranks = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3])
    text = deck.read_text()
    reduced = [word for line in re.findall(r"^# reduced: (.*)$", text, re.M) for word in line.split()]
    expected = [int(code) for code in re.findall(r"^# exit: (\d+)$", text, re.M)] or [0]
    _, schema, _ = run([program, "describe", "--json"], deck.parent)
    jsonschema.validate(yaml.safe_load(text), json.loads(schema))
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        code, out, err = run(launch(ranks) + [program, "run", str(deck), "output=out"] + reduced, folder)
        print(out, err)
        if code != expected[0]:
            sys.exit(f"{deck.name}: exit code {code}, expected {expected[0]}")
        for results in sorted((folder / "out").rglob("results.json")):
            checked = check_outputs(results.parent)
            print(f"{results.parent.name}: {len(checked['checks'])} checks, {checked['verdict']}")


main()
