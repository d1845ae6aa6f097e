"""kubectl cloister on the command line: misuse, help, exit codes."""
import subprocess

import pytest

from kit.cloud import BUCKET, KEY
from kit.plugin import PLUGIN

pytestmark = pytest.mark.timeout(120)


@pytest.mark.parametrize("arguments, expected", [
    ([], "COMMAND --help"), (["frobnicate"], "unknown command"), (["keyset"], "--kms-key"),
    (["keyset", "--kms-key", "mykey"], "projects/P/locations/L"), (["keyset", "--kms-key", f"{KEY}/cryptoKeyVersions/1"], "version"),
    (["keyset", "--kms-key", f"{KEY}?x#y"], "not the name of a Cloud KMS key"), (["keyset", "--kms-key", KEY, "--name", "A B"], "not a valid name"),
    (["encrypt", "x"], "name the files to encrypt"), (["encrypt", "x", f"gs://{BUCKET}/a", "--kms-key", KEY], "slash"),
    (["encrypt", "x", "/tmp/", "--kms-key", KEY], "gs://"), (["encrypt", "x", f"gs://{BUCKET}/a/"], "--keyset FILE"),
    (["encrypt", "x", f"gs://{BUCKET}/a/", "--kms-key", KEY, "--associated-data", "Path"], "Fixed:<text>"),
    (["encrypt", "x", f"gs://{BUCKET}/a/", "--frob"], "unknown option"),
    (["fetch"], "name the job"), (["fetch", "../secrets"], "not a valid name"), (["fetch", "job", "-n", "a/b"], "not a valid name"),
])
def test_misuse_is_exit_code_2(plugin, arguments, expected):
    done = plugin.run(*arguments)
    assert (done.returncode, done.stdout) == (2, "") and expected in done.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["keyset", "--help"], ["encrypt", "-h"], ["fetch", "--help"], ["version"]])
def test_help_and_version_need_nothing(plugin, arguments):
    done = subprocess.run([PLUGIN, *arguments], env={"ASAN_OPTIONS": "detect_leaks=0"}, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "cloister" in done.stdout and not done.stderr


def test_output_that_cannot_be_written_is_an_error(plugin):
    with open("/dev/full", "w") as full:
        done = subprocess.run([PLUGIN, "keyset", "--kms-key", KEY], env=plugin.env, stdout=full, stderr=subprocess.PIPE, text=True,
                              check=False)
    assert done.returncode == 1 and "standard output" in done.stderr
