"""Faults of files: full, read-only and damaged ones, and checkpoints of something else. Each run ends with the documented exit code and one
message, or goes on to the bits of a run that met no fault.

usage: run_files.py PROGRAM LIBRARY RANKS [--rounds N] [--seed S] [--only PART ...]

LIBRARY (faults/preload.cpp) ends a run when a file of a given name appears, or holds it at its safe points. Each round damages other files at other places. Mounts (a small disk, a read-only one) want root; without, they are left out.
"""
import argparse
import contextlib
import math
import os
import pathlib
import random
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import zlib

import h5py
import numpy

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import studies

parser = argparse.ArgumentParser()
parser.add_argument("program")
parser.add_argument("library")
parser.add_argument("ranks", type=int)
parser.add_argument("--rounds", type=int, default=1)
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--only", nargs="+", help="parts, for example data_that_are_damaged")
options = parser.parse_args()
dice = random.Random(options.seed)
os.environ["OMPI_MCA_odls_base_sigkill_timeout"] = "0"  # mpirun would wait a second for each run that fails
here = pathlib.Path(__file__).resolve().parent
runs = 0


def run(folder, deck, codes, *words, message="", ranks=options.ranks, limit=None, environment={}, timeout=60):
    """Returns the exit code and what was said."""
    global runs
    runs += 1
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    process = studies.start(options.program, deck, folder, ranks, *words, environment=environment)
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    try:
        code = process.wait(timeout=timeout)
    except subprocess.TimeoutExpired:
        studies.send(studies.rank_processes(options.program, folder), 9)
        sys.exit(f"FAILED: hangs with {words}\n{(folder / 'log').read_text()}")
    log = (folder / "log").read_text()
    if code not in codes or (message and message not in log):
        sys.exit(f"FAILED on {ranks} ranks with {words}: exit code {code} instead of {codes}, '{message}' expected\n{log}")
    if code == 4 and log.count("fortet: ") - log.count("going on\n") - log.count(" goes on from ") - log.count("checkpoint\n") > 1:
        sys.exit(f"FAILED: more than one message\n{log}")
    return code, log


def run_and_kill(folder, deck, pattern, *words, ranks=options.ranks):
    """Kills the run as soon as there is a file of this pattern below its results. States are saved as often as they can be."""
    run(folder, deck, {137}, "checkpoint_interval=1e-9", *words, ranks=ranks,
        environment={"LD_PRELOAD": options.library, "FORTET_KILL_AFTER": f"*/{pattern}"})


def run_for_a_second(folder, deck, codes, *words, **more):
    """A run that would take longer than its walltime of a second on any machine."""
    hold = folder / "hold"
    hold.touch()
    done = run(folder, deck, codes, *words, "--walltime", "1", environment={"LD_PRELOAD": options.library, "FORTET_HOLD": f"0.3:{hold}"}, **more)
    hold.unlink()
    return done


def expect_same(folder, expected, what):
    if difference := studies.first_difference(expected, studies.results(folder)):
        sys.exit(f"FAILED on {options.ranks} ranks after {what}: {difference}")


def damage(file):
    """One bit flipped, some bytes lost at the end, or all of them."""
    data = bytearray(file.read_bytes())
    how = dice.randrange(4)
    if how < 2:
        place = dice.randrange(len(data))
        data[place] ^= 1 << dice.randrange(8)
        what = f"a flipped bit in byte {place} of {file.name}"
    else:
        keep = dice.randrange(len(data)) if how == 2 else 0
        data, what = data[:keep], f"{file.name} being cut to {keep} bytes"
    file.write_bytes(data)
    return what


