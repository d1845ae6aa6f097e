"""Runs the cloud: python -m cloud --state DIR"""
import argparse
import asyncio
import json
import logging
import os
import signal
import sys
from pathlib import Path

from .pods import Pods
from .server import CloudServer
from .tls import server_context

NAMES = ["localhost", "127.0.0.1", "10.85.0.1"]


def address(text):
    host, _, port = text.rpartition(":")
    return host, int(port)


def arguments():
    parser = argparse.ArgumentParser(prog="cloud", description="A Google Cloud of the size of a test.")
    parser.add_argument("--state", required=True, type=Path, help="directory of everything it keeps")
    parser.add_argument("--host", default="0.0.0.0", help="address of the TLS server")
    parser.add_argument("--port", default=8443, type=int, help="port of the TLS server; 0 takes a free one")
    parser.add_argument("--san", action="append", default=[], help="one more name or address for the certificate")
    parser.add_argument("--metadata", type=address, metavar="ADDRESS:PORT", help="address of the metadata server")
    parser.add_argument("--kubeconfig", help="cluster whose pods ask the metadata server")
    parser.add_argument("--default-account", metavar="EMAIL", help="account of callers that are no pods")
    parser.add_argument("--token-seconds", default=3600, type=float, help="lifetime of access tokens")
    return parser.parse_args()


def write_endpoints(settings, port):
    """Tells that the cloud is ready, and where."""
    base = f"https://{'127.0.0.1' if settings.host == '0.0.0.0' else settings.host}:{port}"
    endpoints = {"kms": base, "storage": base, "token": f"{base}/token", "ca": str(settings.state / "ca.pem")}
    if settings.metadata:
        endpoints["metadata"] = "http://%s:%d" % settings.metadata
    temporary = settings.state / "endpoints.json.new"
    temporary.write_text(json.dumps(endpoints, indent=1) + "\n")
    os.replace(temporary, settings.state / "endpoints.json")


async def run(settings):
    settings.state.mkdir(parents=True, exist_ok=True)
    (settings.state / "endpoints.json").unlink(missing_ok=True)
    names = list(dict.fromkeys([*NAMES, *settings.san, *([] if settings.host == "0.0.0.0" else [settings.host])]))
    settings.pods = Pods(settings.kubeconfig) if settings.kubeconfig else None
    settings.audiences = {"https://oauth2.googleapis.com/token", "https://accounts.google.com/o/oauth2/token"}
    cloud = CloudServer(settings.state, settings)
    if settings.default_account:
        cloud.identity.add_account(settings.default_account)
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    context = server_context(settings.state, names)
    try:
        runners, port = await cloud.start(settings.host, settings.port, context, settings.metadata)
    except OSError as error:
        sys.exit(f"cloud: {error}. Is the port free, and does an interface have the address?")
    settings.audiences |= {f"https://{name}:{port}/token" for name in names}
    write_endpoints(settings, port)
    await stopped.wait()
    (settings.state / "endpoints.json").unlink(missing_ok=True)
    for runner in runners:
        await runner.cleanup()
    if settings.pods:
        await settings.pods.close()


def main():
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    asyncio.run(run(arguments()))


if __name__ == "__main__":
    main()
