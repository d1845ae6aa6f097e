"""kubectl-cloister with nothing of this machine's in its environment."""
import os
import subprocess

import yaml

from kit.cloud import OWNER
from kit.cluster import ROOT

PLUGIN = ROOT / os.environ.get("BUILD", "build") / "bin/kubectl-cloister"


class Plugin:
    """As one account."""

    def __init__(self, cloud, home):
        self.cloud, self.home = cloud, home
        self.env = {"PATH": os.environ["PATH"], "HOME": str(home),
                    "GOOGLE_APPLICATION_CREDENTIALS": str(cloud.state / f"{OWNER}.json"),
                    # As gcloud wants them: with a slash, and that of storage with the path of the API.
                    "CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE": f"{cloud.url}/storage/v1/",
                    "CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS": f"{cloud.url}/",
                    "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE": str(cloud.state / "ca.pem"),
                    # An undumpable process cannot be searched for leaks.
                    "ASAN_OPTIONS": "detect_leaks=0"}

    def run(self, *arguments, **env):
        full = {k: v for k, v in {**self.env, **env}.items() if v is not None}
        return subprocess.run([PLUGIN, *map(str, arguments)], env=full, cwd=self.home, text=True, capture_output=True,
                              timeout=60, check=False)

    def yaml(self, *arguments, **env):
        """What it printed to paste."""
        done = self.run(*arguments, **env)
        assert done.returncode == 0, done.stderr
        return yaml.safe_load(done.stdout)

    def refused(self, *arguments, **env):
        """Its last words; it printed nothing to paste."""
        done = self.run(*arguments, **env)
        assert (done.returncode, done.stdout) == (1, ""), done.stderr
        last = done.stderr.splitlines()[-1]
        assert last.startswith("error: ") and ". To go on, " in last and ".." not in last, done.stderr
        return done.stderr
