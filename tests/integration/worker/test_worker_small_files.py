"""Inputs of many small files: counted from the listing, and refused before any of them is fetched when there is no room."""
import re

import yaml

from kit.cloud import BUCKET, KEY
from kit.worker import checkpoint, committed, plugin

MIB = 1 << 20
COUNT = "find /cloister/in/inputs -type f | wc -l; find /cloister/in/inputs -type f -size -4097c -size +99c | wc -l"


def many_files(cloud, tmp_path, prefix, count, size):
    """keys and inputs of a job with copies of one object, which all have its associated data."""
    first = tmp_path / "part-000000.npy"
    first.write_bytes(bytes(size))
    folder = f"{prefix}/data/"
    spec = yaml.safe_load(plugin(cloud, "encrypt", first, f"gs://{BUCKET}/{folder}", "--kms-key", KEY).stdout)
    spec["inputs"][0]["associatedData"] = f"Fixed:gs://{BUCKET}/{folder}{first.name}"
    cloud.api.copy_object(BUCKET, folder + first.name, [f"{folder}part-{i:06d}.npy" for i in range(1, count)])
    return spec


def refused(worker, spec, **plan):
    """The message of a worker that has no room."""
    w = worker(spec, **plan)
    w.start_trainer("echo started")
    code, message = w.finish(180)
    assert (code, message["class"], message["reason"]) == (125, "Resource", "InputVolumeFull")
    assert "started" not in w.log("trainer")
    assert not list((w.directory / "in/inputs").rglob("*.npy")), "nothing was fetched"
    return message["message"]


def needed(message):
    return int(re.search(r"need at least (\d+)Mi", message)[1]) * MIB


def test_sixty_thousand_small_files_are_refused_from_their_listing(cloud, worker, tmp_path, prefix):
    spec = many_files(cloud, tmp_path, prefix, 60_000, 4096)
    message = refused(worker, spec, inputLimitBytes=240 * MIB, agentMemoryBytes=64 * MIB)
    assert "60000 files with 245760000 bytes" in message and "staging.inputLimit is 240Mi" in message
    assert "in whole pages of 4 KiB the files take 235Mi" in message and "worker.agentMemory provides 40Mi" in message
    assert "To go on, raise staging.inputLimit, or pack many small files into fewer, larger ones (tar archives, shards)" in message
    assert 255 * MIB < needed(message) < 280 * MIB


def test_small_files_count_in_whole_pages_and_what_the_message_asks_for_is_enough(cloud, worker, tmp_path, prefix, figure):
    """150 KB in 1500 files would fit by their content; the twin has the room that the message names, to the MiB."""
    spec = many_files(cloud, tmp_path, prefix, 1500, 100)
    message = refused(worker, spec, inputLimitBytes=4 * MIB, agentMemoryBytes=MIB)
    assert "1500 files with 150000 bytes" in message and "the files take 6Mi" in message
    w = worker(spec, inputLimitBytes=needed(message), agentMemoryBytes=MIB)
    w.start_trainer(COUNT)
    peak = 0
    while w.processes["trainer"].poll() is None:
        try:
            status = open(f"/proc/{w.pid('agent')}/status", encoding="ascii").read()
            peak = max(peak, int(re.search(r"RssAnon:\s+(\d+) kB", status)[1]))
        except (OSError, TypeError, IndexError):
            pass
    code, _ = w.finish(240)
    assert code == 0 and w.log("trainer").split() == ["1500", "1500"]
    figure(f"agent staging 1500 files over 8 connections: RssAnon {peak / 1024:.1f} MiB")


def test_all_inputs_are_counted_before_the_first_is_fetched(cloud, worker, tmp_path, prefix):
    spec = many_files(cloud, tmp_path, prefix, 600, 4096)
    spec["inputs"].append({**spec["inputs"][0], "name": "again"})
    assert "1200 files with 4915200 bytes" in refused(worker, spec, inputLimitBytes=3 * MIB)


def test_a_checkpoint_of_many_files_is_refused_before_it_is_restored(cloud, worker, tmp_path, prefix):
    """One checkpoint that has no room: there is no older one to leave out, and part of it would be of no use."""
    spec = many_files(cloud, tmp_path, prefix, 1, 100)
    first = worker(spec)
    first.start_trainer("d=/cloister/checkpoints; mkdir $d/.a; for i in $(seq 300); do echo $i > $d/.a/part-$i; done; "
                        "mv $d/.a $d/step-1; exit 3")
    first.finish(180)
    assert committed(cloud, prefix, "step-1")
    message = refused(worker, spec, attempt=2, pod="second", inputLimitBytes=MIB)
    assert "restoring the checkpoint" in message and "301 files with" in message
    third = worker(spec, attempt=3, pod="third", inputLimitBytes=needed(message))
    third.start_trainer(f"ls /cloister/restore/step-1 | wc -l; {checkpoint('step-2')}")
    code, _ = third.finish(180)
    assert code == 0 and third.log("trainer").strip() == "300"
