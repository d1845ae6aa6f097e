"""Killed with KILL at any write, the operator goes on where the cluster stands."""
from integration.test_operator_faults import END, is_own_write, run_job
from kit.cluster import wait_for


def run_and_kill(site, namespace, name, is_fatal):
    """Runs a job; the operator dies with each write for which is_fatal(number of writes so far) is true, when the API
    server has taken it and before the operator knows. Returns how often it died."""
    deaths = []
    count = [0]

    def fault(request):
        if not is_own_write(request):
            return None
        count[0] += 1
        if not is_fatal(count[0]):
            return None
        deaths.append(count[0])
        return ("then", site.operator.kill)

    site.proxy.faults.append(fault)
    site.create(site.job(name, namespace))

    def is_over():
        if not site.operator.is_running():
            site.operator.start(wait=False)
        return site.status(name, namespace).get("phase") == "Failed"

    wait_for(f"job {name} to end", is_over, 120, interval=0.1)
    site.proxy.faults.clear()
    if not site.operator.is_running():
        site.operator.start()
    return len(deaths)


def test_killed_with_every_write(site, namespace):
    deaths = run_and_kill(site, namespace, "job", lambda n: True)
    assert deaths >= 8
    assert site.end("job", namespace) == END


def test_killed_with_the_nth_write(site, namespace):
    """n = 1 to N, where N is what a job takes without faults; a job each."""
    assert run_job(site, namespace) == END
    writes = len(site.proxy.accepted)
    print(f"N = {writes} writes")
    for n in range(1, writes + 1):
        site.cluster.kubectl("delete", "tjob", "--all", "-n", namespace)
        wait_for("the children to be collected", lambda: not site.cluster.list("pods,services", namespace), 60)
        site.proxy.faults.clear()
        deaths = run_and_kill(site, namespace, "job", lambda count, n=n: count == n)
        assert (n, site.end("job", namespace)) == (n, END)
        # Statuses that only say what is going on may be fewer than in the first run.
        assert deaths == 1 or n > 8
