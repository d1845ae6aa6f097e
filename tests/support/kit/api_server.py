"""An API server that knows one job and lets one token in."""
import http.server
import json
import threading

from cloud.tls import server_context


class ApiServer:
    def __init__(self, directory):
        self.jobs, self.token, self.asked = {}, "token-of-the-plugin", []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append(self.path)
                if self.headers["Authorization"] != f"Bearer {outer.token}":
                    return self.answer(401, {"kind": "Status", "code": 401, "message": "Unauthorized"})
                if self.path not in outer.jobs:
                    return self.answer(404, {"kind": "Status", "code": 404, "reason": "NotFound",
                                             "message": "trainingjobs.cloister.dev \"x\" not found"})
                return self.answer(200, outer.jobs[self.path])

            def answer(self, status, body):
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = server_context(directory, ["127.0.0.1"])
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url, self.ca = f"https://127.0.0.1:{self.server.server_port}", directory / "ca.pem"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
