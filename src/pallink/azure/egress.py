"""Which requests to Resource Manager each command is for: the rules of its `EgressPolicy`.

Paths as in the public swagger of Microsoft.ManagementPartner, Microsoft.Authorization and Microsoft.Resources.
"""

from collections.abc import Mapping

from pallink.http.policy import Rule

_GUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
# Percent-encoded; it never ends with a period.
_RESOURCE_GROUP = r"[-\w.()%]*[-\w()%]"
_PARTNERS = r"/providers/Microsoft\.ManagementPartner/partners"
_AUTHORIZATION = r"/providers/Microsoft\.Authorization"

# A management group's name is like that of a resource group.
_SCOPE = (
    rf"(/subscriptions/{_GUID}(/resourceGroups/{_RESOURCE_GROUP})?"
    rf"|/providers/Microsoft\.Management/managementGroups/{_RESOURCE_GROUP})"
)

METADATA = (Rule.of("GET", "/metadata/endpoints"),)

_TENANT = (Rule.of("GET", "/tenants"),)
_LINK = (Rule.of("GET", f"{_PARTNERS}/?"), *_TENANT)
_ROLES = (
    Rule.of("GET", "/subscriptions"),
    Rule.of("GET", f"/subscriptions/{_GUID}/resourceGroups"),
    Rule.of("GET", f"/subscriptions/{_GUID}(/resourceGroups/{_RESOURCE_GROUP})?{_AUTHORIZATION}/roleAssignments"),
    Rule.of("GET", f"(/.+)?/?{_AUTHORIZATION}/roleDefinitions/{_GUID}"),
    # The SDK forms a scope at the tenant's root with two slashes.
    Rule.of("GET", f"/?{_AUTHORIZATION}/roleEligibilityScheduleInstances"),
)
_GRANTS = (
    *_TENANT,
    Rule.of("GET", "/subscriptions"),
    Rule.of("GET", f"{_SCOPE}{_AUTHORIZATION}/roleAssignments(/{_GUID})?"),
    Rule.of("GET", f"{_SCOPE}{_AUTHORIZATION}/roleDefinitions(/{_GUID})?"),
)


def _write(methods: str) -> tuple[Rule, ...]:
    return (Rule.of(methods, f"{_PARTNERS}/[0-9]{{5,10}}"),)


def _write_assignment(methods: str) -> tuple[Rule, ...]:
    return (Rule.of(methods, f"{_SCOPE}{_AUTHORIZATION}/roleAssignments/{_GUID}"),)


_READS: Mapping[str, tuple[Rule, ...]] = {
    "whoami": _TENANT,
    "tenants": _TENANT,
    "show": _LINK,
    "unlink": _LINK,
    "link": _LINK + _ROLES,
    "update": _LINK + _ROLES,
    "verify": _LINK + _ROLES,
    "check": _LINK + _ROLES,
    "role assign": _GRANTS,
    "role remove": _GRANTS,
    "role show": _GRANTS,
    "role": _GRANTS,
}
_WRITES: Mapping[str, tuple[Rule, ...]] = {
    "link": _write("PUT PATCH"),
    "update": _write("PATCH"),
    "unlink": _write("DELETE"),
    "role assign": _write_assignment("PUT"),
    "role remove": _write_assignment("DELETE"),
    # For the Python API.
    "role": _write_assignment("PUT DELETE"),
}


def rules_for(command: str | None, *, writable: bool) -> tuple[Rule, ...]:
    """Return what a command may send with a token; None stands for all of them, as the Python API needs.

    Args:
        command: Its name, as in `link`.
        writable: Whether it may write at all; a dry run may not.
    """
    if command is None:
        return _LINK + _ROLES + (_write("PUT PATCH DELETE") if writable else ())
    return _READS[command] + (_WRITES.get(command, ()) if writable else ())
