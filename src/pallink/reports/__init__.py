"""The reports of `verify`, of writes and of fleets for CI systems: findings in, text out. Pure, but for `publish`.

finding          the outcome of checking one account
junit            JUnit XML, which every CI system reads
markdown         the job summary, for people
annotations      the output lines that GitHub Actions and Azure Pipelines turn into annotations
publish          writes the reports
"""

from pallink.reports.finding import Finding, State, finding_from_entry, finding_from_error, finding_from_result
from pallink.reports.publish import publish, write_report

__all__ = [
    "Finding",
    "State",
    "finding_from_entry",
    "finding_from_error",
    "finding_from_result",
    "publish",
    "write_report",
]
