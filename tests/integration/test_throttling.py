"""429 and 503 with Retry-After: whatever the request was, it is not sent again before the time that the server asked for."""
import time

import pytest

from kit.cluster import wait_for
from kit.site import END

SECONDS = 4

ANSWERS = ((429, {"Retry-After": str(SECONDS)}, "TooManyRequests"), (503, {"Retry-After": str(SECONDS)}, "ServiceUnavailable"))


def path_of(request):
    return request.path.partition("?")[0]


KINDS = {
    "list": lambda r: r.method == "GET" and not r.is_watch and path_of(r) == "/api/v1/pods",
    "watch": lambda r: r.is_watch and path_of(r) == "/api/v1/pods",
    "status": lambda r: r.method == "PUT" and path_of(r).endswith("/status"),
    "service": lambda r: r.method == "POST" and path_of(r).endswith("/services"),
    "policy": lambda r: r.method == "POST" and path_of(r).endswith("/networkpolicies"),
    "pod": lambda r: r.method == "POST" and path_of(r).endswith("/pods"),
    "deletion": lambda r: r.method == "DELETE" and "/pods/" in r.path,
    "event": lambda r: r.method == "POST" and r.is_event,
}


@pytest.mark.parametrize("kind", KINDS)
def test_waits_after(site, namespace, kind):
    first, again = [], []

    def identity(request):
        # A status is made anew for the next try; an object and an event are the same.
        return request.method, path_of(request), request.body if request.method == "POST" else None

    def fault(request):
        if not KINDS[kind](request):
            return None
        if not first:
            first.append((time.monotonic(), request))
            return ("answer", *ANSWERS[kind in ("pod", "watch")])
        if identity(request) == identity(first[0][1]):
            again.append(time.monotonic())
        return None

    site.proxy.faults.append(fault)
    if kind in ("list", "watch"):
        # The watches begin anew; for a list, what they come from has expired.
        if kind == "list":
            site.proxy.once(lambda r: r.is_watch and path_of(r) == "/api/v1/pods", ("answer", 410, {}, "Expired"))
        site.proxy.cut()
    # Workers that fail meanwhile would make a pod, and the deletion of one, needless.
    is_waiting = kind in ("pod", "deletion")
    site.create(site.job("job", namespace, technology="TDX" if is_waiting else "SEV"))
    if kind == "deletion":
        wait_for("the gang", lambda: len(site.cluster.list("pods", namespace)) == 2, 30)
        site.cluster.kubectl("patch", "tjob", "job", "-n", namespace, "--type=merge", "-p", '{"spec":{"suspend":true}}')
    wait_for("the request to be repeated", lambda: again, 40)
    # The clocks of two processes are read to the millisecond.
    assert again[0] - first[0][0] >= SECONDS - 0.01
    if is_waiting:
        wait_for("the end", lambda: len(site.cluster.list("pods", namespace)) == (2 if kind == "pod" else 0), 30)
    else:
        assert site.end("job", namespace) == END
