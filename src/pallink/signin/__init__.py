"""How to sign in: the methods, what each needs, and the choice among them. Pure.

methods    every method, and the variables that it takes its inputs from
secrets    the secrets that an environment holds
stored     a sign-in that `pallink login` kept, and which of several is meant
choice     settings, environment, stored sign-ins, terminal -> one sign-in, and why that one
"""

from pallink.signin.choice import Ambiguous, Environment, has_browser, resolve_sign_in, several_stored, sign_in_by
from pallink.signin.methods import METHODS, OFFERED_METHODS, MethodFacts, SignIn, SignInMethod
from pallink.signin.stored import StoredSignIn, matching

__all__ = [
    "METHODS",
    "OFFERED_METHODS",
    "Ambiguous",
    "Environment",
    "MethodFacts",
    "SignIn",
    "SignInMethod",
    "StoredSignIn",
    "has_browser",
    "matching",
    "resolve_sign_in",
    "several_stored",
    "sign_in_by",
]
