"""The sandbox's state: the emulated directory and resources, in one SQLite file.

store       the SQLite file, and what one transaction reads and writes
world       tenants, accounts, scopes, roles and partners, as frozen dataclasses
world_file  loads the world from `world.toml`, or from the SQLite file
access      role-based access control: which assignments apply where, and what they allow
changes     role assignments and subscriptions, added to the world
settings    open points of the service, and errors to provoke
files       certificates, keys and tokens beside the SQLite file
errors      the error of an unusable file
"""
