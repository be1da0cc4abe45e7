"""Validates files with check-jsonschema against the schemas that come with it, without a process for each."""

from pathlib import Path


def problems(schema: str, *paths: Path, options: tuple[str, ...] = ()) -> str:
    """Return what is wrong with files by a built-in schema of check-jsonschema; nothing where they are valid."""
    # It takes half a second to import.
    from check_jsonschema import main  # type: ignore[import-untyped]  # noqa: PLC0415
    from click.testing import CliRunner  # noqa: PLC0415

    done = CliRunner().invoke(main, ["--builtin-schema", schema, *options, *map(str, paths)])
    return "" if done.exit_code == 0 else f"{done.output}{done.exception}"