@contextlib.contextmanager
def mounted(folder, *words):
    """Yields whether the mount was possible."""
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["mount", *words, str(folder)], capture_output=True, text=True) if os.geteuid() == 0 else None
    if not done or done.returncode != 0:
        print(f"left out: mount {' '.join(words)}: {done.stderr.strip() if done else 'not root'}")
        yield False
        return
    try:
        yield True
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def checkpoints_that_are_damaged(folder):
    deck, words = here / "faults/study.yaml", ["models.matched.steps=400"]
    run(folder, deck, {0}, *words)
    expected = studies.results(folder)
    run_and_kill(folder, deck, "checkpoints/models.matched.[2-9].state", *words)
    shutil.copytree(folder / "out", folder / "killed")

    def again():
        shutil.rmtree(folder / "out")
        shutil.copytree(folder / "killed", folder / "out")
        return sorted((folder / "out/checkpoints").glob("*.state"))

    for _ in range(options.rounds):
        for file in again():
            what = damage(file)
            run(folder, deck, {0}, "--restart", "latest", *words)  # names what it leaves aside, if it needed it
            expect_same(folder, expected, what)
            again()
        what = ", ".join(damage(file) for file in again())
        run(folder, deck, {0}, "--restart", "latest", *words)
        expect_same(folder, expected, what)
        again()
        what = damage(folder / "out/checkpoints/study.json")
        run(folder, deck, {2, 4}, "--restart", "latest", *words, message="checkpoints")
    # Those of something else.
    again()
    run(folder, deck, {2}, "--restart", "latest", "models.matched.steps=401", message="steps: 400 in the checkpoint, 401 now")
    identity = folder / "out/checkpoints/study.json"
    identity.write_text(identity.read_text().replace('"version": "', '"version": "9'))
    run(folder, deck, {2}, "--restart", "latest", *words, message="version: ")
    again()
    run(folder, here.parent / "restart/decks/densities.yaml", {2}, "--restart", "latest", message="another study")
    run(folder, deck, {2}, "--restart", str(folder / "nothing"), *words, message="holds no checkpoints")
    if not (folder / "out/checkpoints/models.matched.2.state").exists() or (folder / "out/results.json").exists():
        sys.exit("FAILED: a refused restart touched the results")
    run_and_kill(folder, deck, "checkpoints/models.matched.1.state", *words, "models.matched.shards=2", ranks=2)
    run(folder, deck, {2}, "--restart", "latest", *words, "models.matched.shards=2", ranks=4, message="shards")
    shutil.rmtree(folder / "killed")


def sweeps_that_are_damaged(folder):
    deck, words = here.parent / "restart/decks/sweep.yaml", ["ensembles.sde.particles=100000"]
    run(folder, deck, {0, 5}, *words)
    expected = studies.results(folder)
    for _ in range(options.rounds):
        run_and_kill(folder, deck, "sweep.state", *words)
        what = damage(folder / "out/sweep.state")
        run(folder, deck, {0, 5}, "--restart", "latest", *words, message="all cases run again")
        expect_same(folder, expected, what)


ENSEMBLE = """
study: many particles
output: out
seed: 2
checkpoint_interval: 0.05
laws: {start: {kind: gaussian, mean: [0], deviation: 1}}
processes: {ou: {kind: ornstein_uhlenbeck, dimension: 1}}
ensembles: {sde: {process: ou, initial: start, particles: 400000, store: 1000, stepper: euler_maruyama, steps: 600}}
"""


def disks_that_are_full(folder):
    deck = folder / "deck.yaml"
    deck.write_text(ENSEMBLE)
    # A checkpoint beyond the largest file allowed; MPI's own files in memory are below it.
    more = ["ensembles.sde.particles=6000000", "ensembles.sde.steps=10"]
    run(folder, deck, {0}, *more, limit=40_000_000, message="no checkpoint was made")
    run_for_a_second(folder, deck, {4}, *more, limit=40_000_000, message="cannot write it: File too large")
    shutil.rmtree(folder / "out")
    run(folder, deck, {0})
    expected = studies.results(folder)
    shutil.rmtree(folder / "out")
    (folder / "small").mkdir()
    (folder / "small/log").touch()
    with mounted(folder / "small", "-t", "tmpfs", "-o", "size=9m", "tmpfs") as possible:
        if not possible:
            return
        small = folder / "small"
        run_and_kill(small, deck, "checkpoints/*.state")
        filler = small / "filler"

        def fill():
            with contextlib.suppress(OSError), open(filler, "wb", buffering=0) as stream:
                while True:
                    stream.write(bytes(4096))

        log = small / "log"
        log.unlink()
        log.symlink_to(folder / "log")
        fill()
        run(small, deck, {4}, "--restart", "latest", message="is the disk full")
        os.truncate(filler, filler.stat().st_size - 2**16)  # room for the results, not for a checkpoint
        run_for_a_second(small, deck, {4}, "--restart", "latest", message="No space left on device")
        _, said = run(small, deck, {0}, "--restart", "latest", message="No space left on device; going on")
        if "goes on from" not in said:
            sys.exit(f"FAILED: the checkpoint before the disk was full is lost\n{said}")
        expect_same(small, expected, "a full disk")


