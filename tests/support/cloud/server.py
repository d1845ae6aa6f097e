"""The cloud as one HTTP handler: route, faults, errors, audit. Beside it the metadata server, by the same rules."""
import logging

from aiohttp import web

from .admin import Admin
from .audit import Audit
from .calls import Call
from .database import open_database
from .errors import ApiError
from .faults import Faults, dropped
from .gcs import Gcs
from .iam import Iam
from .identity import Identity
from .kms import Kms
from .metadata import Metadata
from .pubsub import PubSub
from .store import Store
from .uploads import Uploads

LOG = logging.getLogger("cloud")
BODY_LIMIT_BYTES = 1 << 20  # Of calls that are no uploads; those stream.


class CloudServer:
    """All parts of the cloud over one state directory."""

    def __init__(self, state, settings):
        self.state, self.settings = state, settings
        self.database = open_database(state / "state.db")
        self.audit, self.faults = Audit(state / "audit.jsonl"), Faults()
        self.iam = Iam(self.database)
        self.identity = Identity(self.database, state, settings.audiences, settings.token_seconds)
        self.kms = Kms(self.database, self.iam)
        self.pubsub = PubSub(self.database, self.iam)
        self.store = Store(self.database, state)
        self.gcs = Gcs(self.store, self.iam)
        self.uploads = Uploads(self.gcs, self.store, self.database)
        self.admin = Admin(self)
        self.metadata = Metadata(self.identity, self.iam, settings.pods, settings.default_account)
        self.routes = [("POST", "/token", self.identity.token_endpoint),
                       ("GET", "/oauth2/v3/certs", self.identity.identity_certificates),
                       *self.kms.routes(), *self.pubsub.routes(), *self.gcs.routes(), *self.uploads.routes()]

    async def handle(self, request):
        call = Call(request, self.identity)
        if call.raw_path.startswith("/_cloud/"):
            return await self._guarded(call, self.admin.handle)
        return await self._serve(call, lambda: call.route(self.routes))

    async def handle_metadata(self, request):
        call = Call(request, self.identity)
        response = await self._serve(call, lambda: self.metadata.handle)
        if not response.prepared:
            response.headers["Metadata-Flavor"] = "Google"
            response.headers["Server"] = "Metadata Server for VM"
        return response

    async def _serve(self, call, find):
        call.fault = self.faults.take(call.lines())
        response = await call.fault.before(call.request) if call.fault else None
        if response is None:
            response = await self._guarded(call, lambda c: find()(c))
            if call.fault and call.fault.drop == "after":
                response = dropped(call.request)
            elif not response.prepared:
                response = await self._guarded(call, lambda c, answer=response: c.finish(answer))
        self.audit.record(call, response.status)
        return response

    async def _guarded(self, call, handler):
        """The handler's response; what it raises becomes one."""
        try:
            return await handler(call)
        except ApiError as error:
            return error.response()
        except web.HTTPException:
            raise
        except ConnectionError:
            return dropped(call.request)
        except Exception:
            LOG.exception("%s %s", call.request.method, call.raw_path)
            return ApiError(500, "Internal error encountered.").response()

    async def _application(self, handler):
        application = web.Application(client_max_size=BODY_LIMIT_BYTES)
        application.router.add_route("*", "/{tail:.*}", handler)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
        await runner.setup()
        return runner

    async def start(self, host, port, context, metadata_address):
        """Listens; returns the runners to clean up and the port of the TLS server."""
        runners = [await self._application(self.handle)]
        site = web.TCPSite(runners[0], host, port, ssl_context=context, reuse_address=True)
        await site.start()
        if metadata_address:
            runners.append(await self._application(self.handle_metadata))
            await web.TCPSite(runners[1], *metadata_address, reuse_address=True).start()
        return runners, runners[0].addresses[0][1]
