"""Killed with KILL at any write, the operator goes on where the cluster stands."""
import contextlib
from concurrent.futures import ThreadPoolExecutor

from kit.proxy import Proxy
from kit.cluster import wait_for
from kit.operator_process import make_operator
from kit.site import END, Site, is_own_write, make_namespaces, run_job

AT_ONCE = 5


def run_and_kill(site, namespace, name, is_fatal):
    """Runs a job; the operator dies with each write for which is_fatal(number of writes so far) is true, when the API
    server has taken it and before the operator knows. Returns how often it died."""
    deaths, died = [], []
    count = [0]

    def die():
        site.operator.stop()
        died.append(True)

    def fault(request):
        if not is_own_write(request):
            return None
        count[0] += 1
        if not is_fatal(count[0]):
            return None
        deaths.append(count[0])
        return ("then", die)

    site.proxy.faults.append(fault)
    site.create(site.job(name, namespace))

    def is_over():
        if not site.operator.is_running():
            site.operator.start(wait=False)
        return site.status(name, namespace).get("phase") == "Failed"

    wait_for(f"job {name} to end", is_over, 120, interval=0.1)
    site.proxy.faults.clear()
    wait_for("the last death", lambda: len(died) == len(deaths), 10)
    if not site.operator.is_running():
        site.operator.start()
    return len(deaths)


def test_killed_with_every_write(site, namespace):
    deaths = run_and_kill(site, namespace, "job", lambda n: True)
    assert deaths >= 8
    assert site.end("job", namespace) == END


@contextlib.contextmanager
def lone_site(site, namespace, directory):
    """A proxy and an operator that knows this namespace alone."""
    proxy = Proxy(site.cluster.api)
    operator = make_operator(directory, proxy, site.image, f"--namespace={namespace}")
    try:
        operator.start()
        yield Site(site.cluster, proxy, operator, site.image)
    except BaseException:
        print(operator.log()[-6000:])
        raise
    finally:
        operator.stop()
        proxy.close()


def test_killed_with_the_nth_write(site, tmp_path):
    """n = 1 to N, where N is what a job takes without faults; each in a namespace of its own, several at once."""
    site.operator.stop()
    make_namespaces(site.cluster, "nth-write-0")
    with lone_site(site, "nth-write-0", tmp_path / "0") as calm:
        assert run_job(calm, "nth-write-0") == END
        writes = len(calm.proxy.accepted)
    print(f"N = {writes} writes")
    cases = {f"nth-write-{n}": n for n in range(1, writes + 1)}
    make_namespaces(site.cluster, *cases)

    def live(name):
        n = cases[name]
        with lone_site(site, name, tmp_path / str(n)) as lone:
            deaths = run_and_kill(lone, name, "job", lambda count: count == n)
            assert (n, lone.end("job", name)) == (n, END)
            # Statuses that only say what is going on may be fewer than in the first run.
            assert deaths == 1 or n > 8

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(live, cases))
    site.cluster.kubectl("delete", "namespace", "--wait=false", "nth-write-0", *cases)
