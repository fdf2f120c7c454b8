"""A Slurm cluster of this one machine, private to a test: own keys, ports and folders, no systemd, no cgroups; gone with the
`with` block whatever happens."""
import os, pathlib, shutil, signal, socket, subprocess, sys, tempfile, time


def missing():
    """Why no cluster can be started here, or None."""
    programs = ["munged", "mungekey", "slurmctld", "slurmd", "sbatch", "scontrol", "squeue", "scancel"]
    absent = [p for p in programs if not shutil.which(p, path=search_path())]
    if absent:
        return "not installed: " + ", ".join(absent) + " (jobs/packages --slurm)"
    if os.geteuid() != 0:
        return "slurmd must be root to start jobs"
    return None


def search_path():
    return os.environ["PATH"] + ":/usr/sbin:/sbin"


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class Cluster:
    def __init__(self, cpus):
        self.cpus = cpus
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="fortet-slurm-", dir="/tmp"))
        self.daemons = []
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(("SLURM", "PMIX"))}
        for word in ("OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "OMPI_MCA_mpi_yield_when_idle"):
            self.environment.setdefault(word, "1")
        self.environment.update(PATH=search_path(), SLURM_CONF=str(self.folder / "slurm.conf"))

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self):
        f, name = self.folder, socket.gethostname().split(".")[0]
        f.chmod(0o755)
        for sub in ("state", "spool", "munge"):
            (f / sub).mkdir(mode=0o755)
        self._call("mungekey", "--create", f"--keyfile={f}/munge/key")
        self._daemon("munged", "--foreground", "--force", f"--key-file={f}/munge/key", f"--socket={f}/munge/socket",
                     f"--pid-file={f}/munge/pid", f"--log-file={f}/munge/log", f"--seed-file={f}/munge/seed", "--num-threads=2")
        self._wait(lambda: (f / "munge/socket").exists(), "munged")
        controller, node = free_ports(2)
        (f / "slurm.conf").write_text(f"""ClusterName=fortet
SlurmctldHost={name}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
SlurmctldPort={controller}
SlurmdPort={node}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={f}/munge/socket
StateSaveLocation={f}/state
SlurmdSpoolDir={f}/spool
SlurmctldPidFile={f}/slurmctld.pid
SlurmdPidFile={f}/slurmd.pid
SlurmctldLogFile={f}/slurmctld.log
SlurmdLogFile={f}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SlurmctldParameters=preempt_send_user_signal
SchedulerType=sched/builtin
SchedulerParameters=sched_interval=1,batch_sched_delay=0,sched_min_interval=0
JobRequeue=1
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=5
InactiveLimit=0
NodeName={name} NodeAddr=127.0.0.1 CPUs={self.cpus} State=UNKNOWN
PartitionName=normal Nodes={name} Default=YES MaxTime=120 PriorityTier=1 PreemptMode=REQUEUE GraceTime=30
PartitionName=urgent Nodes={name} MaxTime=120 PriorityTier=2 PreemptMode=OFF
""")
        (f / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
        self._daemon("slurmctld", "-D", "-i")
        self._daemon("slurmd", "-D", "-N", name)
        self._wait(lambda: "idle" in self.output("sinfo", "-h", "-o", "%t", check=False), "the node")

    def _daemon(self, *words):
        log = open(self.folder / f"{words[0]}.out", "wb")
        self.daemons.append(subprocess.Popen(words, env=self.environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                             cwd=self.folder, start_new_session=True))

    def _call(self, *words):
        subprocess.run(words, env=self.environment, check=True)

    def _wait(self, condition, what, seconds=30):
        end = time.time() + seconds
        while not condition():
            dead = [d for d in self.daemons if d.poll() is not None]
            if dead or time.time() > end:
                logs = "".join(f"--- {p.name}\n{p.read_text(errors='replace')[-3000:]}" for p in self.folder.glob("*.log"))
                logs += "".join(f"--- {p.name}\n{p.read_text(errors='replace')[-3000:]}" for p in self.folder.glob("*.out"))
                raise RuntimeError(f"{what} did not start\n{logs}")
            time.sleep(0.1)

    def output(self, *words, check=True):
        done = subprocess.run(words, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=30)
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(words)}: {done.stderr}")
        return done.stdout

    def submit(self, script, *arguments, options=(), **environment):
        words = ["sbatch", "--parsable", "--chdir", str(self.folder), *options, str(script), *map(str, arguments)]
        done = subprocess.run(words, env=self.environment | environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout.strip().split(";")[0]

    def state(self, job):
        """JobState, Restarts and ExitCode of a job (of the first task of an array)."""
        text = self.output("scontrol", "show", "job", "-o", str(job)).splitlines()[0]
        words = dict(word.split("=", 1) for word in text.split() if "=" in word)
        return words["JobState"], int(words["Restarts"]), int(words["ExitCode"].split(":")[0])

    def states(self, job):
        return [dict(w.split("=", 1) for w in line.split() if "=" in w)["JobState"]
                for line in self.output("scontrol", "show", "job", "-o", str(job)).splitlines()]

    def wait_for(self, condition, what, seconds=90):
        end = time.time() + seconds
        while not condition():
            if time.time() > end:
                raise AssertionError(f"{what}: not within {seconds} s\n{self.output('scontrol', 'show', 'job')}{self.logs()}")
            time.sleep(0.2)

    def finish(self, job, seconds=90):
        over = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY"}
        self.wait_for(lambda: set(self.states(job)) <= over, f"the end of job {job}", seconds)
        return self.states(job)

    def logs(self):
        return "".join(f"--- {p.name}\n{p.read_text(errors='replace')}" for p in sorted(self.folder.glob("fortet*.log")))

    def __exit__(self, *_):
        if len(self.daemons) > 2:
            subprocess.run(["scancel", "--full", "--signal=KILL", "--user=root"], env=self.environment, timeout=20,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(1)
        for daemon in reversed(self.daemons):
            for stop in (signal.SIGTERM, signal.SIGKILL):
                if daemon.poll() is None:
                    daemon.send_signal(stop)
                    try:
                        daemon.wait(10)
                    except subprocess.TimeoutExpired:
                        pass
        shutil.rmtree(self.folder, ignore_errors=True)