BRIDGE = """
study: a bridge with slices on disk
output: out
laws: {left: {kind: gaussian, mean: [-1, 0], deviation: 0.5}, right: {kind: gaussian, mean: [1, 0], deviation: 0.4}}
processes: {free: {kind: brownian, dimension: 2, sigma: 0.5}, crossing: {kind: bridge, of: b}, flow: {kind: bridge, of: b, flow: true}}
grids: {plane: {lower: [-4, -4], upper: [4, 4], cells: [32, 32]}}
bridges: {b: {kind: schroedinger, process: free, source: left, target: right, grid: plane, slices: 300, at: [0.5, 1], acceleration: none}}
ensembles: {sde: {process: crossing, initial: left, particles: 1000, steps: 20}, ode: {process: flow, initial: left, particles: 1000, stepper: heun, steps: 20}}
"""


def slices_on_disk(folder):
    """The results of slices in memory; nothing is left on the disk by runs that are killed; a run goes on wherever its slices lie now."""
    deck, slices = folder / "deck.yaml", folder / "slices"
    deck.write_text(BRIDGE)
    slices.mkdir()
    disk = ["bridges.b.slices_on=disk", f"bridges.b.slices_folder={slices}"]
    run(folder, deck, {0})
    expected = studies.results(folder)
    shutil.rmtree(folder / "out")
    run(folder, deck, {0}, *disk)
    expect_same(folder, expected, "slices on disk instead of in memory")
    for first, second, state in (([], disk, "bridges.b.2"), (disk, [], "bridges.b.2"), (disk, disk, "ensembles.sde")):
        shutil.rmtree(folder / "out")
        run_and_kill(folder, deck, f"checkpoints/{state}.state", *first)
        if left := list(slices.iterdir()):
            sys.exit(f"FAILED: a killed run left {left}")
        run(folder, deck, {0}, "--restart", "latest", *second)
        expect_same(folder, expected, f"being killed with {first or 'slices in memory'}")
    shutil.rmtree(folder / "out")
    with mounted(slices, "-t", "tmpfs", "-o", "size=1m", "tmpfs") as possible:
        if possible:
            run(folder, deck, {4}, *disk, message=f"3 MB that the ranks of node {socket.gethostname()} share into the folder {slices}: No space left")
    with mounted(slices, "-t", "tmpfs", "-o", "ro", "tmpfs") as possible:
        if possible:
            run(folder, deck, {4}, *disk, message=f"into the folder {slices}: Read-only file system")


def folders_that_are_closed(folder):
    deck = folder / "deck.yaml"
    deck.write_text(ENSEMBLE)
    (folder / "out").write_text("")
    run(folder, deck, {4}, message="cannot be written to")
    (folder / "out").unlink()
    run(folder, deck, {0})
    expected = studies.results(folder)
    shutil.rmtree(folder / "out")
    with mounted(folder / "out", "-t", "tmpfs", "-o", "ro", "tmpfs") as possible:
        if not possible:
            return
        run(folder, deck, {4}, message="out")
    run_and_kill(folder, deck, "checkpoints/*.state")
    saved = folder / "out/checkpoints"
    with mounted(saved, "--bind", "-o", "ro", str(saved)) as possible:
        if possible:
            run(folder, deck, {0}, "--restart", "latest", message="no checkpoint was made")
            expect_same(folder, expected, "a closed folder of checkpoints")
            run(folder, deck, {4}, message="cannot set these checkpoints aside")


