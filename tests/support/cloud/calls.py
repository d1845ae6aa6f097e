"""One call to the cloud, and how its answer is sent."""
import json
import re
import urllib.parse

from aiohttp import web

from .errors import ApiError


class Call:
    """A request with its decoded path and query, who makes it and what it touches."""

    def __init__(self, request, identity):
        self.request, self._identity = request, identity
        self.raw_path, _, query = request.raw_path.partition("?")
        self.query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        self.resource = urllib.parse.unquote(self.raw_path)
        self.principal, self.fault, self.groups = None, None, {}

    def lines(self):
        """What faults match."""
        line = f"{self.request.method} {self.request.raw_path}"
        return {line, urllib.parse.unquote(line)}

    def route(self, routes):
        """The handler whose pattern is the raw path's; sets groups, percent-decoded."""
        known = False
        for method, pattern, handler in routes:
            match = re.fullmatch(pattern, self.raw_path)
            if match and method == self.request.method:
                self.groups = {k: urllib.parse.unquote(v) for k, v in match.groupdict().items() if v is not None}
                return handler
            known = known or match is not None
        raise ApiError(405 if known else 404, f"{self.request.method} {self.raw_path} is nothing that this cloud knows")

    def identify(self):
        """Finds out who calls; ApiError 401 when the token is not good."""
        self.principal = self._identity.principal_of(self.request.headers.get("Authorization"))
        return self.principal

    async def json(self):
        """The body as a JSON object."""
        try:
            value = json.loads(await self.request.read() or b"{}")
        except ValueError as error:
            raise ApiError(400, "Invalid JSON payload received.") from error
        if not isinstance(value, dict):
            raise ApiError(400, "Invalid JSON payload received.")
        return value

    async def stream(self, status, headers, length, chunks):
        """Sends a body piece by piece, as a fault may have it."""
        response = web.StreamResponse(status=status, headers=headers)
        response.content_length = length
        await response.prepare(self.request)
        sent = 0
        for chunk in chunks:
            more = True
            size = len(chunk)
            if self.fault is not None:
                chunk, more = self.fault.alter(sent, chunk)
            if self.fault is None:
                await response.write(chunk)
            else:
                await self.fault.send(response, sent, chunk)
            if not more:
                self.request.transport.close()
                break
            sent += size
        return response

    async def finish(self, response):
        """The answer that goes out: the handler's, unless a fault alters its body."""
        if self.fault is None or not self.fault.alters_body() or not isinstance(response, web.Response):
            return response
        body = bytes(response.body or b"")
        return await self.stream(response.status, response.headers, len(body), [body])


def json_response(value, status=200, headers=None):
    return web.Response(status=status, text=json.dumps(value, indent=1) + "\n", content_type="application/json",
                        headers=headers)
