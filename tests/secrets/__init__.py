# ruff: noqa: A005 - it is tests.secrets: nobody imports it by its last name alone
