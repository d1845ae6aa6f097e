"""The operator's end of reports, in place of an operator; and workers that report to it."""
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cloud.tls import server_context
from kit.cluster import wait_for
from kit.worker import Worker


class FakeOperator:
    """Takes posts over TLS; says what it is told to say."""

    def __init__(self, keys):
        self.keys, self.posts, self.answer = keys, [], (200, {})
        operator = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                operator.posts.append((self.path, self.headers["Authorization"], body, time.monotonic()))
                status, headers = operator.answer
                self.send_response(status)
                for name, value in {"Content-Length": "2", **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *arguments):
                pass
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.socket = server_context(keys, ["127.0.0.1"]).wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def bodies(self):
        return [p[2] for p in self.posts]

    def wait_for(self, what, condition, timeout=30):
        return wait_for(what, lambda: next((b for b in self.bodies() if condition(b)), None), timeout)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Reporting(Worker):
    """A worker with the token of its pod, which only the agent's container mounts."""

    def sandbox(self, *command):
        words = super().sandbox(*command)
        at = words.index("--")
        token = ["--ro-bind", self.directory / "token", "/var/run/secrets/cloister/token"]
        return words[:at] + (token if "cloister-worker" in str(command[0]) else []) + words[at:]