DATA = """
study: data that are damaged
output: out
laws: {{data: {{kind: empirical, file: {file}}}}}
processes: {{free: {{kind: brownian, dimension: 2, sigma: 1, horizon: 1}}}}
ensembles: {{sde: {{process: free, initial: data, particles: 100, stepper: euler_maruyama, steps: 2}}}}
"""


def data_that_are_damaged(folder):
    points = numpy.random.default_rng(1).normal(size=(50, 2))
    deck = folder / "data.yaml"
    for name in ("data.csv", "data.npy", "data.h5"):
        file = folder / name
        deck.write_text(DATA.format(file=file))

        def write(values):
            if name == "data.csv":
                numpy.savetxt(file, values, delimiter=",")
            elif name == "data.npy":
                numpy.save(file, values)
            else:
                with h5py.File(file, "w") as opened:
                    opened["points"] = values

        write(points)
        run(folder, deck, {0})
        for _ in range(2 * options.rounds):
            write(points)
            damage(file)
            run(folder, deck, {0, 2, 3})  # a flipped bit of a number is a number
        file.write_bytes(b"")
        run(folder, deck, {2}, message=name)
        bad = points.copy()
        bad[dice.randrange(50), 1] = dice.choice([math.nan, math.inf])
        write(bad)
        run(folder, deck, {2}, message="finite")


LATER = """
study: a number that is none, later
output: out
laws: {start: {kind: gaussian, mean: [0], deviation: 1}}
processes: {late: {kind: expression, drift: ["-x*if(t<0.6, 1, if(t<0.8, sqrt(-1 - t), 1))"], noise: 1, horizon: 1}}
grids: {line: {lower: [-5], upper: [5], cells: [100]}}
"""


def numbers_that_are_none(folder):
    deck = folder / "later.yaml"
    for kind in ("densities: {pde: {process: late, initial: start, grid: line, steps: 40}}",
                 "densities: {pde: {process: late, initial: start, grid: line, tolerance: 1e-4}}",
                 "ensembles: {sde: {process: late, initial: start, particles: 5000, stepper: euler_maruyama, steps: 40}}"):
        deck.write_text(LATER + kind)
        run(folder, deck, {3}, message="is not finite" if kind.startswith("ensembles") else "drift[0] is nan at x")
    # Weights with a right checksum that are none.
    deck = here / "faults/study.yaml"
    shutil.rmtree(folder / "out", ignore_errors=True)
    run(folder, deck, {0})
    weights = folder / "weights.h5"
    shutil.move(folder / "out/matched.weights.h5", weights)
    words = [f"models.matched.weights={weights}", "models.matched.steps=0"]
    run(folder, deck, {0}, *words)
    expected = studies.results(folder)
    good = weights.read_bytes()
    for _ in range(3 * options.rounds):
        weights.write_bytes(good)
        what = damage(weights)
        if run(folder, deck, {0, 2}, *words)[0] == 0:  # a bit of the seal's own mark, which HDF5 does not read
            expect_same(folder, expected, what)
    weights.write_bytes(good[:-16])  # without the seal over the file
    with h5py.File(weights, "r+") as opened:
        data = opened["velocity/weights"]
        values = data[()]
        values[dice.randrange(values.size)] = math.nan
        data[()] = values
        kept = data.attrs["checksum"]
        del data.attrs["checksum"]
        text = f"{zlib.crc32(values.tobytes()):08x}"
        data.attrs.create("checksum", numpy.bytes_(text), dtype=h5py.string_dtype("utf-8", len(kept)))
    run(folder, deck, {2, 3, 4}, *words, message="finite")


with tempfile.TemporaryDirectory() as name:
    for part in (checkpoints_that_are_damaged, sweeps_that_are_damaged, disks_that_are_full, slices_on_disk, folders_that_are_closed, data_that_are_damaged,
                 numbers_that_are_none):
        if options.only and part.__name__ not in options.only:
            continue
        folder = pathlib.Path(name) / part.__name__
        folder.mkdir()
        begin = time.monotonic()
        part(folder)
        print(f"{part.__name__.replace('_', ' ')}: {time.monotonic() - begin:.0f} s", flush=True)
    print(f"{runs} runs on {options.ranks} ranks ended as documented")
