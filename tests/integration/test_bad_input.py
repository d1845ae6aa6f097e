"""Bad input: the API server refuses it and names the field, or the job's status does; the operator stays up, keeps to its
backoff, leaves nothing half made, and goes on with the other jobs.
"""
import collections
import json
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from kit import bad_values
from kit.api import complaint
from kit.cluster import wait_for
from kit.site import END, make_namespaces

NAMESPACE = "bad-input"
AT_ONCE = 8
UNREADABLE_LABEL = {"app.kubernetes.io/managed-by": "cloister"}


@pytest.fixture(scope="module")
def api(site):
    make_namespaces(site.cluster, NAMESPACE)
    site.proxy.reset()
    if not site.operator.is_running():
        site.operator.start()
    yield site.cluster.api
    site.cluster.kubectl("delete", "namespace", NAMESPACE, "--wait=false")
    assert site.operator.is_running(), "the operator ended by itself"


def object_of(name, spec, namespace=NAMESPACE, **metadata):
    return {"apiVersion": "cloister.dev/v1alpha1", "kind": "TrainingJob",
            "metadata": {"name": name, "namespace": namespace, **metadata}, "spec": spec}


# ---- what the API server says ----
@pytest.fixture(scope="module")
def judged(api):
    """(case, HTTP status, answer) of a dry run of every case."""
    def judge(case):
        return case, *api.create(object_of("x", case.spec), dry_run=True)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(judge, bad_values.cases()))


def names_the_field(case, said):
    """The field itself; for one that is missing, what should hold it."""
    *_, last = case.words
    around = f"spec.{case.words[0]}"
    if case.what in ("absent", "null") and len(case.words) > 1 and case.words[-2] in said:
        return around in said
    return around in said and re.search(rf"\b{re.escape(last)}\b", said)


def test_every_field_is_tried():
    tried = {tuple(case.words) for case in bad_values.cases()}
    assert set(bad_values.schema_fields(bad_values.SPEC)) - tried == set()


def test_what_is_refused_is_refused_with_the_fields_name(judged):
    refused = [(case, status, complaint(answer)) for case, status, answer in judged if status != 201]
    wrong = [(str(case), status, said[:300]) for case, status, said in refused
             if status not in (400, 413, 422) or not names_the_field(case, said)]
    assert len(refused) > 1500 and wrong == []


def test_no_text_with_nul_is_taken(judged):
    """It would end the text for whoever reads it in C, and no program can be given it."""
    assert [str(case) for case, status, _ in judged if status == 201 and "\\u0000" in json.dumps(case.spec)] == []


@pytest.mark.parametrize("name", ["n" * 41, "n" * 64, "n" * 254, "Upper", "1-digit-first", "with.dots", "-dash", "dash-", "a_b", "a/b", "..",
                                  "%2e%2e", "a b", "\u00e4", "", "a\x00b"])
def test_a_name_that_no_worker_can_have_is_refused(api, name):
    status, answer = api.create(object_of(name, bad_values.FULL), dry_run=True)
    assert status in (400, 422) and "name" in complaint(answer), complaint(answer)


def test_the_longest_name_is_taken(api):
    status, answer = api.create(object_of("n" * 40, bad_values.FULL), dry_run=True)
    assert status == 201, complaint(answer)


