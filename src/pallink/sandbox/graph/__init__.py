"""An emulator of Microsoft Graph.

principals  users, groups and service principals
"""
