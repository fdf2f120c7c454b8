"""The batch scripts of jobs/slurm under a real Slurm on this machine:  test_slurm.py PROGRAM SOURCE_FOLDER LIBRARY

LIBRARY (tests/failure/faults/preload.cpp) holds runs until the test has done to them what it wants to.
A study by mpirun and by srun, a faulty deck, an array over a sweep, and a chain that is told to stop, is preempted by a job
of an urgent partition and is killed and queued again, and ends with the file of a run that nobody disturbed."""
import pathlib, re, subprocess, sys, time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import cluster

program, source, library = (pathlib.Path(word).resolve() for word in sys.argv[1:4])
scripts, deck = source / "jobs/slurm", source / "tests/slurm/study.yaml"
failures = []


def expect(condition, what):
    print(("ok    " if condition else "FAILS ") + what, flush=True)
    if not condition:
        failures.append(what)


def same(first, second):
    return subprocess.run(["h5diff", first, second], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def knows_restart(slurm):
    done = subprocess.run([program, "run", deck, "--restart", "latest", "--dry-run"], env=slurm.environment, cwd=slurm.folder,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    return done.returncode == 0, done.stderr.strip()


def pmix_of(slurm):
    """Whether the MPI of the program and Slurm know one another by PMIx."""
    return "pmix" in slurm.output("srun", "--mpi=list") + subprocess.run(
        ["srun", "--mpi=list"], env=slurm.environment, stderr=subprocess.PIPE, text=True).stderr and "Open MPI" in subprocess.run(
        ["mpirun", "--version"], env=slurm.environment, stdout=subprocess.PIPE, text=True).stdout


def single(slurm):
    job = slurm.submit(scripts / "single.sbatch", deck, "output=by_mpirun", options=["--ntasks=2"], **paths)
    expect(slurm.finish(job) == ["COMPLETED"], "single: a study by mpirun")
    log = (slurm.folder / f"fortet-{job}.log").read_text()
    expect("2 ranks x 1 thread," in log, "single: the ranks and threads that Slurm gave")
    if pmix_of(slurm):
        job = slurm.submit(scripts / "single.sbatch", deck, "output=by_srun", options=["--ntasks=2"],
                           FORTET_LAUNCH="srun --mpi=pmix", **paths)
        expect(slurm.finish(job) == ["COMPLETED"], "single: a study by srun --mpi=pmix")
        expect("2 ranks x 1 thread," in (slurm.folder / f"fortet-{job}.log").read_text(), "single: one study of two ranks by srun")
        expect(same(slurm.folder / "by_mpirun/study.h5", slurm.folder / "by_srun/study.h5"), "single: the same file by both")
    else:
        print("skipped: srun --mpi=pmix (this Slurm or this MPI has no PMIx)")
    job = slurm.submit(scripts / "single.sbatch", deck, "output=threads", options=["--ntasks=1", "--cpus-per-task=2"],
                       FORTET_LAUNCH="srun --mpi=pmix" if pmix_of(slurm) else "mpirun", **paths)
    slurm.finish(job)
    expect("1 rank x 2 threads," in (slurm.folder / f"fortet-{job}.log").read_text(), "single: --cpus-per-task gives threads")
    job = slurm.submit(scripts / "single.sbatch", deck, "ensembles.particles.stepper=eulr", options=["--ntasks=2"], **paths)
    slurm.finish(job)
    expect(slurm.state(job)[0] == "FAILED" and slurm.state(job)[2] == 2, "single: the exit code of a faulty deck is the job's")


def array(slurm):
    sweep = slurm.folder / "sweep.yaml"
    sweep.write_text(deck.read_text() + "sweep: {ensembles.particles.steps: [50, 100, 200]}\n")
    job = slurm.submit(scripts / "sweep.sbatch", sweep, "output=swept", options=["--array=1-3"], **paths)
    expect(slurm.finish(job) == ["COMPLETED"] * 3, "array: the cases of a sweep")
    files = [slurm.folder / f"swept/case_{i:04d}/study.h5" for i in (1, 2, 3)]
    expect(all(f.exists() for f in files), "array: a folder for each case")
    expect(not same(files[0], files[2]), "array: each job has a case of its own")


def chain(slurm):
    works, why = knows_restart(slurm)
    if not works:
        print(f"skipped: chain ({why})")
        return
    load = ["ensembles.particles.particles=400000", "ensembles.particles.steps=100"]
    undisturbed = slurm.submit(scripts / "single.sbatch", deck, "output=undisturbed", *load, options=["--ntasks=2"], **paths)
    expect(slurm.finish(undisturbed) == ["COMPLETED"], "chain: the run to compare with")
    hold = slurm.folder / "hold"
    hold.touch()
    job = slurm.submit(scripts / "chain.sbatch", deck, "output=chained", *load, options=["--ntasks=2", "--time=5"],
                       LD_PRELOAD=str(library), FORTET_HOLD=f"20:{hold}", **paths)
    log = slurm.folder / f"fortet-chain-{job}.log"
    begun = lambda: len(re.findall(r"^2 ranks x", log.read_text(), re.M)) if log.exists() else 0

    def started(n):
        """Whether the chain has begun its n-th run. One that was queued again would rest for two minutes; within the second in which
        the run before was ended, slurmd would refuse it (its credential counts as revoked)."""
        state = slurm.state(job)[0]
        if state == "PENDING" and begun() > 0:
            time.sleep(2)
            slurm.output("scontrol", "update", f"JobId={job}", "StartTime=now", check=False)
        if state == "FAILED" or (state == "COMPLETED" and begun() < n):
            raise AssertionError(f"the chain has {state} before its time\n{log.read_text()}")
        return begun() >= n

    slurm.wait_for(lambda: started(1), "the first run of the chain")
    slurm.output("scancel", "--batch", "--signal=USR1", job)
    slurm.wait_for(lambda: slurm.state(job)[1] >= 1, "the chain to queue itself again")
    expect(log.read_text().count("stopped with code 75; queueing") == 1, "chain: told to stop, it saves and queues itself again")

    slurm.wait_for(lambda: started(2), "the second run of the chain")
    urgent = slurm.submit(scripts / "single.sbatch", deck, "output=urgent", options=["--ntasks=2", "--partition=urgent"], **paths)
    expect(slurm.finish(urgent) == ["COMPLETED"], "chain: an urgent job preempts it")
    expect(slurm.state(job)[1] >= 2, "chain: preempted, it is queued again")

    slurm.wait_for(lambda: started(3), "the third run of the chain")
    slurm.output("scontrol", "requeue", job)
    slurm.wait_for(lambda: slurm.state(job)[1] >= 3, "the requeue")
    hold.unlink()
    slurm.wait_for(lambda: started(4), "the last run of the chain")
    expect(slurm.finish(job) == ["COMPLETED"], "chain: killed and queued again, it ends")
    expect("ensembles.particles goes on from" in log.read_text(), "chain: a run goes on within an ensemble")
    expect(same(slurm.folder / "undisturbed/study.h5", slurm.folder / "chained/study.h5"), "chain: the file of a run never disturbed")


reason = cluster.missing()
if reason:
    print(f"skipped: {reason}")
    sys.exit(77)
paths = {"FORTET": str(program)}
with cluster.Cluster(cpus=2) as slurm:
    for part in (single, array, chain):
        part(slurm)
    if failures:
        print(slurm.logs())
print(f"{len(failures)} failures")
sys.exit(1 if failures else 0)
