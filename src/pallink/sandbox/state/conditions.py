"""Conditions of role assignments, as far as they restrict which roles may be assigned and removed. Pure.

Only the clauses that the portal writes to delegate the management of role assignments are known: the role, the type of
principal or the principal is one of a list. Any other condition, such as one on data, does not restrict them. Source:
Microsoft's documentation ("Examples to delegate Azure role assignment management with conditions").
"""

import re
from collections.abc import Mapping

_CLAUSE = re.compile(
    r"@(?P<source>Request|Resource)\[Microsoft\.Authorization/roleAssignments:(?P<attribute>\w+)\]\s*"
    r"ForAnyOfAnyValues:(?:Guid|String)Equals(?:IgnoreCase)?\s*\{(?P<values>[^}]*)\}",
    re.IGNORECASE,
)
# A new role assignment is in the request, one that is removed is a resource.
_SOURCES = {
    "microsoft.authorization/roleassignments/write": "request",
    "microsoft.authorization/roleassignments/delete": "resource",
}


def condition_allows(condition: str, action: str, assignment: Mapping[str, str]) -> bool:
    """Return whether a condition allows an action on a role assignment.

    Args:
        condition: The condition of the role through which the caller acts.
        action: The action.
        assignment: `RoleDefinitionId`, `PrincipalType` and `PrincipalId` of the role assignment that it is about.
    """
    source = _SOURCES.get(action.lower())
    attributes = {name.lower(): value.lower() for name, value in assignment.items()}
    clauses = [clause for clause in _CLAUSE.finditer(condition) if clause["source"].lower() == source]
    return all(attributes.get(clause["attribute"].lower()) in _values(clause["values"]) for clause in clauses)


def _values(text: str) -> set[str]:
    return {value.strip().strip("'\"").lower() for value in text.split(",")}
