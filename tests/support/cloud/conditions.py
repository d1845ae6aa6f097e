"""Preconditions of the storage API on generation and metageneration."""
from .errors import StorageError

NAMES = ("generation", "ifGenerationMatch", "ifGenerationNotMatch", "ifMetagenerationMatch", "ifMetagenerationNotMatch")


def conditions_of(query):
    """Those conditions that a query has, as numbers."""
    try:
        return {name: int(query[name]) for name in NAMES if query.get(name)}
    except ValueError as error:
        raise StorageError(400, "Invalid value for a generation.") from error


def check(conditions, row, reading=False):
    """StorageError 412 (or 304 for a read of something unchanged) when the object is not as the caller wants it."""
    generation, metageneration = (row["generation"], row["metageneration"]) if row else (0, 0)
    unchanged = (conditions.get("ifGenerationNotMatch") == generation
                 or conditions.get("ifMetagenerationNotMatch") == metageneration)
    if unchanged and reading:
        raise StorageError(304, "", plain=True)
    if (unchanged or conditions.get("ifGenerationMatch", generation) != generation
            or conditions.get("ifMetagenerationMatch", metageneration) != metageneration):
        raise StorageError(412, "At least one of the pre-conditions you specified did not hold.", location="If-Match")
