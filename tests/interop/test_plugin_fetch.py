"""kubectl cloister fetch: a job's output, whole, where the user wants it, and only for who may have it."""
import signal
import subprocess

import pytest

from kit.cloud import KEY
from kit.cluster import wait_for
from kit.output import FILES
from kit.plugin import PLUGIN

pytestmark = pytest.mark.timeout(120)


def test_fetches_what_stock_tink_published(fetching, plugin):
    fetching.publish()
    done = plugin.run(*fetching.arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("fetched 3 files from gs://") and done.stdout.endswith(" into digits\n")
    target = plugin.home / "digits"
    assert {str(p.relative_to(target)): p.read_bytes() for p in target.rglob("*") if p.is_file()} == FILES
    assert {oct(p.stat().st_mode & 0o777) for p in target.rglob("*") if p.is_file()} == {"0o600"}
    assert [p.name for p in plugin.home.iterdir()] == ["digits"]


def test_namespace_target_and_kubeconfig_are_the_users(fetching, plugin, api_server, kubeconfig):
    job = fetching.publish({"m": b"x"}).job
    api_server.jobs = {"/apis/cloister.dev/v1alpha1/namespaces/other/trainingjobs/digits": job}
    (plugin.home / "out").mkdir()
    done = plugin.run("fetch", "digits", "--context=clinic", "-n", "other", "-o", "out/", KUBECONFIG=f"/absent:{kubeconfig}")
    assert done.returncode == 0, done.stderr
    assert (plugin.home / "out/m").read_bytes() == b"x"


def test_a_job_without_output_is_told(fetching, api_server):
    published = fetching.publish({"m": b"x"})
    published.job["status"] = {"phase": "Running"}
    assert "has not published its output; its phase is Running" in fetching.refused()
    del published.job["spec"]["output"]
    assert "spec.output is not set" in fetching.refused()
    api_server.jobs.clear()
    assert "TrainingJob digits in namespace ml" in (words := fetching.refused()) and "not found" in words


def test_a_refused_user_is_told(fetching, api_server):
    fetching.publish({"m": b"x"})
    api_server.token = "another"
    assert "Unauthorized" in fetching.refused()


def test_a_kubeconfig_that_does_not_help_is_told(fetching, plugin, kubeconfig, tmp_path):
    assert 'no context "none"' in plugin.refused("fetch", "digits", "--kubeconfig", kubeconfig)
    assert "absent" in plugin.refused("fetch", "digits", "--kubeconfig", tmp_path / "absent")
    (tmp_path / "helper").write_text("#!/bin/sh\nexit 3\n")
    assert "credential plugin" in fetching.refused()


@pytest.mark.parametrize("made", ["file", "full", "link", "here"])
def test_a_directory_with_something_in_it_is_never_touched(fetching, plugin, made):
    fetching.publish({"m": b"x"})
    target = plugin.home / "digits"
    if made == "file":
        target.write_text("mine")
    elif made == "link":
        target.symlink_to("/tmp")
    else:
        target.mkdir()
        (target / "mine").touch()
    words = fetching.refused("-o", "." if made == "here" else "digits")
    assert "exists and is not an empty directory" in words or "name a new directory" in words


def test_who_may_not_unwrap_the_key_gets_nothing(fetching, cloud):
    fetching.publish({"m": b"x"})
    cloud.api.service_account("guest@clinic.iam.gserviceaccount.com", key_file=cloud.state / "guest.json")
    words = fetching.refused(GOOGLE_APPLICATION_CREDENTIALS=str(cloud.state / "guest.json"))
    assert KEY in words and "roles/cloudkms.cryptoKeyDecrypter" in words


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_leaves_no_plaintext(fetching, plugin, cloud, number):
    fetching.publish()
    cloud.api.faults([{"match": "digits.model.*alt=media", "times": 1, "delay_seconds": 20}])
    command = [str(a) for a in (PLUGIN, *fetching.arguments)]
    with subprocess.Popen(command, env=plugin.env, cwd=plugin.home, stderr=subprocess.PIPE, text=True) as process:
        wait_for("the other files", lambda: list(plugin.home.glob("digits.part-*/eval/metrics.json")), 30)
        process.send_signal(number)
        assert process.wait(10) == 128 + number and "interrupted" in process.stderr.read()
    assert list(plugin.home.iterdir()) == []
