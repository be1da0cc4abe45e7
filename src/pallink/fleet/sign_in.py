"""How an entry signs in that states its credential in the fleet file."""

from pallink.fleet.entry import Entry
from pallink.fleet.secrets import SecretResolver
from pallink.signin import variables
from pallink.signin.methods import SignIn, SignInMethod

_REASON = "the fleet file names it"


def sign_in_of(entry: Entry, secrets: SecretResolver) -> SignIn | None:
    """Return how to sign in with the client secret or certificate of an entry; None if it states neither.

    Raises:
        PallinkError: The secret cannot be read.
    """
    if entry.auth is SignInMethod.CLIENT_SECRET and entry.secret is not None:
        inputs = {variables.CLIENT_SECRET: secrets.text(entry.secret)}
        return SignIn(entry.auth, _REASON, tenant=entry.tenant, client_id=entry.client_id, inputs=inputs)
    if entry.auth is SignInMethod.CERTIFICATE and entry.certificate is not None:
        inputs = {variables.CERTIFICATE_PATH: str(entry.certificate)}
        if entry.certificate_password is not None:
            inputs[variables.CERTIFICATE_PASSWORD] = secrets.text(entry.certificate_password)
        return SignIn(
            entry.auth,
            _REASON,
            tenant=entry.tenant,
            client_id=entry.client_id,
            inputs=inputs,
            certificate=secrets.certificate(entry.certificate),
        )
    return None
