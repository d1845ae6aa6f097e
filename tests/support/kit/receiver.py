"""Somebody who is told: a webhook over TLS that answers as the test wants."""
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cloud.tls import server_context


class Receiver:
    """A target over TLS. What it answers is its `answer`: a status, "hang", "200 and hang" (with a body that never comes
    whole), or a function that gives a status and headers."""

    def __init__(self, directory, host="127.0.0.1", answer=200, headers=None):
        self.answer, self.headers, self.got, self.connections = answer, headers or {}, [], 0
        self.hanging, self.most_hanging, self.lock = 0, 0, threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = receiver.answer
                receiver.got.append({"path": self.path, "headers": dict(self.headers), "body": body, "answer": answer,
                                     "at": time.monotonic()})
                if answer == "hang":
                    receiver.hang(self.rfile)
                elif answer == "200 and hang":
                    self.reply(200, {}, length=10)
                    receiver.hang(self.rfile)
                else:
                    self.reply(*(answer() if callable(answer) else (answer, receiver.headers)))

            def reply(self, status, headers, length=0):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(length))
                self.end_headers()

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def get_request(self):
                receiver.connections += 1
                return super().get_request()

            def handle_error(self, *_):
                pass

        directory.mkdir(exist_ok=True)
        self.server = Server((host, 0), Handler)
        self.server.socket = server_context(directory, [host]).wrap_socket(self.server.socket, server_side=True,
                                                                          do_handshake_on_connect=False)
        self.ca = (directory / "ca.pem").read_text()
        self.url = f"https://{host}:{self.server.server_port}/events"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def hang(self, stream):
        """Until the other side gives up."""
        with self.lock:
            self.hanging += 1
            self.most_hanging = max(self.most_hanging, self.hanging)
        try:
            stream.read(1)
        finally:
            with self.lock:
                self.hanging -= 1

    def target(self, **more):
        return {"webhook": {"url": self.url, "caBundle": self.ca, **more}}

    def events(self, job=None):
        """The CloudEvents that came, of one job."""
        events = [json.loads(one["body"]) for one in self.got]
        return [e for e in events if job is None or e["data"]["name"] == job]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
