"""Accounts and their tokens: who makes a call."""
import hashlib
import json
import secrets
import time
import urllib.parse

from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from . import jwt
from .errors import ApiError, TokenError
from .tls import private_pem, write_private

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
CLOCK_SKEW_SECONDS = 60


def _hash(secret):
    return hashlib.sha256(secret.encode()).hexdigest()


class Identity:
    """Service accounts, users, their long-lived credentials and the access tokens given for them.

    The database holds hashes of tokens only.
    """

    def __init__(self, database, state, audiences, token_seconds):
        self.database, self.token_seconds = database, token_seconds
        self.audiences = audiences  # What a JWT may be meant for: the token endpoint by each of its names.
        path = state / "identity-key.pem"
        if not path.exists():
            write_private(path, private_pem(rsa.generate_private_key(65537, 2048)))
        self.identity_key = serialization.load_pem_private_key(path.read_bytes(), None)
        self.identity_key_id = hashlib.sha256(path.read_bytes()).hexdigest()[:40]

    # ---- accounts ----
    def add_account(self, email):
        self.database.execute("INSERT OR IGNORE INTO accounts VALUES (?, ?)", (email, str(secrets.randbelow(10**21))))

    def has_account(self, email):
        return self.database.execute("SELECT 1 FROM accounts WHERE email = ?", (email,)).fetchone() is not None

    def new_account_key(self, email, token_uri):
        """A service account key file's content, as `gcloud iam service-accounts keys create` writes it."""
        self.add_account(email)
        key, key_id = rsa.generate_private_key(65537, 2048), secrets.token_hex(20)
        public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.database.execute("INSERT INTO account_keys VALUES (?, ?, ?)", (key_id, email, public.decode()))
        unique_id = self.database.execute("SELECT unique_id FROM accounts WHERE email = ?", (email,)).fetchone()[0]
        return {"type": "service_account", "project_id": email.partition("@")[2].partition(".")[0],
                "private_key_id": key_id, "private_key": private_pem(key).decode(), "client_email": email,
                "client_id": unique_id, "token_uri": token_uri, "universe_domain": "googleapis.com"}

    def new_user(self, email):
        """What `gcloud auth application-default login` writes."""
        client_id, client_secret = f"{secrets.token_hex(8)}.apps.googleusercontent.com", secrets.token_urlsafe(18)
        refresh_token = "1//" + secrets.token_urlsafe(40)
        self.database.execute("INSERT INTO refresh_tokens VALUES (?, ?, ?, ?)",
                              (_hash(refresh_token), client_id, _hash(client_secret), email))
        return {"type": "authorized_user", "client_id": client_id, "client_secret": client_secret,
                "refresh_token": refresh_token, "account": "", "universe_domain": "googleapis.com"}

    # ---- access tokens ----
    def new_token(self, principal):
        """The token endpoint's answer."""
        token, now = "ya29.c." + secrets.token_urlsafe(1200), time.time()  # as long as Google's are
        self.database.execute("DELETE FROM access_tokens WHERE expires < ?", (now,))
        self.database.execute("INSERT INTO access_tokens VALUES (?, ?, ?)", (_hash(token), principal, now + self.token_seconds))
        return {"access_token": token, "expires_in": int(self.token_seconds), "token_type": "Bearer"}

    def revoke_tokens(self):
        """All access tokens end at once."""
        self.database.execute("DELETE FROM access_tokens")

    def principal_of(self, authorization):
        """Who an Authorization header stands for: None without one; ApiError 401 when it is not good."""
        if authorization is None:
            return None
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() == "bearer":
            row = self.database.execute("SELECT principal, expires FROM access_tokens WHERE hash = ?", (_hash(token),)).fetchone()
            if row and row["expires"] > time.time():
                return row["principal"]
            if token.count(".") == 2 and not token.startswith("ya29."):
                return self._principal_of_self_signed(token)
        raise ApiError(401, "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie "
                            "or other valid authentication credential.")

    def _principal_of_self_signed(self, token):
        """Google's clients may sign a JWT with the account's key and use that as the token."""
        try:
            claims = self._verified_claims(token)
        except TokenError as error:
            raise ApiError(401, error.message) from error
        if claims.get("sub") != claims["iss"] or not (claims.get("scope") or claims.get("aud")):
            raise ApiError(401, "The JWT names no audience or scope, or another subject.")
        return f"serviceAccount:{claims['iss']}"

    def _verified_claims(self, token):
        try:
            header, claims = jwt.parse(token)
        except ValueError as error:
            raise TokenError("invalid_grant", "Invalid JWT") from error
        row = self.database.execute("SELECT email, public_pem FROM account_keys WHERE id = ?", (header.get("kid"),)).fetchone()
        if row is None or row["email"] != claims.get("iss"):
            raise TokenError("invalid_grant", "Invalid grant: account not found")
        if not jwt.verified(token, serialization.load_pem_public_key(row["public_pem"].encode())):
            raise TokenError("invalid_grant", "Invalid JWT Signature.")
        now, issued, expires = time.time(), claims.get("iat", 0), claims.get("exp", 0)
        if issued > now + CLOCK_SKEW_SECONDS or expires < now - CLOCK_SKEW_SECONDS or expires - issued > 3600:
            raise TokenError("invalid_grant", "Invalid JWT: Token must be a short-lived token (60 minutes) and in a "
                                              "reasonable timeframe. Check your iat and exp values in the JWT claim.")
        return claims

    # ---- the token endpoint ----
    async def token_endpoint(self, call):
        form = dict(urllib.parse.parse_qsl((await call.request.read()).decode("ascii", "replace")))
        grant = form.get("grant_type")
        if grant == JWT_BEARER:
            principal = self._principal_of_assertion(form.get("assertion", ""))
        elif grant == "refresh_token":
            principal = self._principal_of_refresh(form)
        else:
            raise TokenError("unsupported_grant_type", f"Invalid grant_type: {grant}")
        call.principal = principal
        return web.json_response({**self.new_token(principal), "scope": form.get("scope", "")})

    def _principal_of_assertion(self, assertion):
        claims = self._verified_claims(assertion)
        if claims.get("aud") not in self.audiences:
            raise TokenError("invalid_grant", "Invalid JWT: Failed audience check.")
        if not claims.get("scope"):
            raise TokenError("invalid_scope", "Invalid OAuth scope or ID token audience provided.")
        return f"serviceAccount:{claims['iss']}"

    def _principal_of_refresh(self, form):
        row = self.database.execute("SELECT * FROM refresh_tokens WHERE hash = ?",
                                    (_hash(form.get("refresh_token", "")),)).fetchone()
        if row is None:
            raise TokenError("invalid_grant", "Bad Request")
        if row["client_id"] != form.get("client_id") or row["secret_hash"] != _hash(form.get("client_secret", "")):
            raise TokenError("invalid_client", "Unauthorized", code=401)
        return f"user:{row['email']}"

    # ---- identity tokens of the metadata server ----
    def identity_token(self, email, audience):
        now = int(time.time())
        return jwt.sign(self.identity_key, self.identity_key_id, {
            "aud": audience, "azp": email, "sub": email, "email": email, "email_verified": True,
            "iss": "https://accounts.google.com", "iat": now, "exp": now + 3600})

    async def identity_certificates(self, _call):
        """The public half of the key of identity tokens, as a JSON Web Key Set."""
        numbers = self.identity_key.public_key().public_numbers()

        def number(value):
            return jwt.encode(value.to_bytes((value.bit_length() + 7) // 8, "big"))
        return web.Response(content_type="application/json", text=json.dumps({"keys": [{
            "kty": "RSA", "alg": "RS256", "use": "sig", "kid": self.identity_key_id,
            "n": number(numbers.n), "e": number(numbers.e)}]}))
