"""Sign-in through azure-identity: from the chosen sign-in to the signed-in account and its token.

authenticate  finds the cloud, signs in, and makes sure that the required account did
login         stores a sign-in for later commands, and removes stored ones
credentials   creates the credential for the chosen sign-in; the account and its token
context       what a credential is created with
application   credentials of applications: secret, certificate, federated token
user          credentials of users: browser, device code, stored sign-in
ambient       credentials of existing sessions: the Azure CLI's, a managed identity
certificate   reads the file of a certificate credential
token_cache   azure-identity's token caches of the stored sign-ins
errors        turns exceptions of a sign-in into errors of pallink
"""
