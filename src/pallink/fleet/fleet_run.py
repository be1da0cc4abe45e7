"""A fleet's plan, apply or verify: a run with its connections, its secrets and, for an apply, its journal."""

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from pallink.azure.auth.sign_ins import RunSignIns
from pallink.deadline import Deadline
from pallink.errors import NotRunError, PallinkError, UsageError
from pallink.fleet.entry import Entry
from pallink.fleet.executor import DEFAULT_CONCURRENCY, INTERRUPTED, MAX_CONCURRENCY, Executor
from pallink.fleet.journal import START_NEW_RUN, Journal
from pallink.fleet.plan_file import InvalidPlanError, Plan, intent_as_dict, parse_plan, seen_by_key
from pallink.fleet.records import entry_name, recorded_work
from pallink.fleet.result import DONE, EntryResult, Outcome, stated_fields
from pallink.fleet.run_folder import JOURNAL
from pallink.fleet.secrets import SecretResolver
from pallink.fleet.sign_in import sign_in_of
from pallink.fleet.work import Key, KnownAccounts, Mode, NoPrompts, Work
from pallink.links.history import InterruptedWrite
from pallink.links.model import Link, Step
from pallink.settings import DEFAULT_CLOUD, DEFAULT_TIMEOUT, Settings
from pallink.signin.methods import OFFERED_METHODS
from pallink.signin.prompter import Prompter

log = logging.getLogger("pallink")

