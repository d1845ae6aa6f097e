"""Events about jobs: one for each thing that happened, a series for what repeats, and never in the way of a job."""
import re
import time

from kit.proxy import DROP_REPLY, DROP_REQUEST
from kit.cluster import wait_for
from kit.site import END, run_job


def events(site, namespace, reason=None):
    found = [e for e in site.cluster.list("events.events.k8s.io", namespace)
             if e.get("reportingController") == "cloister.dev/operator"]
    return [e for e in found if reason in (None, e["reason"])]


def suspend(site, namespace, name, times):
    """Suspends the job and lets it go on, that often; it waits for a node that does not exist."""
    for _ in range(times):
        for is_suspended in ("true", "false"):
            site.cluster.kubectl("patch", "tjob", name, "-n", namespace, "--type=merge", "-p",
                                 '{"spec":{"suspend":%s}}' % is_suspended)
            wait_for("the turn", lambda is_suspended=is_suspended: (
                site.status(name, namespace).get("phase") == "Suspended") == (is_suspended == "true"), 30)


def waiting_job(site, namespace):
    site.create(site.job("job", namespace, technology="TDX"))
    wait_for("the gang", lambda: len(site.cluster.list("pods", namespace)) == 2, 30)


def test_an_event_says_who_what_and_about_which_job(site, namespace):
    assert run_job(site, namespace) == END
    job = site.cluster.get("tjob", "job", namespace)
    event = wait_for("the event", lambda: events(site, namespace, "RestartLimitExceeded"))[0]
    assert re.fullmatch(r"job\.[0-9a-f]+", event["metadata"]["name"])
    assert (event["type"], event["action"]) == ("Warning", "Reconcile")
    assert event["regarding"] == {"apiVersion": "cloister.dev/v1alpha1", "kind": "TrainingJob", "name": "job",
                                  "namespace": namespace, "uid": job["metadata"]["uid"]}
    assert event["reportingInstance"] and event["eventTime"] and "series" not in event
    assert "maxRestarts" in event["note"]
    # What ended an attempt is about a pod, too, and so told for each attempt, in its own words.
    failed, = wait_for("the other event", lambda: events(site, namespace, "InstallFailed"))
    assert failed["related"]["kind"] == "Pod" and failed["related"]["name"] in ("job-worker-0-1", "job-worker-1-1")
    shown = site.cluster.kubectl("describe", "tjob", "job", "-n", namespace).stdout
    assert "RestartLimitExceeded" in shown.partition("Events:")[2]


def test_what_repeats_is_one_event_with_a_series(site, namespace):
    waiting_job(site, namespace)
    suspend(site, namespace, "job", 4)
    event, = wait_for("the series", lambda: [e for e in events(site, namespace, "JobSuspended") if "series" in e])
    # The second time is written at once; the third and fourth with a refresh, or when it has been quiet.
    assert event["series"]["count"] == 2
    assert event["series"]["lastObservedTime"] > event["eventTime"]
    assert len(events(site, namespace, "JobSuspended")) == 1
    assert len([r for r, _ in site.proxy.requests if r.method == "PATCH" and r.is_event
                and event["metadata"]["name"] in r.path]) == 1


def test_an_event_that_has_expired_is_made_again_with_its_count(site, namespace):
    waiting_job(site, namespace)
    suspend(site, namespace, "job", 1)
    event, = wait_for("the event", lambda: events(site, namespace, "JobSuspended"))
    site.cluster.kubectl("delete", "events.events.k8s.io", event["metadata"]["name"], "-n", namespace)
    suspend(site, namespace, "job", 1)
    again, = wait_for("the event again", lambda: events(site, namespace, "JobSuspended"))
    assert again["series"]["count"] == 2 and again["metadata"]["uid"] != event["metadata"]["uid"]


def test_lost_and_broken_connections_lose_no_event_and_delay_no_job(site, namespace):
    lost = site.proxy.once(lambda r: r.is_event, DROP_REQUEST, times=1000)
    assert run_job(site, namespace) == END
    assert lost and not events(site, namespace), "a job waits for no event"
    site.proxy.faults.clear()
    doubtful = site.proxy.once(lambda r: r.is_event and r.method == "POST", DROP_REPLY, times=2)
    wait_for("all events", lambda: {e["reason"] for e in events(site, namespace)} >= {"InstallFailed", "RestartLimitExceeded"})
    assert doubtful
    names = [e["metadata"]["name"] for e in events(site, namespace)]
    assert len(names) == len(set(names))


def test_refused_events_are_counted_and_harm_nothing(site, namespace):
    before = site.operator.metric("cloister_events_dropped_total")
    refused = site.proxy.once(lambda r: r.is_event, ("answer", 403, {}, "Forbidden"), times=1000)
    assert run_job(site, namespace) == END
    wait_for("the count", lambda: site.operator.metric("cloister_events_dropped_total") - before == len(refused) > 0)
    assert not events(site, namespace)


def test_a_server_that_asks_to_wait_is_waited_for(site, namespace):
    refused = site.proxy.once(lambda r: r.is_event, ("answer", 429, {"Retry-After": "12"}, "TooManyRequests"))
    site.create(site.job("job", namespace))
    wait_for("a refused event", lambda: refused, 20)
    met = time.monotonic()
    body = refused[0].body
    wait_for("it to be sent again", lambda: [r for r, _ in site.proxy.requests if r.body == body][1:], 30)
    assert time.monotonic() - met > 11
    assert site.end("job", namespace) == END


def test_events_of_the_last_moment_are_sent_before_the_operator_ends(site, namespace):
    waiting_job(site, namespace)
    slow = site.proxy.once(lambda r: r.is_event and b'"JobSuspended"' in r.body, ("delay", 1), times=20)
    site.cluster.kubectl("patch", "tjob", "job", "-n", namespace, "--type=merge", "-p", '{"spec":{"suspend":true}}')
    wait_for("an event on its way", lambda: slow, 20)
    assert site.operator.terminate() == 0
    site.operator.start()
    assert events(site, namespace, "JobSuspended")
