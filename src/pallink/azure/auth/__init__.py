"""Sign-in through azure-identity: from the chosen sign-in to the signed-in account and its token.

authenticate  signs in, and makes sure that the required account did
target        where a run signs in: the cloud and the tenant's ID, each looked up once
login         stores a sign-in for later commands, and removes stored ones
credentials   creates the credential for the chosen sign-in; the account and its token
context       what a credential is created with
application   credentials of applications: secret, certificate, federated token
browser       the credential of a user who signs in with the browser
user          credentials of users: device code, stored sign-in
ambient       credentials of existing sessions: the Azure CLI's, a managed identity
certificate   reads the certificate of a certificate credential
sign_ins      the sign-ins of one run, whose token caches its sessions share
stored        a sign-in that was made before -> its credential
token_cache   the tokens of stored sign-ins, in a keyring or a file
errors        turns exceptions of a sign-in into errors of pallink
"""
