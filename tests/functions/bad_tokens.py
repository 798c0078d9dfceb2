"""Credentials that open nothing: each kind with how it is made, and what answers it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from entra_fake import (
    API,
    CRM,
    CRM_ROLE,
    OTHER_TENANT,
    SELLER_ROLE,
    STRANGER,
    TENANT,
    base64url,
    bearer,
    jwk,
    rsa_key,
    signed,
    signed_parts,
)

GRAPH = "00000003-0000-0000-c000-000000000000"
RS256 = {"alg": "RS256", "kid": "key-1", "typ": "JWT"}

#: How each kind is made, of the tenant.
MISSING = {}
REFUSED = {}
FORBIDDEN = {}


def kind(where, name):
    """Note how the headers of a kind are made."""

    def note(make):
        where[name] = make
        return make

    return note


def token_kind(name, where=REFUSED):
    """Note how a token is made, which is shown as it should be."""

    def note(make):
        where[name] = lambda tenant: bearer(make(tenant))
        return make

    return note


def fixed(where, name, headers):
    """Note headers that are always the same."""
    where[name] = lambda _: headers


def raw(name, header, payload=None):
    """Note a token whose parts are not as usual, rightly signed; None for the usual payload."""

    def make(tenant):
        usual = json.dumps(tenant.application_claims()).encode()
        return signed_parts(header, usual if payload is None else payload)

    token_kind(name)(make)


def changed(name, where=REFUSED, version="2.0", **changes):
    """Note a token of an application with some claims changed, rightly signed."""
    token_kind(name, where)(lambda tenant: signed(tenant.application_claims(version, **changes)))


def headed(name, **header):
    """Note a good token with another first part, rightly signed."""
    token_kind(name)(lambda tenant: signed(tenant.application_claims(), **header))


def good(tenant):
    """A token that holds."""
    return signed(tenant.application_claims())


def parts(tenant):
    """The three parts of a token that holds."""
    return good(tenant).split(".")


def hmac_token(tenant, secret, algorithm="HS256"):
    """A token that is signed with something everybody knows."""
    header = json.dumps({**RS256, "alg": algorithm}).encode()
    start = f"{base64url(header)}.{parts(tenant)[1]}"
    digest = hmac.new(secret, start.encode(), hashlib.sha256).digest()
    return f"{start}.{base64url(digest)}"


def with_algorithm(tenant, name, key=None):
    """A token that is signed by another algorithm."""
    claims = tenant.application_claims()
    return jwt.encode(claims, key or rsa_key("key-1"), name, headers={"kid": "key-1"})


# Nothing that is a credential.

for name, headers in {
    "no header": {},
    "empty headers": {"Authorization": "", "X-Api-Key": ""},
    "the functions key alone": {"x-functions-key": "a-functions-key"},
    "what an app service's own sign-in says": {
        "X-MS-CLIENT-PRINCIPAL": base64.b64encode(b'{"auth_typ": "aad"}').decode(),
        "X-MS-CLIENT-PRINCIPAL-ID": CRM,
    },
}.items():
    fixed(MISSING, name, headers)

kind(MISSING, "in a cookie")(lambda tenant: {"Cookie": f"access_token={good(tenant)}"})
kind(MISSING, "in another header")(lambda tenant: {"X-MS-TOKEN-AAD-ACCESS-TOKEN": good(tenant)})

# The header.

for name, value in {
    "scheme alone": "Bearer",
    "not a token": "Bearer let-me-in",
    "empty parts": "Bearer ..",
    "not ASCII": b"Bearer \xe9.\xe9.\xe9",
    "basic": "Basic YTpi",
    "60 kB": f"Bearer {'a' * 60_000}",
    "60 kB of dots": f"Bearer {'.' * 60_000}",
    "60 kB of brackets": f"Bearer {base64url(b'[' * 44_000)}.e30.e30",
}.items():
    fixed(REFUSED, name, {"Authorization": value})

kind(REFUSED, "without a scheme")(lambda tenant: {"Authorization": good(tenant)})
kind(REFUSED, "another scheme")(lambda tenant: {"Authorization": f"JWT {good(tenant)}"})
kind(REFUSED, "scheme twice")(lambda tenant: {"Authorization": f"Bearer Bearer {good(tenant)}"})
kind(REFUSED, "two tokens")(
    lambda tenant: {"Authorization": f"Bearer {good(tenant)}, Bearer {good(tenant)}"}
)
kind(REFUSED, "two headers")(
    lambda tenant: [("Authorization", f"Bearer {good(tenant)}"), ("Authorization", "Basic YTpi")]
)
kind(REFUSED, "in the header for keys")(lambda tenant: {"X-Api-Key": good(tenant)})
kind(REFUSED, "quoted")(lambda tenant: {"Authorization": f'Bearer "{good(tenant)}"'})

# The form.

token_kind("two parts")(lambda tenant: ".".join(parts(tenant)[:2]))
token_kind("four parts")(lambda tenant: f"{good(tenant)}.{parts(tenant)[2]}")
token_kind("five parts, encrypted")(lambda tenant: f"{good(tenant)}.e30.e30")
token_kind("with padding")(lambda tenant: f"{good(tenant)}=")
token_kind("20 kB, rightly signed")(
    lambda tenant: signed(tenant.application_claims(groups=["g" * 15_000]))
)
for name, payload in {
    "no JSON": b"{",
    "a list": b"[]",
    "null": b"null",
    "not UTF-8": b'{"aud": "\xff"}',
    "nested": b"[" * 9_000,
}.items():
    raw(f"payload {name}", json.dumps(RS256).encode(), payload)
for name, header in {
    "no JSON": b"{",
    "a list": b"[]",
    "nested": b"[" * 9_000,
    "with a long number": b'{"alg": "RS256", "kid": ' + b"9" * 5_000 + b"}",
    "without an algorithm": b'{"typ": "JWT", "kid": "key-1"}',
    "with algorithms": b'{"alg": ["RS256"], "typ": "JWT", "kid": "key-1"}',
    "without a key id": b'{"alg": "RS256", "typ": "JWT"}',
    "with a number as key id": b'{"alg": "RS256", "typ": "JWT", "kid": 1}',
    "without a type": b'{"alg": "RS256", "kid": "key-1"}',
    "without base64": b'{"alg": "RS256", "typ": "JWT", "kid": "key-1", "b64": false, '
    b'"crit": ["b64"]}',
}.items():
    raw(f"header {name}", header)

# The signature.

token_kind("not signed")(lambda tenant: ".".join([*parts(tenant)[:2], ""]))
token_kind("signed by nobody in particular")(lambda tenant: ".".join([*parts(tenant)[:2], "AAAA"]))
token_kind("another payload")(
    lambda tenant: ".".join(
        [
            parts(tenant)[0],
            base64url(json.dumps(tenant.application_claims(azp=STRANGER)).encode()),
            parts(tenant)[2],
        ]
    )
)
token_kind("another header")(
    lambda tenant: ".".join([base64url(json.dumps({**RS256, "x": 1}).encode()), *parts(tenant)[1:]])
)
token_kind("signature cut")(lambda tenant: good(tenant)[:-4])
token_kind("signature turned about")(
    lambda tenant: ".".join([*parts(tenant)[:2], parts(tenant)[2][::-1]])
)
token_kind("signature of another token")(
    lambda tenant: ".".join([*parts(tenant)[:2], signed(tenant.user_claims()).split(".")[2]])
)
token_kind("signed with a key of nobody's, named as ours")(
    lambda tenant: signed(tenant.application_claims(), "key-of-nobody", kid="key-1")
)
token_kind("signed with a key of nobody's, which it brings along")(
    lambda tenant: signed(
        tenant.application_claims(), "key-of-nobody", kid="key-1", jwk=jwk("key-of-nobody")
    )
)
for name in ("jku", "x5u"):
    token_kind(f"signed with a key of nobody's, found by {name}")(
        lambda tenant, name=name: signed(
            tenant.application_claims(),
            "key-of-nobody",
            **{name: f"{tenant.authority}/keys-of-nobody"},
        )
    )
token_kind("the sign of a Graph token")(
    # What Entra signs of those is not what it hands out.
    lambda tenant: signed(tenant.claims(aud=GRAPH), nonce="n" * 40)[:-4] + "AAAA"
)

# The algorithm.

for name in ("none", "None", "NONE", ""):
    token_kind(f"algorithm {name or 'empty'}")(
        lambda tenant, name=name: ".".join(
            [
                base64url(json.dumps({**RS256, "alg": name}).encode()),
                parts(tenant)[1],
                parts(tenant)[2],
            ]
        )
    )
token_kind("HS256 with the public key as its secret")(
    lambda tenant: hmac_token(
        tenant,
        rsa_key("key-1")
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
    )
)
token_kind("HS256 with the modulus as its secret")(
    lambda tenant: hmac_token(tenant, jwk("key-1")["n"].encode())
)
token_kind("HS256 that says RS256")(
    lambda tenant: hmac_token(tenant, jwk("key-1")["n"].encode(), "RS256")
)
for name in ("RS384", "RS512", "PS256"):
    token_kind(name)(lambda tenant, name=name: with_algorithm(tenant, name))
token_kind("ES256")(
    lambda tenant: with_algorithm(tenant, "ES256", ec.generate_private_key(ec.SECP256R1()))
)

# The first part, rightly signed.

for number, name in enumerate(
    (
        "../../etc/passwd",
        "' or '1'='1",
        "https://evil.example/keys",
        "key-1\x00",
        "key-1\n",
        "KEY-1",
        " key-1",
        "",
        "k" * 5_000,
        "made-up",
    )
):
    headed(f"key id {number}", kid=name)
headed("unknown critical header", crit=["exp"], exp=1)
headed("empty critical header", crit=[])
headed("another type", typ="JWE")

# Times.

NOW = int(time.time())
changed("expired", exp=NOW - 90)
changed("expired long ago", iat=1_537_231_048, nbf=1_537_231_048, exp=1_537_234_948)
changed("not yet valid", nbf=NOW + 900)
changed("of the future", iat=NOW + 900)
for name in ("exp", "iat", "nbf"):
    changed(f"{name} missing", **{name: None})
    changed(f"{name} a text", **{name: str(NOW + (900 if name == "exp" else -5))})
    changed(f"{name} a fraction", **{name: NOW + (900.5 if name == "exp" else -5.5)})
    changed(f"{name} true", **{name: True})
    changed(f"{name} a list", **{name: [NOW]})
changed("never expires", exp=float("inf"))
changed("expires at no time", exp=float("nan"))

# Audience, issuer, tenant, version.

changed("aud missing", aud=None)
changed("aud empty", aud="")
changed("for Microsoft Graph", aud=GRAPH)
changed("for Microsoft Graph, by its address", aud="https://graph.microsoft.com")
changed("for the caller itself", aud=CRM)
changed("for several", aud=[API, GRAPH])
changed("for us in a list", aud=[API])
changed("for us in capitals", aud=API.upper())
changed("for us with a slash", aud=f"api://{API}/")
changed("for us as a spn", aud=f"spn:{API}")
changed("iss missing", iss=None)
changed("iss empty", iss="")
raw("iss a list", json.dumps(RS256).encode(), b'{"iss": ["https://sts.windows.net/"]}')
changed("issued by another tenant", iss=f"https://sts.windows.net/{OTHER_TENANT}/", version="1.0")
changed("issued by the public cloud", iss=f"https://login.microsoftonline.com/{TENANT}/v2.0")
changed("issued by version 1 for version 2", iss=f"https://sts.windows.net/{TENANT}/")
changed("issuer without its slash", version="1.0", iss=f"https://sts.windows.net/{TENANT}")
changed("issued without TLS", version="1.0", iss=f"http://sts.windows.net/{TENANT}/")
changed(
    "of a guest's own tenant",
    version="1.0",
    tid=OTHER_TENANT,
    iss=f"https://sts.windows.net/{OTHER_TENANT}/",
)
changed("tid of another tenant", tid=OTHER_TENANT)
changed("tid missing", tid=None)
changed("tid a list", tid=[TENANT])
changed("ver missing", ver=None)
changed("ver unknown", ver="3.0")
changed("ver a number", ver=2.0)
changed("ver of the other version", ver="1.0")

# Who calls.

for name in ("azp", "oid", "sub"):
    changed(f"{name} missing", **{name: None})
changed("azp no id", azp="crm")
changed("azp a list", azp=[CRM])
changed("the application of version 1 in version 2", azp=None, appid=CRM)
changed("oid a number", oid=7)
changed("sub a number", sub=7)
changed("roles a text", roles=CRM_ROLE)
changed("roles an object", roles={CRM_ROLE: True})
changed("an application with scopes", idtyp="app", scp="access_as_user")
token_kind("scopes in a list")(lambda tenant: signed(tenant.user_claims(scp=["access_as_user"])))
token_kind("a user without an id")(lambda tenant: signed(tenant.user_claims(oid="kim")))

# Tokens that hold, and are good for nothing.

changed("an application without a role", FORBIDDEN, roles=None)
changed("an application without any roles", FORBIDDEN, roles=[])
changed("an application with a role of another API", FORBIDDEN, roles=["Files.Read", None, 7])
changed("a role in capitals", FORBIDDEN, roles=[CRM_ROLE.upper()])
changed("a seller's role for an application", FORBIDDEN, roles=[SELLER_ROLE])
changed("an application that is not allowed", FORBIDDEN, azp=STRANGER)
changed("idtyp of a user without scopes", FORBIDDEN, idtyp="user")
changed("idtyp of a device", FORBIDDEN, idtyp="device")
for name, changes in {
    "a user without a scope": {"scp": None},
    "a user with another scope": {"scp": "User.Read offline_access"},
    "a user with a part of the scope": {"scp": "access_as_user.all"},
    "a user with no scopes": {"scp": ""},
    "a user without a role": {"roles": None},
    "a CRM's role for a user": {"roles": [CRM_ROLE]},
    "an ID token": {"scp": None, "nonce": "678910", "aud": API},
    "a user by an application that is not allowed": {"azp": STRANGER},
}.items():
    token_kind(name, FORBIDDEN)(
        lambda tenant, changes=changes: signed(tenant.user_claims(**changes))
    )
