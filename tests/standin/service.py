"""An Entra ID and a Resource Manager of a few tenants. It imports nothing of pallink.

Sources of the shapes: learn.microsoft.com/rest/api/resources (tenants and subscriptions, 2022-12-01),
learn.microsoft.com/rest/api/authorization (role assignments, 2022-04-01),
learn.microsoft.com/entra/identity-platform (v2-oauth2-device-code, v2-oauth2-auth-code-flow, v2-protocols-oidc,
access-token-claims-reference), and for Microsoft.ManagementPartner what Microsoft's own test suites recorded.
"""

import json
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from secrets import token_hex, token_urlsafe
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import NAMESPACE_URL, uuid5

from tests.standin.refusals import AZURE_CLI, Refusal

PERSON = "anna@partner.example"
HOME = "1f0a9a54-2d5e-4f6b-9d0a-7a3c5b1e8f20"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
PAGE = 5

_ROLES = "providers/Microsoft.Authorization"
_Json = dict[str, Any]


@dataclass
class Tenant:
    """A tenant in the list of the person.

    Attributes:
        name: The display name.
        domain: The default domain.
        id: The tenant's ID.
        category: Why it is in the list.
        refusal: What refuses the person's refresh tokens here; None: nothing.
        issues_for: The ID of the tenant whose tokens are issued here, as by a fault; None: its own.
        partner_id: The partner that the person is linked to here; None without a link.
        version: The number of writes of the link.
    """

    name: str
    domain: str
    id: str = ""
    category: str = "Home"
    refusal: Refusal | None = None
    issues_for: str | None = None
    partner_id: str | None = None
    version: int = 0

    def __post_init__(self) -> None:
        self.id = self.id or _guid(self.domain)

    @property
    def subscription_id(self) -> str:
        return _guid(f"{self.domain}/subscription")

    @property
    def object_id(self) -> str:
        """The person's object ID in this tenant."""
        return _guid(f"{self.domain}/{PERSON}")


