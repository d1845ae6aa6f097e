"""The operator's plain ports while somebody holds connections to them and says nothing."""
import os
import socket
import time
import urllib.request
from pathlib import Path

import pytest

SILENT = 400


@pytest.fixture
def silent():
    """Opens connections, and hangs up at the end."""
    held = []

    def hold(address):
        host, port = address.split(":")
        held.extend(socket.create_connection((host, int(port))) for _ in range(SILENT))
    yield hold
    for one in held:
        one.close()


def descriptors(operator):
    return len(os.listdir(f"/proc/{operator.process.pid}/fd"))


def resident_bytes(operator):
    return int(Path(f"/proc/{operator.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def took(url):
    begun = time.monotonic()
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert answer.status == 200 and answer.read()
    return time.monotonic() - begun


def test_connections_that_say_nothing_keep_nobody_out_and_cost_little(site, namespace, silent):
    operator = site.operator
    health, scrape = f"http://{operator.address}/readyz", f"http://{operator.metrics_address}/metrics"
    took(health), took(scrape)
    before, memory = descriptors(operator), resident_bytes(operator)
    silent(operator.address)
    silent(operator.metrics_address)
    for _ in range(3):
        assert took(health) < 10 and took(scrape) < 10, "long before a silent one has had its time"
    # 64 of each, and what the client of the API server opens and closes by itself.
    assert descriptors(operator) < before + 2 * 64 + 20
    assert resident_bytes(operator) < memory + 8 * 1024 * 1024
    site.create(site.job("job", namespace))
    site.wait_for_phase("job", namespace, "Failed")


def test_a_scrape_that_keeps_its_connection_is_not_disturbed_by_the_end_of_others(site, namespace):
    """As Prometheus does: one connection for all scrapes, probes coming and going beside it."""
    host, port = site.operator.metrics_address.split(":")
    with socket.create_connection((host, int(port)), timeout=5) as kept:
        for _ in range(3):
            kept.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
            head, _, body = kept.recv(1 << 20).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200")
            length = int(next(line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")))
            while len(body) < length:
                body += kept.recv(1 << 20)
            for _ in range(100):
                took(f"http://{site.operator.metrics_address}/metrics")
