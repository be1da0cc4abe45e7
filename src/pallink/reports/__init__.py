"""What `verify` tells a CI system: findings in, texts out.

finding          what one account's check came to
junit            JUnit XML, which every CI system reads
markdown         the summary of a job, for people
annotations      the lines that GitHub Actions and Azure Pipelines turn into annotations
publish          the one module that writes anything

All but `publish` are pure functions of a list of findings.
"""

from pallink.reports.finding import Finding, State, finding_of, finding_of_error
from pallink.reports.publish import publish

__all__ = ["Finding", "State", "finding_of", "finding_of_error", "publish"]
