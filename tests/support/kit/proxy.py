"""A proxy in front of the API server that makes the network and the server misbehave on demand.

The operator speaks plain HTTP to it; it speaks TLS to the API server with the administrator's certificate. A fault is
a function of a Request that returns None (not its business) or one of the constants and tuples below; faults are asked
in order. A watch passes through event by event, so that it can be cut at any time. What the proxy says by itself comes
in the form that the API server would have chosen, JSON or protobuf.
"""
import http.client
import json
import socket
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

DROP_REQUEST = "drop request"  # the connection is closed before the API server sees anything
DROP_REPLY = "drop reply"  # the request is carried out, the answer is lost
# ("answer", status, headers, reason): the proxy answers by itself, with a metav1.Status
# ("raw", bytes): the proxy answers with these bytes, whatever they are, and closes the connection
# ("cut", share): passed on; of the answer only that share arrives
# ("delay", seconds): passed on, after a while
# ("after", function): passed on when function() has returned
# ("error event", code, reason): a watch that consists of one ERROR event
# ("as JSON",): passed on, as if the API server knew no protobuf
# ("then", function): passed on; function() runs when the API server has answered, before the operator knows


@dataclass
class Request:
    method: str
    path: str
    body: bytes
    accepts_protobuf: bool = False
    at: float = field(default_factory=time.monotonic)

    @property
    def is_write(self):
        return self.method != "GET"

    @property
    def is_watch(self):
        return "watch=1" in self.path

    @property
    def is_event(self):
        return "/events.k8s.io/" in self.path


def status_object(code, reason):
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code, "reason": reason,
            "message": f"injected: {reason}"}


# ---- protobuf: https://protobuf.dev/programming-guides/encoding/ ----
PROTOBUF = "application/vnd.kubernetes.protobuf"


def varint(value):
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + varint(value >> 7)


def message(*fields):
    """Of (number, value): numbers, text, and messages as bytes."""
    out = b""
    for number, value in fields:
        if isinstance(value, int):
            out += varint(number << 3) + varint(value)
        else:
            value = value.encode() if isinstance(value, str) else value
            out += varint(number << 3 | 2) + varint(len(value)) + value
    return out


def protobuf_status(code, reason):
    """A metav1.Status in its envelope."""
    status = status_object(code, reason)
    raw = message((1, b""), (2, status["status"]), (3, status["message"]), (4, reason), (6, code))
    return b"k8s\0" + message((1, message((1, "v1"), (2, "Status"))), (2, raw), (3, ""), (4, ""))


def protobuf_event(kind, enveloped):
    event = message((1, kind), (2, message((1, enveloped))))
    return len(event).to_bytes(4, "big") + event