# A session sends three requests at once, and pages of roles.
_CONNECTIONS_PER_ENTRY = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How a fleet is run.

    Attributes:
        cloud: As for `pallink.connect`.
        timeout: Seconds for each account, retries and waits included.
        concurrency: How many accounts are worked on at a time, 1 to 64.
        replace: Whether another partner's link is changed.
        vault_auth: How to sign in to Key Vault, as `--auth` takes it; None: as the environment states.
        sign_ins: The sign-ins that the sessions share, also those before the run and of its plan.

    Raises:
        UsageError: An option is invalid.
    """

    cloud: str = DEFAULT_CLOUD
    timeout: float = DEFAULT_TIMEOUT
    concurrency: int = DEFAULT_CONCURRENCY
    replace: bool = False
    vault_auth: str | None = None
    sign_ins: RunSignIns = field(default_factory=RunSignIns, repr=False, compare=False)

    def __post_init__(self) -> None:
        settings = Settings(self.cloud, timeout=self.timeout)
        if self.vault_auth is not None and self.vault_auth not in OFFERED_METHODS:
            raise UsageError(
                f"unknown sign-in method {self.vault_auth!r}",
                remedy=f"use --vault-auth with one of {', '.join(OFFERED_METHODS)}",
            )
        object.__setattr__(self, "cloud", settings.cloud)
        if not 1 <= self.concurrency <= MAX_CONCURRENCY:
            raise UsageError(
                f"--concurrency must be 1 to {MAX_CONCURRENCY}",
                cause=f"it is {self.concurrency}",
                remedy="correct --concurrency or PALLINK_CONCURRENCY",
            )


@dataclass
class FleetRun:
    """One run over the entries of a fleet. A context manager, which `results` needs.

    Attributes:
        plan: The entries, and what a plan saw of them.
        mode: What is done for each entry.
        options: How.
        prompter: Who is asked for the sign-ins that `results_with_prompts` makes.
        journal: Where an apply is recorded.
        finished: The results of entries that are not worked on again.
    """

    plan: Plan
    mode: Mode
    options: RunOptions
    prompter: Prompter = field(default_factory=NoPrompts)
    journal: Journal | None = None
    finished: tuple[EntryResult, ...] = ()
    _interrupted: Mapping[Key, InterruptedWrite] = field(default_factory=dict)
    _resources: ExitStack = field(default_factory=ExitStack)
    _executor: Executor | None = None
    _work: Work | None = None
    _is_stopped: bool = False
    _intended: set[Key] = field(default_factory=set)

    def __enter__(self) -> Self:
        try:
            self._work = self._open()
        except BaseException:
            self._resources.close()
            raise
        return self

    def _open(self) -> Work:
        """Take hold of the journal and of the connections, and return what does the job for an entry."""
        # azure-identity and the SDK cost some 200 ms to import: they are loaded with the first sign-in.
        from pallink.azure.connection import CloudConnection  # noqa: PLC0415
        from pallink.azure.vault import VaultReader  # noqa: PLC0415

        options = self.options
        if self.journal is not None:
            self._resources.enter_context(self.journal)
        connections = options.concurrency * _CONNECTIONS_PER_ENTRY
        connection = self._resources.enter_context(
            CloudConnection(options.cloud, connections=connections, sign_ins=options.sign_ins)
        )
        # Once, and not by the first accounts all at a time. What is wrong with the cloud is so for all of them.
        with Deadline(options.timeout).active():
            log.info("the accounts are in %s", connection.cloud.name)
        vault = VaultReader(connection, Settings(options.cloud, timeout=options.timeout), vault_auth=options.vault_auth)
        secrets = SecretResolver(Path(self.plan.folder), os.environ, vault.read)
        return Work(
            mode=self.mode,
            connection=connection,
            cloud=options.cloud,
            timeout=options.timeout,
            replace=options.replace,
            sign_in=lambda entry: sign_in_of(entry, secrets),
            seen=self.plan.seen,
            interrupted=self._interrupted,
            on_intent=self._intend,
            accounts=_accounts_of(self.finished),
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._resources.close()

    @property
    def is_stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._is_stopped

    @property
    def pending(self) -> tuple[Entry, ...]:
        """The entries that are still to be worked on."""
        finished = {result.entry.key for result in self.finished}
        return tuple(entry for entry in self.plan.entries if entry.key not in finished)

    def stop(self) -> None:
        """End the run: no further account is begun, and writes under way are given ten seconds to settle."""
        self._is_stopped = True
        if self._executor is not None:
            self._executor.stop()

    def results(self) -> Iterator[EntryResult]:
        """Yield the result of each pending entry as it ends."""
        return self._results(self.pending, self.options.concurrency)

    def results_with_prompts(self, entries: Sequence[Entry]) -> Iterator[EntryResult]:
        """Yield the result of each of these entries, one after the other, with prompts where they are needed."""
        if self._work is None:
            raise AssertionError("a run is entered first")
        self._work.prompter = self.prompter
        return self._results(entries, concurrency=1)

    def results_so_far(self, results: Mapping[Key, EntryResult]) -> list[EntryResult]:
        """Return a result for each entry of a run that is left as it is: the write of some may be under way.

        Args:
            results: Those that there are.
        """
        return [results.get(entry.key) or self._unfinished(entry) for entry in self.plan.entries]

    def _unfinished(self, entry: Entry) -> EntryResult:
        is_written = entry.key in self._intended
        error = NotRunError(
            "the write was in progress" if is_written else "not run",
            cause=INTERRUPTED,
            remedy="resume the run: it reads the link first" if is_written else "resume the run",
        )
        outcome = Outcome.UNKNOWN if is_written else Outcome.NOT_RUN
        fields = stated_fields(entry, self.options.cloud)
        return EntryResult(entry=entry, outcome=outcome, fields=fields, error=error)

    def results_again(self, entries: Sequence[Entry]) -> Iterator[EntryResult]:
        """Yield the result of each of these entries as it ends, without prompts, as after a sign-in that opens them."""
        if self._work is None:
            raise AssertionError("a run is entered first")
        self._work.prompter = NoPrompts()
        return self._results(entries, self.options.concurrency)

    def planned(self, results: Sequence[EntryResult]) -> Plan:
        """Return the plan with what its dry run saw."""
        return replace(self.plan, seen=seen_by_key(results, self._work.links if self._work else {}))

    def _results(self, entries: Sequence[Entry], concurrency: int) -> Iterator[EntryResult]:
        if self._work is None:
            raise AssertionError("a run is entered first")
        options = self.options
        self._executor = Executor(
            entries, self._work, cloud=options.cloud, concurrency=concurrency, timeout=options.timeout
        )
        if self._is_stopped:
            self._executor.stop()
        for result in self._executor.results():
            yield self.record(result)

    def record(self, result: EntryResult) -> EntryResult:
        """Add a result to the journal, and return it; with a warning if it could not be added."""
        self._intended.discard(result.entry.key)
        if self.journal is None or result.outcome is Outcome.NOT_RUN:
            return result
        try:
            self.journal.finish(entry_name(result.entry.key), result.as_dict())
        except PallinkError as error:
            # What was done stays true. A resumed run reads the link again.
            return replace(result, warnings=(*result.warnings, error.message))
        return result

    def _intend(self, entry: Entry, step: Step, before: Link | None) -> None:
        self._intended.add(entry.key)
        if self.journal is not None:
            self.journal.intend(entry_name(entry.key), intent_as_dict(step, before))


def new_plan(
    entries: Sequence[Entry],
    options: RunOptions,
    *,
    source: Path | str,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Plan:
    """Return a plan before anything was read.

    Args:
        entries: The entries.
        options: How the fleet is run.
        source: The fleet file, to whose folder the paths of secrets are relative; or the command that took its place.
        now: Returns the current time.
    """
    file = source.absolute() if isinstance(source, Path) else None
    return Plan(
        cloud=options.cloud,
        source=str(file or source),
        folder=str(file.parent if file else Path.cwd()),
        replace=options.replace,
        entries=tuple(entries),
        seen={},
        created=now().isoformat(timespec="seconds").replace("+00:00", "Z"),
    )


def begin_apply(
    plan: Plan, options: RunOptions, *, run_dir: Path | None = None, finished: Sequence[EntryResult] = ()
) -> FleetRun:
    """Return a run that carries a plan out, and records it in a journal.

    Args:
        plan: What to carry out. Where it saw a link, the link must not have changed since.
        options: How.
        run_dir: The folder of the journal; by default a new one in the user's state folder.
        finished: Results of entries that this process does not try; a resumed run tries those that failed.

    Raises:
        PallinkError: The journal cannot be made.
    """
    header = {
        "file": plan.source,
        "entries": len(plan.entries),
        "plan": plan.as_dict(),
        "options": {"timeout": options.timeout, "concurrency": options.concurrency},
    }
    run = FleetRun(plan, Mode.APPLY, options, journal=Journal.create(header, run_dir=run_dir), finished=tuple(finished))
    for result in run.finished:
        run.record(result)
    return run


def resume_apply(run: str, options: RunOptions) -> FleetRun:
    """Return a run that goes on where an earlier process ended.

    Entries that are done are skipped. For a write that may have been sent, the link decides.

    Args:
        run: The run's ID, `last`, or its folder.
        options: How. The cloud must be that of the run.

    Raises:
        UsageError: There is no such run, another process works on it, or it is for another cloud.
    """
    journal = Journal.resume(run)
    try:
        return _resumed(journal, options)
    except BaseException:
        journal.close()
        raise


def _resumed(journal: Journal, options: RunOptions) -> FleetRun:
    try:
        plan = parse_plan(journal.state.header.get("plan"))
        plan.check_cloud(options.cloud)
        finished, interrupted = recorded_work(plan, journal.state)
    except InvalidPlanError as error:
        raise UsageError(
            f"the run in {journal.folder} cannot be resumed",
            cause=f"{JOURNAL}: {error}",
            remedy=START_NEW_RUN,
        ) from error
    return FleetRun(
        plan,
        Mode.APPLY,
        replace(options, replace=plan.replace),
        journal=journal,
        finished=tuple(result for result in finished if result.outcome in DONE),
        _interrupted=interrupted,
    )


def _accounts_of(results: Sequence[EntryResult]) -> KnownAccounts:
    """Return the accounts of entries that are done: another entry must not want another link of one of them."""
    accounts = KnownAccounts()
    for result in results:
        tenant_id, object_id = result.fields.get("tenantId"), result.fields.get("objectId")
        if result.outcome in DONE and isinstance(tenant_id, str) and isinstance(object_id, str):
            accounts.add(result.entry, tenant_id, object_id)
    return accounts
