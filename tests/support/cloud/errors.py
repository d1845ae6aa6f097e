"""Errors as Google's APIs answer them."""
import json

from aiohttp import web

STATUS_NAMES = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
                409: "ALREADY_EXISTS", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE"}
REASONS = {400: "invalid", 401: "authError", 403: "forbidden", 404: "notFound", 405: "methodNotAllowed",
           409: "conflict", 410: "gone", 412: "conditionNotMet", 416: "requestedRangeNotSatisfiable"}


class ApiError(Exception):
    """An error of Google's newer APIs (KMS, IAM): code, message, canonical status, details."""

    def __init__(self, code, message, status=None, details=None, headers=None):
        super().__init__(message)
        self.code, self.message, self.headers = code, message, headers or {}
        self.status, self.details = status or STATUS_NAMES.get(code, "UNKNOWN"), details

    def body(self):
        error = {"code": self.code, "message": self.message, "status": self.status}
        if self.details:
            error["details"] = self.details
        return {"error": error}

    def response(self):
        return web.Response(status=self.code, text=json.dumps(self.body(), indent=2) + "\n",
                            content_type="application/json", headers=self.headers)


class StorageError(ApiError):
    """An error of the storage JSON API; a media download's error is plain text, as Google's is."""

    def __init__(self, code, message, reason=None, location=None, plain=False, headers=None):
        super().__init__(code, message, headers=headers)
        self.reason, self.location, self.plain = reason or REASONS.get(code, "backendError"), location, plain

    def body(self):
        item = {"message": self.message, "domain": "global", "reason": self.reason}
        if self.location:
            item |= {"locationType": "header", "location": self.location}
        return {"error": {"code": self.code, "message": self.message, "errors": [item]}}

    def response(self):
        if self.plain:
            return web.Response(status=self.code, text=self.message, content_type="text/html", headers=self.headers)
        return super().response()


class TokenError(ApiError):
    """An error of the OAuth2 token endpoint (RFC 6749)."""

    def __init__(self, error, description, code=400):
        super().__init__(code, description)
        self.error = error

    def body(self):
        return {"error": self.error, "error_description": self.message}