@dataclass
class Service:
    """The state of the services, and what they were asked.

    Attributes:
        tenants: The tenants of the person, the home tenant first.
        origin: The URL of both services.
        requests: Method and path of each request.
        prompts: The tenants of the device codes that were issued, in order.
        challenges: The `claims` of each redemption of a device code; None for those without.
    """

    tenants: list[Tenant]
    origin: str = ""
    requests: list[tuple[str, str]] = field(default_factory=list)
    prompts: list[str] = field(default_factory=list)
    challenges: list[str | None] = field(default_factory=list)
    _refresh_tokens: dict[str, frozenset[str]] = field(default_factory=dict)  # And where the person signed in.
    _access_tokens: dict[str, Tenant] = field(default_factory=dict)

    def tenant(self, name: str) -> Tenant:
        """Return the tenant with an ID or a domain; for `organizations` and `common` the person's own."""
        if name in ("organizations", "common"):
            return self.tenants[0]
        return next(tenant for tenant in self.tenants if name in (tenant.id, tenant.domain))

    def writes(self) -> list[str]:
        """Return the methods of the requests that change a link."""
        return [method for method, path in self.requests if "ManagementPartner" in path and method != "GET"]

    def respond(self, method: str, url: str, authorization: str, form: dict[str, str]) -> tuple[int, _Json]:
        """Return the status and the body of the response."""
        path, query = urlsplit(url).path, dict(parse_qsl(urlsplit(url).query))
        self.requests.append((method, path))
        match method, path.strip("/").split("/"):
            case "GET", ["metadata", "endpoints"]:
                return 200, self._metadata()
            case "GET", [name, "v2.0", ".well-known", "openid-configuration"]:
                return 200, self._openid_configuration(name)
            case "POST", [name, "oauth2", "v2.0", "devicecode"]:
                return 200, self._device_code(name)
            case "POST", [name, "oauth2", "v2.0", "token"]:
                return self._token(self.tenant(name), form)
        return self._manage(method, path, query, self._access_tokens.get(authorization.removeprefix("Bearer ")))

    def _manage(self, method: str, path: str, query: dict[str, str], tenant: Tenant | None) -> tuple[int, _Json]:
        """Return the response of Resource Manager to the person in a tenant; None: without a valid token."""
        status = 404
        body: _Json = {"error": {"code": "InvalidResourceNamespace", "message": f"'{path}' is invalid."}}
        match method, path.strip("/").split("/"):
            case _ if tenant is None:
                status, body = 401, _NOT_AUTHENTICATED
            case "GET", ["tenants"]:
                status, body = 200, self._tenant_page(int(query.get("$skiptoken", "0")))
            case "GET", ["subscriptions"]:
                status, body = 200, {"value": [_subscription(tenant)], "count": {"type": "Total", "value": 1}}
            case "GET", ["subscriptions", _, "providers", "Microsoft.Authorization", "roleAssignments"]:
                status, body = 200, {"value": [_reader(tenant)]}
            case "GET", ["providers", "Microsoft.ManagementPartner", "partners"]:
                status, body = (200, _link(tenant)) if tenant.partner_id else (404, _NOT_LINKED)
            case "PUT", ["providers", "Microsoft.ManagementPartner", "partners", partner_id]:
                tenant.partner_id, tenant.version = partner_id, tenant.version + 1
                status, body = 200, _link(tenant)
        return status, body

    def _metadata(self) -> _Json:
        return {
            "portal": self.origin,
            "authentication": {
                "loginEndpoint": f"{self.origin}/",
                "audiences": [self.origin, f"{self.origin}/"],
                "tenant": "common",
                "identityProvider": "AAD",
            },
            "media": self.origin,
            "graphAudience": self.origin,
            "name": "StandIn",
            "suffixes": {"storage": "core.standin.example", "keyVaultDns": "vault.standin.example"},
            "resourceManager": f"{self.origin}/",
        }

    def _openid_configuration(self, name: str) -> _Json:
        issuer = "{tenantid}" if name in ("organizations", "common") else self.tenant(name).id
        base = f"{self.origin}/{name}"
        return {
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "token_endpoint_auth_methods_supported": [
                "client_secret_post",
                "private_key_jwt",
                "client_secret_basic",
                "self_signed_tls_client_auth",
            ],
            "jwks_uri": f"{base}/discovery/v2.0/keys",
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "issuer": f"{self.origin}/{issuer}/v2.0",
            "request_uri_parameter_supported": False,
            "userinfo_endpoint": f"{self.origin}/oidc/userinfo",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
            "http_logout_supported": True,
            "frontchannel_logout_supported": True,
            "end_session_endpoint": f"{base}/oauth2/v2.0/logout",
            "claims_supported": ["sub", "iss", "aud", "exp", "iat", "nonce", "name", "tid", "ver"],
            "kerberos_endpoint": f"{base}/kerberos",
            "tenant_region_scope": "EU",
            "cloud_instance_name": "standin.example",
        }

    def _device_code(self, name: str) -> _Json:
        code, page = token_hex(4).upper(), f"{self.origin}/device"
        self.prompts.append(self.tenant(name).domain)
        return {
            "user_code": code,
            "device_code": token_urlsafe(96),
            "verification_uri": page,
            "expires_in": 900,
            "interval": 5,
            "message": f"To sign in, use a web browser to open the page {page} and enter the code {code} to "
            "authenticate.",
        }

    def _token(self, tenant: Tenant, form: dict[str, str]) -> tuple[int, _Json]:
        """Redeem a device code, which the person has approved by now, or a refresh token."""
        if form["grant_type"] == "refresh_token":
            signed_in_to = self._refresh_tokens[form["refresh_token"]]
            is_refused = tenant.refusal is not None and tenant.id not in signed_in_to
        else:
            self.challenges.append(form.get("claims"))
            signed_in_to = frozenset({tenant.id})
            is_refused = tenant.refusal is not None and not tenant.refusal.is_met_in_person
        if is_refused and tenant.refusal is not None:
            return 400, tenant.refusal.body(self.origin)
        issuer = self.tenant(tenant.issues_for or tenant.id)
        access_token, refresh_token = self._jwt(self._access_claims(issuer)), f"1.{token_urlsafe(600)}"
        # The one that was redeemed stays valid.
        self._refresh_tokens[refresh_token] = signed_in_to
        self._access_tokens[access_token] = issuer
        home = self.tenants[0]
        return 200, {
            "token_type": "Bearer",
            "scope": f"{self.origin}/user_impersonation {self.origin}/.default",
            "expires_in": 4871,
            "ext_expires_in": 4871,
            "access_token": access_token,
            "refresh_token": refresh_token,
            "id_token": self._jwt(self._id_claims(issuer)),
            "client_info": _encode({"uid": home.object_id, "utid": home.id}),
        }

    def _access_claims(self, tenant: Tenant) -> _Json:
        now, home = int(time.time()), self.tenants[0]
        claims = {
            "aud": self.origin,
            "iss": f"https://sts.standin.example/{tenant.id}/",
            "iat": now - 300,
            "nbf": now - 300,
            "exp": now + 4571,
            "acr": "1",
            "aio": token_urlsafe(40),
            "amr": ["pwd"],
            "appid": AZURE_CLI,
            "appidacr": "0",
            "family_name": "Berg",
            "given_name": "Anna",
            "idtyp": "user",
            "ipaddr": "203.0.113.20",
            "name": "Anna Berg",
            "oid": tenant.object_id,
            "puid": "1003200412345678",
            "scp": "user_impersonation",
            "sub": token_urlsafe(32),
            "tid": tenant.id,
            "unique_name": PERSON,
            "uti": token_urlsafe(16),
            "ver": "1.0",
        }
        if tenant is home:
            return {**claims, "upn": PERSON}
        return {**claims, "idp": f"https://sts.standin.example/{home.id}/", "email": PERSON}

    def _id_claims(self, tenant: Tenant) -> _Json:
        now = int(time.time())
        return {
            "aud": AZURE_CLI,
            "iss": f"{self.origin}/{tenant.id}/v2.0",
            "iat": now - 300,
            "nbf": now - 300,
            "exp": now + 3600,
            "name": "Anna Berg",
            "oid": tenant.object_id,
            "preferred_username": PERSON,
            "sub": token_urlsafe(32),
            "tid": tenant.id,
            "uti": token_urlsafe(16),
            "ver": "2.0",
        }

    def _jwt(self, claims: _Json) -> str:
        """Return a token with a signature of RS256's length, which no client can check."""
        return f"{_encode({'typ': 'JWT', 'alg': 'RS256', 'kid': 'standin'})}.{_encode(claims)}.{token_urlsafe(256)}"

    def _tenant_page(self, start: int) -> _Json:
        page: _Json = {"value": [_listed(tenant) for tenant in self.tenants[start : start + PAGE]]}
        if start + PAGE < len(self.tenants):
            page["nextLink"] = f"{self.origin}/tenants?api-version=2022-12-01&%24skiptoken={start + PAGE}"
        return page


