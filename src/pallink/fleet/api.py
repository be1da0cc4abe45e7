"""The Python API of fleets: load a file, plan, apply, verify."""

from collections.abc import Iterator
from dataclasses import replace as changed
from pathlib import Path

from pallink.errors import UsageError
from pallink.fleet.executor import DEFAULT_CONCURRENCY
from pallink.fleet.expansion import with_all_tenants
from pallink.fleet.file import FleetFile, read_fleet
from pallink.fleet.fleet_run import FleetRun, RunOptions, begin_apply, new_plan, resume_apply
from pallink.fleet.plan_file import Plan
from pallink.fleet.result import EntryResult
from pallink.fleet.work import Mode
from pallink.settings import DEFAULT_CLOUD, DEFAULT_TIMEOUT
from pallink.words import counted


def load(path: str | Path) -> FleetFile:
    """Return the entries of a fleet file.

    Args:
        path: A file that ends with .yaml, .yml or .csv.

    Raises:
        UsageError: It cannot be read, or has problems, which `cause` lists.
    """
    fleet = read_fleet(Path(path))
    if fleet.problems:
        raise UsageError(
            f"the fleet file {path} has {counted(len(fleet.problems), 'problem')}",
            cause="; ".join(f"line {problem.line}: {problem.message}" for problem in fleet.problems),
            remedy="correct the file",
        )
    return fleet


def plan(
    fleet: FleetFile,
    *,
    cloud: str = DEFAULT_CLOUD,
    replace: bool = False,
    concurrency: int = DEFAULT_CONCURRENCY,
    timeout: float = DEFAULT_TIMEOUT,
    vault_auth: str | None = None,
) -> Plan:
    """Sign each account in, read its link, and return what `apply` would do. Writes nothing.

    Args:
        fleet: What `load` returned.
        cloud: As for `pallink.connect`.
        replace: Whether another partner's link would be changed.
        concurrency: How many accounts are worked on at a time, 1 to 64.
        timeout: Seconds for each account.
        vault_auth: How to sign in to Key Vault, as `--auth` takes it; None: as the environment states.

    Raises:
        UsageError: An argument is invalid.
        PallinkError: The cloud cannot be used. What is wrong with an account is in its result.
    """
    options = RunOptions(cloud=cloud, timeout=timeout, concurrency=concurrency, replace=replace, vault_auth=vault_auth)
    with FleetRun(
        new_plan(with_all_tenants(fleet.entries, options), options, source=fleet.path), Mode.PLAN, options
    ) as run:
        results = {result.entry.key: result for result in run.results()}
        ordered = tuple(results[entry.key] for entry in run.plan.entries)
        return changed(run.planned(ordered), results=ordered)


def apply(
    fleet: FleetFile | Plan,
    *,
    cloud: str = DEFAULT_CLOUD,
    replace: bool = False,
    concurrency: int = DEFAULT_CONCURRENCY,
    timeout: float = DEFAULT_TIMEOUT,
    vault_auth: str | None = None,
    run_dir: Path | None = None,
) -> Iterator[EntryResult]:
    """Link, change or unlink each account as the file says, and yield its result as it is done.

    Close the iterator to end the run: writes under way are then settled, and no further account is begun. Nothing is
    confirmed, and no sign-in prompts.

    Args:
        fleet: What `load` or `plan` returned. With a plan, no link is changed that is no longer what the plan saw.
        cloud: As for `plan`.
        replace: As for `plan`; a plan has its own.
        concurrency: As for `plan`.
        timeout: As for `plan`.
        vault_auth: As for `plan`.
        run_dir: The folder of the journal; by default a new one in the user's state folder.

    Raises:
        UsageError: An argument is invalid, or the plan is for another cloud.
        PallinkError: The cloud cannot be used, or the journal cannot be written.
    """
    options = RunOptions(cloud=cloud, timeout=timeout, concurrency=concurrency, replace=replace, vault_auth=vault_auth)
    if isinstance(fleet, Plan):
        fleet.check_cloud(options.cloud)
        options = changed(options, replace=fleet.replace)
    wanted = (
        fleet
        if isinstance(fleet, Plan)
        else new_plan(with_all_tenants(fleet.entries, options), options, source=fleet.path)
    )
    return _results(begin_apply(wanted, options, run_dir=run_dir))


def resume(
    run: str,
    *,
    cloud: str = DEFAULT_CLOUD,
    concurrency: int = DEFAULT_CONCURRENCY,
    timeout: float = DEFAULT_TIMEOUT,
    vault_auth: str | None = None,
) -> Iterator[EntryResult]:
    """Go on with an apply that ended early, and yield the result of each account that was not done.

    Args:
        run: The run's ID, `last`, or the folder of its journal.
        cloud: That of the run.
        concurrency: As for `plan`.
        timeout: As for `plan`.
        vault_auth: As for `plan`.

    Raises:
        UsageError: There is no such run, another process works on it, or it is for another cloud.
    """
    return _results(
        resume_apply(run, RunOptions(cloud=cloud, timeout=timeout, concurrency=concurrency, vault_auth=vault_auth))
    )


def verify(
    fleet: FleetFile,
    *,
    cloud: str = DEFAULT_CLOUD,
    concurrency: int = DEFAULT_CONCURRENCY,
    timeout: float = DEFAULT_TIMEOUT,
    vault_auth: str | None = None,
) -> Iterator[EntryResult]:
    """Compare each account's link with the file, and yield its result as it is done. Arguments as for `plan`.

    Raises:
        UsageError: An argument is invalid.
        PallinkError: The cloud cannot be used.
    """
    options = RunOptions(cloud=cloud, timeout=timeout, concurrency=concurrency, vault_auth=vault_auth)
    return _results(
        FleetRun(new_plan(with_all_tenants(fleet.entries, options), options, source=fleet.path), Mode.VERIFY, options)
    )


def _results(run: FleetRun) -> Iterator[EntryResult]:
    with run:
        results = run.results()
        try:
            for result in results:  # noqa: UP028 - closing this iterator must not close that one
                yield result
        finally:
            run.stop()
            # What has begun to write is settled, and recorded.
            for _ in results:
                pass