class Proxy:
    def __init__(self, api):
        self.host, self.port, self.context = api.host, api.port, api.context
        self.faults = []
        self.accepted = []  # writes that the API server took: "POST /api/v1/...", without events
        self.requests = []
        self.is_cut = False
        self.is_mute = None  # a function of a watch's path: nothing comes through any more, and nothing breaks either
        self._open = set()
        self._lock = threading.Lock()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            upstream, idle_since = None, 0  # for one request after the other, as the operator's connection is

            def handle_one_request(self):
                try:
                    super().handle_one_request()
                except (OSError, http.client.HTTPException):
                    self.close_connection = True

            def do_any(self):
                proxy.handle(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_any

            def finish(self):
                super().finish()
                if self.upstream is not None:
                    self.upstream.close()

            def log_message(self, *_):
                pass

        self.httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.httpd.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.httpd.server_port}"
        threading.Thread(target=self.httpd.serve_forever, daemon=True).start()

    def close(self):
        self.httpd.shutdown()
        self.cut()
        self.httpd.server_close()

    def reset(self):
        self.faults, self.accepted, self.requests, self.is_cut, self.is_mute = [], [], [], False, None

    # ---- misbehaviour ----
    def cut(self):
        """Closes every connection that is in use, as a broken network does."""
        with self._lock:
            for one in list(self._open):
                try:
                    one.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def once(self, matches, what, times=1):
        """The first `times` requests for which matches(request) is true meet `what`; returns the list of those."""
        met = []

        def fault(request):
            with self._lock:
                if len(met) >= times or not matches(request):
                    return None
                met.append(request)
            return what

        self.faults.append(fault)
        return met

    def _fault(self, request):
        if self.is_cut:
            return DROP_REQUEST
        for fault in self.faults:
            what = fault(request)
            if what is not None:
                return what
        return None

    # ---- one request ----
    def handle(self, handler):
        length = int(handler.headers.get("Content-Length") or 0)
        request = Request(handler.command, handler.path, handler.rfile.read(length),
                          PROTOBUF in (handler.headers.get("Accept") or ""))
        what = self._fault(request)
        self.requests.append((request, what))
        kind = what[0] if isinstance(what, tuple) else what
        handler.close_connection = kind in (DROP_REQUEST, DROP_REPLY, "raw", "cut")
        if kind == DROP_REQUEST:
            return
        if kind == "answer":
            self._answer(handler, request, *what[1:])
            return
        if kind == "raw":
            handler.wfile.write(what[1])
            return
        if kind == "error event":
            if request.accepts_protobuf:
                event = protobuf_event("ERROR", protobuf_status(*what[1:]))
                self._send(handler, 200, {"Content-Type": PROTOBUF + ";stream=watch"}, event)
                return
            event = json.dumps({"type": "ERROR", "object": status_object(*what[1:])}).encode() + b"\n"
            self._send(handler, 200, {}, event)
            return
        if kind == "delay":
            time.sleep(what[1])
        if kind == "after":
            what[1]()
        self._pass_on(handler, request, what)

    def _pass_on(self, handler, request, what):
        upstream = self._upstream(handler)
        headers = {k: v for k, v in handler.headers.items() if k.lower() in ("accept", "content-type", "user-agent")}
        if what == ("as JSON",):
            headers["Accept"] = "application/json"
        try:
            upstream.request(request.method, request.path, request.body or None, headers)
            with self._lock:
                self._open |= {upstream.sock, handler.connection}
            # http.client forgets its socket as soon as it hands over a response that ends the connection.
            sockets = {upstream.sock, handler.connection}
            response = upstream.getresponse()
            if request.is_watch and response.status == 200:
                if what != DROP_REPLY:
                    self._stream(handler, request, response, what)
                return
            body = response.read()
            if request.is_write and not request.is_event and response.status < 300:
                self.accepted.append(f"{request.method} {request.path}")
            if isinstance(what, tuple) and what[0] == "then":
                what[1]()
            if what == DROP_REPLY:
                return
            share = what[1] if isinstance(what, tuple) and what[0] == "cut" else 1
            self._send(handler, response.status, dict(response.getheaders()), body, int(len(body) * share))
        finally:
            with self._lock:
                self._open -= sockets if "sockets" in locals() else set()
            handler.idle_since = time.monotonic()
            if handler.close_connection:
                upstream.close()

    def _upstream(self, handler):
        """A connection to the API server, which closes one that is idle for long."""
        if handler.upstream is None or time.monotonic() - handler.idle_since > 10:
            if handler.upstream is not None:
                handler.upstream.close()
            handler.upstream = http.client.HTTPSConnection(self.host, self.port, context=self.context, timeout=700)
        return handler.upstream

    def _stream(self, handler, request, response, what):
        handler.close_connection = True
        handler.send_response(200)
        content_type = response.getheader("Content-Type")
        handler.send_header("Content-Type", content_type)
        handler.send_header("Connection", "close")
        handler.end_headers()
        while True:
            event = self._read_event(response, content_type.startswith(PROTOBUF))
            if not event:
                return
            if isinstance(what, tuple) and what[0] == "cut":
                handler.wfile.write(event[:int(len(event) * what[1])])
                return
            if self.is_mute is None or not self.is_mute(request.path):
                handler.wfile.write(event)

    def _read_event(self, response, is_protobuf):
        """Of JSON a line, of protobuf a frame behind its length; empty at the end."""
        if not is_protobuf:
            return response.readline()
        length = response.read(4)
        return length and length + response.read(int.from_bytes(length, "big"))

    def _answer(self, handler, request, status, headers, reason):
        if request.accepts_protobuf:
            self._send(handler, status, {**headers, "Content-Type": PROTOBUF}, protobuf_status(status, reason))
        else:
            self._send(handler, status, headers, json.dumps(status_object(status, reason)).encode())

    def _send(self, handler, status, headers, body, length=None):
        """Of the body so many bytes; None: all."""
        handler.send_response(status)
        for name, value in headers.items():
            if name.lower() not in ("transfer-encoding", "content-length", "connection", "date", "server"):
                handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body[:length])
