"""How to sign in: the methods, what each needs, the choice among them, and the stored sign-ins.

variables     the environment variables of the methods
methods       the table of methods; a sign-in that is complete
stored        a sign-in that `pallink login` stored
foreign_variables  variables of other programs, such as Terraform's
from_variables  sign-ins that the environment's variables describe
choice        chooses the sign-in from settings, environment, stored sign-ins and terminal
store         reads and writes the stored sign-ins
prompter      what a sign-in shows and asks
entra_codes   Entra ID's error codes, explained
entra_errors  errors for the token requests that Entra ID refused
claims        claims challenges, explained
again         the command that signs in again
tenants       whether a sign-in gets tokens for all tenants of its account
"""

from pallink.signin.choice import (
    Ambiguous,
    Environment,
    ambiguous_sign_in,
    has_browser,
    resolve_sign_in,
    sign_in_from_stored,
)
from pallink.signin.methods import METHODS, OFFERED_METHODS, MethodInfo, SignIn, SignInMethod
from pallink.signin.stored import (
    StoredSignIn,
    filter_stored,
    for_other_tenants,
    one_of_each_user,
    tenant_id_by_name,
)

__all__ = [
    "METHODS",
    "OFFERED_METHODS",
    "Ambiguous",
    "Environment",
    "MethodInfo",
    "SignIn",
    "SignInMethod",
    "StoredSignIn",
    "ambiguous_sign_in",
    "filter_stored",
    "for_other_tenants",
    "has_browser",
    "one_of_each_user",
    "resolve_sign_in",
    "sign_in_from_stored",
    "tenant_id_by_name",
]
