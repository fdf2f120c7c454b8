"""For tests that run studies under MPI: starts them, finds their processes, and reads what must not depend on the way to a result."""
import os
import pathlib
import subprocess

import h5py
import numpy


def start(program, deck, folder, ranks, *words, environment={}):
    """Results go to FOLDER/out, what is said to FOLDER/log. `environment` is passed on to all ranks."""
    launch = ["mpirun", "--oversubscribe", "-n", str(ranks)]
    for name, value in environment.items():
        launch += ["-x", f"{name}={value}"]
    with open(folder / "log", "w") as log:
        return subprocess.Popen(launch + [program, "run", str(deck), f"output={folder}/out", *words], stdout=log, stderr=subprocess.STDOUT,
                                stdin=subprocess.DEVNULL, start_new_session=True)


def rank_processes(program, folder):
    """Processes of the program that work for this folder."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if words[0].decode(errors="replace") == program and f"output={folder}/out".encode() in words:
                found.append(int(entry.name))
    return found


def send(pids, which):
    for pid in pids:
        try:
            os.kill(pid, which)
        except ProcessLookupError:
            pass


def contents(file):
    """All arrays and attributes of an HDF5 file by name, bit for bit."""
    kept = {}

    def visit(name, item):
        if isinstance(item, h5py.Dataset):
            kept[name] = (item.shape, item[()].tobytes())
        for key, value in item.attrs.items():
            kept[f"{name}@{key}"] = numpy.asarray(value).tobytes()

    with h5py.File(file) as opened:
        visit("/", opened)
        opened.visititems(visit)
    return kept


def results(folder):
    """All that must not depend on the way to it."""
    kept = {}
    for file in sorted((folder / "out").rglob("*")):
        name = str(file.relative_to(folder / "out"))
        if file.suffix == ".h5":
            kept[name] = contents(file)
        elif file.suffix in (".csv", ".xdmf") or file.name == "results.json":
            kept[name] = file.read_bytes()
    assert kept
    return kept


def first_difference(expected, found):
    """Empty if there is none."""
    if found.keys() != expected.keys():
        return f"the files {sorted(found)} instead of {sorted(expected)}"
    for file, content in expected.items():
        if found[file] != content:
            where = [name for name in content if found[file].get(name) != content[name]] if isinstance(content, dict) else ""
            return f"{file} {where}"
    return ""