_MESSAGE = "This user or service principal is not linked with a Partner ID"
_ERROR = {"code": "ManagementPartnerNotFound", "message": _MESSAGE}
_NOT_LINKED = {"error": _ERROR, **_ERROR}
_NOT_AUTHENTICATED = {
    "error": {
        "code": "AuthenticationFailed",
        "message": "Authentication failed. The 'Authorization' header is missing.",
    }
}


def _listed(tenant: Tenant) -> _Json:
    entry = {
        "id": f"/tenants/{tenant.id}",
        "tenantId": tenant.id,
        "countryCode": "DE",
        "displayName": tenant.name,
        "domains": [tenant.domain, f"mail.{tenant.domain}"],
        "tenantCategory": tenant.category,
        "defaultDomain": tenant.domain,
    }
    return {**entry, "tenantType": "AAD"} if tenant.category == "Home" else entry


def _subscription(tenant: Tenant) -> _Json:
    return {
        "id": f"/subscriptions/{tenant.subscription_id}",
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": tenant.subscription_id,
        "tenantId": tenant.id,
        "displayName": f"{tenant.name} Production",
        "state": "Enabled",
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": "EnterpriseAgreement_2014-09-01",
            "spendingLimit": "Off",
        },
    }


def _reader(tenant: Tenant) -> _Json:
    scope, name = f"/subscriptions/{tenant.subscription_id}", _guid(f"{tenant.domain}/reader")
    return {
        "properties": {
            "roleDefinitionId": f"{scope}/{_ROLES}/roleDefinitions/{READER}",
            "principalId": tenant.object_id,
            "principalType": "User",
            "scope": scope,
            "condition": None,
            "conditionVersion": None,
            "createdOn": "2025-11-03T09:12:55.4118213Z",
            "updatedOn": "2025-11-03T09:12:55.4118213Z",
            "createdBy": _guid("administrator"),
            "updatedBy": _guid("administrator"),
            "delegatedManagedIdentityResourceId": None,
            "description": None,
        },
        "id": f"{scope}/{_ROLES}/roleAssignments/{name}",
        "type": "Microsoft.Authorization/roleAssignments",
        "name": name,
    }


def _link(tenant: Tenant) -> _Json:
    return {
        "id": f"/providers/microsoft.managementpartner/partners/{tenant.partner_id}",
        "type": "Microsoft.ManagementPartner/partners",
        "name": tenant.partner_id,
        "etag": tenant.version,
        "properties": {
            "partnerId": tenant.partner_id,
            "partnerName": "Northwind Consulting",
            "tenantId": tenant.id,
            "objectId": tenant.object_id,
            "version": tenant.version,
            "updatedTime": "2026-02-03T08:15:42.350161Z",
            "createdTime": "2026-02-03T08:15:42.3501612Z",
            "state": "Active",
        },
    }


def _guid(name: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"https://standin.example/{name}"))


def _encode(document: _Json) -> str:
    return urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()