@pytest.mark.parametrize("what", bad_values.HOSTILE)
def test_labels_cannot_smuggle_anything_in(api, what):
    """Among them the ones of Kueue, which workers get as well."""
    text = bad_values.HOSTILE[what]
    for labels in ({"kueue.x-k8s.io/queue-name": text}, {text: "x"}):
        status, answer = api.create(object_of("labelled", bad_values.FULL, labels=labels), dry_run=True)
        is_plain = re.fullmatch(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?", text)
        assert status == (201 if is_plain else 422), complaint(answer)
        assert is_plain or "metadata.labels" in complaint(answer), complaint(answer)


# ---- what becomes of the rest ----
class Settled:
    """The jobs that were accepted, once the operator has done with them what it can."""

    def __init__(self, site, api, cases):
        self.site, self.api, self.cases = site, api, cases
        jobs = [(name, case.spec) for name, case in cases.items()]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for status, answer in pool.map(lambda job: api.create(object_of(*job)), jobs):
                assert status == 201, complaint(answer)
        wait_for("the operator to have answered every job", self.is_quiet, 900, 1)

    def is_quiet(self):
        self.jobs = {j["metadata"]["name"]: j for j in self.api.jobs(NAMESPACE)}
        self.pods = self.children("pods")
        return all(self.is_told(name) and self.is_complete(name) for name in self.jobs)

    def children(self, kind):
        items = self.api.items(f"/api/v1/namespaces/{NAMESPACE}/{kind}")
        return collections.Counter(i["metadata"]["labels"].get("cloister.dev/job-name") for i in items)

    def is_ours(self, name):
        return self.jobs[name]["spec"].get("managedBy", "cloister.dev/operator") == "cloister.dev/operator"

    def is_told(self, name):
        """Its status says where it stands: what only tells how far a job is may come after the pods."""
        status = self.jobs[name]["status"]
        return not self.is_ours(name) or status["observedGeneration"] > 0 and status.get("reason") != "CreatingWorkers"

    def has_no_pods(self, name):
        """By its status it must not have any."""
        job = self.jobs[name]
        return not self.is_ours(name) or job["spec"]["suspend"] or job["status"].get("reason") == "CreateRefused" or \
            job["status"]["phase"] in ("Failed", "Succeeded")

    def is_complete(self, name):
        """All workers or none."""
        return self.pods[name] == (0 if self.has_no_pods(name) else self.jobs[name]["spec"]["replicas"])

    def said(self, name):
        return self.jobs[name]["status"].get("message", "")


def some(cases, most):
    """At most so many, evenly spread, both ends among them."""
    count = min(most, len(cases))
    return [cases[i * (len(cases) - 1) // max(count - 1, 1)] for i in range(count)]


@pytest.fixture(scope="module")
def settled(site, api, judged):
    """Of what was accepted in each field some, first and last among them, and each spec once; large gangs are the
    benchmark's."""
    by_field = collections.defaultdict(dict)
    for case, status, answer in judged:
        if status == 201 and answer["spec"]["replicas"] <= 2:
            by_field[case.field].setdefault(json.dumps(answer["spec"], sort_keys=True), case)
    chosen = [case for cases in by_field.values() for case in some(list(cases.values()), 4)]
    cases = {f"case-{i}": case for i, case in enumerate(chosen)}
    assert len(cases) > 150
    begun = time.monotonic()
    settled = Settled(site, api, cases)
    print(f"{len(cases)} jobs settled in {time.monotonic() - begun:.0f} s")
    return settled


def test_whatever_was_accepted_has_all_its_workers_or_none(settled):
    assert [str(settled.cases[n]) for n in settled.jobs if not settled.is_complete(n)] == []


def test_what_cannot_run_says_which_field_is_wrong(settled):
    """By its name in the job, which is mostly that in the pod that the API server did not take, or by its value."""
    silent = []
    for name, job in settled.jobs.items():
        case, said = settled.cases[name], settled.said(name)
        if job["status"].get("reason") == "CreateRefused" or job["status"]["phase"] == "Failed":
            is_named = re.search(rf"\b{re.escape(case.words[-1])}\b", said, re.IGNORECASE)
            if not is_named and not re.search(rf'[ "]{re.escape(str(case.value))}[ "]', said):
                silent.append((str(case), said[:300]))
    assert silent == []


def test_no_message_is_cut_or_holds_control_characters(settled):
    for name, job in settled.jobs.items():
        text = json.dumps(job["status"], ensure_ascii=False)
        assert not re.search(r"\\u00[01]|\\[bfnrt]", text), (str(settled.cases[name]), text[:500])


def is_stalled(status):
    return any(c["type"] == "Stalled" and c["status"] == "True" for c in status.get("conditions", []))


def test_the_operator_keeps_to_its_backoff(site, settled):
    """Jobs that wait are not touched; those that were refused are tried again, more and more seldom."""
    site.proxy.requests.clear()
    time.sleep(10)
    writes, stalled = collections.Counter(), set()
    for request, _ in list(site.proxy.requests):
        if request.is_write and not request.is_event and NAMESPACE in request.path:
            name = re.search(r"case-\d+", request.path + request.body.decode(errors="replace"))
            name = name[0] if name else request.path
            # Nobody has brought nodes for two minutes: that is told once.
            if name not in stalled and request.path.endswith(f"/{name}/status") and is_stalled(json.loads(request.body)["status"]) \
                    and not is_stalled(settled.jobs[name]["status"]):
                stalled.add(name)
            else:
                writes[name] += 1
    refused = {n for n, j in settled.jobs.items() if j["status"].get("reason") == "CreateRefused"}
    assert set(writes) <= refused
    # A try is a status and a create; the pause before the third is above 2 s.
    assert all(count <= 6 for count in writes.values()), writes


# ---- others go on ----
def ordinary_job(site, namespace):
    """A job that fails twice and ends."""
    site.create(site.job("job", namespace))


def test_others_go_on_beside_objects_that_cannot_be_read(site, api, namespace):
    """Anybody may put anything into an annotation or a volume; one such object must not hide the rest."""
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "odd", "namespace": namespace, "labels": UNREADABLE_LABEL,
                                                           "annotations": {"odd": "a\x00b"}},
           "spec": {"nodeSelector": {"none": "such"}, "containers": [{"name": "c", "image": "i", "args": ["a\x00b"]}],
                    "volumes": [{"name": "v", "csi": {"driver": "odd.example", "volumeAttributes": {"a\x00b": "c"}}}]}}
    assert api.request("POST", f"/api/v1/namespaces/{namespace}/pods", pod)[0] == 201
    odd = site.job("odd", namespace, technology="TDX")
    odd["metadata"]["annotations"] = {"odd": "a\x00b", "large": "l" * 200_000}
    assert api.create(odd)[0] == 201
    # A list must be got over it, not only a watch.
    site.operator.stop()
    site.operator.start()
    ordinary_job(site, namespace)
    assert site.wait_for_phase("job", namespace, "Failed")["reason"] == END["reason"]
    assert site.status("odd", namespace)["reason"] != ""
    assert site.cluster.get("pod", "odd", namespace), "it is nobody's, so it stays"


def largest_spec():
    """As much as the schema takes."""
    spec = json.loads(json.dumps(bad_values.FULL))
    spec["trainer"]["args"] = ["\U0001f642" * 32768] * 3 + ["\U0001f642" * 32000]
    spec["keys"] = [{**bad_values.KEY, "name": f"k{i}", "wrappedKeyset": "A" * 16384} for i in range(16)]
    spec["inputs"] = [{"name": f"n{i}", "uri": ("gs://bucket/" + "\U0001f642" * 1024)[:1024], "keyName": "k0",
                       "associatedData": ("Fixed:" + "\U0001f642" * 1024)[:1024]} for i in range(64)]
    spec["checkpoints"]["keyName"] = spec["output"]["keyName"] = "k1"
    return spec


def test_others_go_on_beside_the_largest_job(site, api, namespace):
    status, answer = api.create(object_of("large", largest_spec(), namespace, annotations={"large": "l" * 250_000}))
    assert status == 201, complaint(answer)
    assert len(json.dumps(answer, ensure_ascii=False).encode()) > 1_200_000
    said = site.wait_for_phase("large", namespace, "Failed")
    assert said["reason"] == "PlanTooLarge" and "fewer inputs and keys" in said["message"], said
    assert not site.cluster.list("pods", namespace)
    ordinary_job(site, namespace)
    assert site.wait_for_phase("job", namespace, "Failed")["reason"] == END["reason"]


def test_what_is_larger_than_that_is_refused_with_the_fields_name(api):
    spec = largest_spec()
    spec["trainer"]["args"] += ["a" * 2000]
    status, answer = api.create(object_of("larger", spec), dry_run=True)
    assert status == 422 and "spec.trainer" in complaint(answer) and "args" in complaint(answer), complaint(answer)


def test_others_go_on_beside_a_job_that_is_edited_a_hundred_times_a_second(site, api, namespace):
    site.create(site.job("restless", namespace, technology="TDX"))
    wait_for("its workers", lambda: len(site.cluster.list("pods", namespace)) == 2, 30)
    edits, is_over = [], threading.Event()

    def edit():
        while not is_over.wait(0.01 * AT_ONCE) or len(edits) < 200:
            deadline = {"activeDeadlineSeconds": 50_000 + len(edits) % 1000}
            status, answer = api.patch("restless", namespace, {"spec": deadline, "metadata": {"annotations": {"n": str(len(edits))}}})
            assert status == 200, complaint(answer)
            edits.append(time.monotonic())

    with ThreadPoolExecutor(AT_ONCE) as pool:
        editors = [pool.submit(edit) for _ in range(AT_ONCE)]
        ordinary_job(site, namespace)
        try:
            assert site.wait_for_phase("job", namespace, "Failed", 300)["reason"] == END["reason"]
        finally:
            is_over.set()
        for editor in editors:
            editor.result()
    rate = len(edits) / (edits[-1] - edits[0])
    print(f"{len(edits)} edits, {rate:.0f} a second (100 where the machine can)")
    # What was asked last is what is observed, with no more writes than edits, and the workers are those from before.
    generation = api.job("restless", namespace)["metadata"]["generation"]
    wait_for("the last edit to be seen", lambda: api.job("restless", namespace)["status"]["observedGeneration"] == generation, 30)
    writes = [w for w in site.proxy.accepted if "/restless" in w]
    assert len(writes) <= len(edits) + 10
    assert site.status("restless", namespace)["attempt"] == 1
