"""The demo: what a user does, with real kubectl, helm and the plugin, on a cluster and a cloud of this machine."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from kit.cluster import Cluster, Failed, run, wait_for
from kit.cloister import BUCKET, BUILD, KEY, ROOT, Cloister, TestCloud, image

EXAMPLE = ROOT / "docs/examples/digits"
NAMESPACE, JOB = "ml", "digits"
HEADINGS = ("NAME", "STATUS", "PROGRESS", "WORKERS", "RESTARTS")
BOLD, DIM, PLAIN = ("\033[1m", "\033[2m", "\033[0m") if sys.stdout.isatty() else ("", "", "")
started = time.monotonic()


def step(text):
    print(f"\n{BOLD}== {text}{PLAIN}  {DIM}[{time.monotonic() - started:.0f} s]{PLAIN}", flush=True)


def show(command, output):
    """A command as a person would type it, and what it printed."""
    print(f"{DIM}${PLAIN} {command}\n{output.rstrip()}", flush=True)


def indented(text, columns):
    return "\n".join(" " * columns + line if line else line for line in text.rstrip().split("\n"))


def encrypt(cloister):
    done = cloister.plugin("encrypt", EXAMPLE / "data/digits.csv", f"gs://{BUCKET}/digits/", "--kms-key", KEY,
                           "--name", "digits")
    show(f"kubectl cloister encrypt digits.csv gs://{BUCKET}/digits/ --kms-key {KEY} --name digits", done.stdout)
    return done.stdout


def manifest(pasted):
    text = (EXAMPLE / "trainingjob.yaml").read_text()
    for name, value in {"IMAGE": image("digits"), "BUCKET": BUCKET, "KEYS_AND_INPUTS": indented(pasted, 2)}.items():
        text = text.replace("${%s}" % name, value)
    return text


class Watcher:
    """Prints the job's line of `kubectl get` whenever it changes, and each new line of the coordinator's log."""

    def __init__(self, cloister):
        self.cloister, self.last, self.printed = cloister, None, {}

    def look(self):
        shown = self.cloister.columns(JOB, NAMESPACE)
        columns = [shown.get(heading) for heading in HEADINGS]
        if shown and columns != self.last:
            self.last = columns
            print("  " + "  ".join(f"{c:<11}" for c in columns), flush=True)
        for attempt in (1, 2, 3):
            pod = f"{JOB}-worker-0-{attempt}"
            lines = self.cloister.logs(pod, NAMESPACE).splitlines()
            for text in lines[self.printed.get(pod, 0):]:
                print(f"      {DIM}{pod}:{PLAIN} {text}", flush=True)
            self.printed[pod] = max(self.printed.get(pod, 0), len(lines))
        return self.cloister.status(JOB, NAMESPACE)

    def until(self, what, condition, timeout=180):
        def check():
            status = self.look()
            if status.get("phase") == "Failed":
                raise Failed(f"the job failed: {status.get('message')}")
            return condition(status)
        return wait_for(what, check, timeout, 0.4)

    def epochs_logged(self, attempt):
        log = self.cloister.logs(f"{JOB}-worker-0-{attempt}", NAMESPACE)
        return sum(line.startswith("epoch ") for line in log.splitlines())


def train(cloister, pasted):
    path = Path(tempfile.mkdtemp(prefix="cloister-demo-")) / "digits.yaml"
    path.write_text(manifest(pasted))
    show("kubectl apply -f digits.yaml", cloister.cluster.kubectl("apply", "-f", path).stdout)
    shutil.rmtree(path.parent)
    watcher = Watcher(cloister)
    print("  " + "  ".join(f"{c:<11}" for c in HEADINGS))
    watcher.until("four epochs", lambda status: watcher.epochs_logged(1) >= 4)
    step("A worker disappears in mid-training")
    pod = f"{JOB}-worker-1-1"
    show(f"kubectl delete pod {pod}", cloister.cluster.kubectl("delete", "pod", pod, "-n", NAMESPACE).stdout)
    watcher.until("the second attempt", lambda status: status.get("attempt") == 2 and watcher.epochs_logged(2) >= 1)
    step("The gang was restarted from its checkpoint")
    log = cloister.logs(f"{JOB}-worker-1-2", NAMESPACE)
    resumed = next((line for line in log.splitlines() if line.startswith("resuming")), None)
    if resumed is None:
        raise Failed(f"worker 1 of attempt 2 did not resume; it printed:\n{log}")
    show(f"kubectl logs {JOB}-worker-1-2 | grep resuming", resumed)
    watcher.until("the end", lambda status: status.get("phase") == "Succeeded")
    show(f"kubectl get tjob {JOB}", cloister.cluster.kubectl("get", "tjob", JOB, "-n", NAMESPACE).stdout)


def fetch_and_check(cloister):
    with tempfile.TemporaryDirectory(prefix="cloister-demo-") as directory:
        target = Path(directory) / "model"
        done = cloister.plugin("fetch", JOB, "-n", NAMESPACE, "-o", target)
        show(f"kubectl cloister fetch {JOB} -o model", done.stdout + done.stderr)
        model = next(target.rglob("digits.model"))
        done = run(BUILD / "bin/digits", "evaluate", model, EXAMPLE / "data")
        show("digits evaluate model/digits.model data", done.stdout)
        if float(done.stdout.split()[1]) < 0.93:
            raise Failed("the accuracy is below 0.93")


def is_ciphertext(data):
    """Nobody can prove randomness, but text, images and floats of a model do not look like it."""
    counts = [data.count(bytes([b])) for b in range(256)]
    expected = len(data) / 256
    chi_square = sum((c - expected) ** 2 / expected for c in counts)
    return b"digits model" not in data and b",0,0," not in data and (len(data) < 4096 or chi_square < 400)


def show_bucket(cloud):
    plain = []
    for name in sorted(cloud.api.objects(BUCKET)):
        data = cloud.api.object_bytes(BUCKET, name)
        kind = "ciphertext" if is_ciphertext(data) else "PLAINTEXT"
        if name.endswith("/HEAD"):
            kind = "pointer: " + ", ".join(sorted(json.loads(data)))
        if name.endswith("/writable"):
            kind = "marker, empty"
        if kind == "PLAINTEXT":
            plain.append(name)
        if not name.startswith("checkpoints/") or name.endswith("/HEAD"):
            print(f"  {len(data):8d}  gs://{BUCKET}/{name}  {kind}")
    print(f"  and {sum(n.startswith('checkpoints/') for n in cloud.api.objects(BUCKET)) - 1} objects of checkpoints")
    if plain:
        raise Failed(f"plaintext in the bucket: {plain}")


def demo(cluster, cloud):
    step("A Kubernetes cluster: one confidential node, one ordinary")
    cluster.up(quiet=False)
    nodes = cluster.kubectl("get", "nodes", "-L", "cloud.google.com/gke-confidential-nodes-instance-type").stdout
    show("kubectl get nodes -L cloud.google.com/gke-confidential-nodes-instance-type", nodes)
    cloud.start()
    cloud.furnish()
    cloister = Cloister(cluster, cloud)
    cloister.load_images("operator", "worker", "digits")
    step("The owner encrypts the data; the bucket and the cluster never see it in clear")
    pasted = encrypt(cloister)
    step("An admin installs Cloister")
    cloister.install()
    show("helm install cloister charts/cloister", cluster.kubectl("get", "pods", "-n", "cloister-system").stdout)
    cloister.namespace(NAMESPACE)
    step("A data scientist trains")
    train(cloister, pasted)
    step("The owner fetches the model")
    fetch_and_check(cloister)
    step("What the bucket holds")
    show_bucket(cloud)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    cluster = Cluster("demo")
    state = Path(tempfile.mkdtemp(prefix="cloister-cloud-"))
    cloud = TestCloud(cluster, state)
    keep = bool(os.environ.get("KEEP"))
    try:
        demo(cluster, cloud)
        step("Done")
        return 0
    except KeyboardInterrupt:
        keep = False
        print("\ninterrupted: cleaning up", flush=True)
        return 130
    except (Failed, subprocess.SubprocessError, OSError) as problem:
        print(f"\nThe demo stopped: {problem}\nRun it with KEEP=1 to look at the cluster afterwards.", file=sys.stderr)
        return 1
    finally:
        if keep and cluster.env.get("KUBECONFIG"):
            tool = "tests/support/cluster/cluster"
            print(f'The cluster is kept. To use it:\n  eval "$({tool} env --name {cluster.name})"\n'
                  f"  kubectl get tjob -A\nTo end it:\n  {tool} down --name {cluster.name}; rm -rf {state}")
        else:
            cloud.stop()
            cluster.down()
            shutil.rmtree(state, ignore_errors=True)


sys.exit(main())
