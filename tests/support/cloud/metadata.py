"""The metadata server of GKE: tokens of the Kubernetes service account of the pod that asks."""
import json
import re
import urllib.parse

from aiohttp import web

from .calls import json_response
from .errors import ApiError
from .iam import POOL, workload_principal

PROJECT, PROJECT_NUMBER = "test", "1"
SCOPES = ["https://www.googleapis.com/auth/cloud-platform", "https://www.googleapis.com/auth/userinfo.email"]
ACCOUNTS = "/computeMetadata/v1/instance/service-accounts"
VALUES = {
    "/computeMetadata/v1/project/project-id": PROJECT,
    "/computeMetadata/v1/project/numeric-project-id": PROJECT_NUMBER,
    "/computeMetadata/v1/instance/zone": f"projects/{PROJECT_NUMBER}/zones/europe-west3-a",
    "/computeMetadata/v1/instance/id": "1",
    "/computeMetadata/v1/instance/attributes/cluster-name": "test",
}


class Account:
    """Who a caller is: the principal of its tokens and the email that it is shown."""

    def __init__(self, principal, email):
        self.principal, self.email = principal, email


def text(value, content_type="application/text"):
    return web.Response(text=value, content_type=content_type)


class Metadata:
    """Answers by source address. Without pods to look up, or for an unknown address, it is the default account."""

    def __init__(self, identity, iam, pods, default_account):
        self.identity, self.iam, self.pods, self.default_account = identity, iam, pods, default_account

    async def _account(self, call):
        pod = await self.pods.by_address(call.request.remote) if self.pods else None
        if pod:
            account = self._impersonated(pod) if pod.google_account else Account(
                workload_principal(pod.namespace, pod.account), POOL)
        elif self.default_account:
            account = Account(f"serviceAccount:{self.default_account}", self.default_account)
        else:
            raise ApiError(404, f"No service account for {call.request.remote}.")
        call.principal = account.principal
        return account

    def _impersonated(self, pod):
        """The Google account that the Kubernetes one is annotated with, if IAM lets the one be the other."""
        permission, email = "iam.serviceAccounts.getAccessToken", pod.google_account
        if not self.identity.has_account(email) or not self.iam.allows(
                workload_principal(pod.namespace, pod.account), permission, f"accounts/{email}"):
            raise ApiError(403, f"Permission '{permission}' denied on resource (or it may not exist).")
        return Account(f"serviceAccount:{email}", email)

    async def handle(self, call):
        path = call.raw_path.rstrip("/")
        call.resource = "metadata:" + path
        if call.request.method != "GET":
            raise ApiError(405, "Method not allowed")
        if path == "":
            return text("computeMetadata/\n")
        if call.request.headers.get("Metadata-Flavor") != "Google" or "X-Forwarded-For" in call.request.headers:
            raise ApiError(403, "Missing Metadata-Flavor:Google header.")
        if path in VALUES:
            return text(VALUES[path])
        if path == "/computeMetadata/v1/instance":
            return text("attributes/\nid\nservice-accounts/\nzone\n")
        if path == ACCOUNTS or path.startswith(ACCOUNTS + "/"):
            return await self._accounts(call, urllib.parse.unquote(path[len(ACCOUNTS):]))
        raise ApiError(404, f"{path} is not served.")

    async def _accounts(self, call, rest):
        account = await self._account(call)
        recursive = call.query.get("recursive", "").lower() == "true"
        about = {"aliases": ["default"], "email": account.email, "scopes": SCOPES}
        if rest == "":
            names = dict.fromkeys(["default", account.email])
            return json_response({n: about for n in names}) if recursive else text("".join(f"{n}/\n" for n in names))
        match = re.fullmatch(r"/([^/]+)(?:/([a-z]+))?", rest)
        if not match or match.group(1) not in ("default", account.email):
            raise ApiError(404, f"{rest} is not served.")
        if match.group(2) is None:
            return json_response(about) if recursive else text("aliases\nemail\nidentity\nscopes\ntoken\n")
        return self._leaf(call, account, match.group(2))

    def _leaf(self, call, account, leaf):
        if leaf == "token":
            return text(json.dumps(self.identity.new_token(account.principal)), "application/json")
        if leaf == "email":
            return text(account.email)
        if leaf == "aliases":
            return text("default\n")
        if leaf == "scopes":
            return text("\n".join(SCOPES) + "\n")
        if leaf == "identity":
            if not call.query.get("audience"):
                raise ApiError(400, "non-empty audience parameter required")
            return text(self.identity.identity_token(account.email, call.query["audience"]))
        raise ApiError(404, f"{leaf} is not served.")
