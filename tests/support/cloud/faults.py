"""Faults that a test asks for: calls that fail, hang, break off or bring wrong bytes."""
import asyncio
import dataclasses
import re

from aiohttp import web

from .errors import ApiError

TRICKLE_SECONDS = 0.1  # for each byte


@dataclasses.dataclass
class Fault:
    """One fault. `match` is a regular expression searched in "METHOD path?query", raw and percent-decoded.

    It lets `after` matching calls pass and then acts `times` times (None: always). It waits delay_seconds, then:
    answers status, headers and body; or drops the connection (drop: True before the call does anything, "after" when it was
    done and only its answer is lost); or lets the call go on and flips the byte at corrupt_byte of the answer's
    body, or breaks off after truncate_bytes of it; or trickles, ten bytes a second, the "head" of an answer without the
    call doing anything, or (a number) its body from that byte on. `hits` counts how often it acted.
    """

    match: str
    times: int | None = None
    after: int = 0
    status: int | None = None
    body: str = ""
    headers: dict = dataclasses.field(default_factory=dict)
    delay_seconds: float = 0
    drop: bool | str = False
    truncate_bytes: int | None = None
    corrupt_byte: int | None = None
    trickle: int | str | None = None
    hits: int = 0

    def takes(self, lines):
        """Whether it acts on this call; counts it."""
        if not any(re.search(self.match, line) for line in lines):
            return False
        if self.after > 0:
            self.after -= 1
            return False
        if self.times is not None and self.hits >= self.times:
            return False
        self.hits += 1
        return True

    async def before(self, request):
        """Acts before the call; a response that stands for it, or None."""
        if self.delay_seconds:
            await asyncio.sleep(self.delay_seconds)
        if self.drop is True:
            return dropped(request)
        if self.trickle == "head":
            return await trickled_head(request)
        if self.status is not None:
            return web.Response(status=self.status, text=self.body, content_type="application/json", headers=self.headers)
        return None

    def alters_body(self):
        return self.truncate_bytes is not None or self.corrupt_byte is not None or isinstance(self.trickle, int)

    def alter(self, offset, chunk):
        """The bytes to send for those at this offset of the body, and whether more may follow."""
        if self.corrupt_byte is not None and offset <= self.corrupt_byte < offset + len(chunk):
            chunk = bytearray(chunk)
            chunk[self.corrupt_byte - offset] ^= 1
        if self.truncate_bytes is not None and offset + len(chunk) >= self.truncate_bytes:
            return chunk[:self.truncate_bytes - offset], False
        return chunk, True

    async def send(self, response, offset, chunk):
        """Writes those bytes at this offset of the body."""
        fast = max(0, self.trickle - offset) if isinstance(self.trickle, int) else len(chunk)
        if fast:
            await response.write(chunk[:fast])
        for i in range(fast, len(chunk)):
            await response.write(chunk[i:i + 1])
            await asyncio.sleep(TRICKLE_SECONDS)


async def trickled_head(request):
    """An answer whose head does not come to its end, until the caller has had enough."""
    transport = request.transport
    transport.write(b"HTTP/1.1 200 OK\r\nX-Filler: ")
    while not transport.is_closing():
        transport.write(b"x")
        await asyncio.sleep(TRICKLE_SECONDS)
    return dropped(request)


def dropped(request):
    """Ends the connection; what it returns reaches nobody."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


class Faults:
    """The list of faults; the first that takes a call has it."""

    def __init__(self):
        self.list = []

    def set(self, specifications):
        try:
            faults = [Fault(**specification) for specification in specifications]
            for fault in faults:
                re.compile(fault.match)
        except (TypeError, re.error) as error:
            raise ApiError(400, f"not a fault: {error}") from error
        self.list = faults

    def take(self, lines):
        return next((fault for fault in self.list if fault.takes(lines)), None)
