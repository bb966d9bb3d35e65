"""The functions that an expression may use, by the names of their overloads in CEL's checker.

Each is in the corpus (tests/cel), which gives the same results at the door and in the stream. What
does not is left out: the order of texts (Java's is that of UTF-16), text from doubles and instants,
seconds in a time zone, and types that no field has (uint, bytes, dyn, null, type).
"""

from __future__ import annotations

_ORDERED = ("bool", "int64", "double", "timestamp", "duration")
_ZONED = (
    "year",
    "month",
    "day_of_year",
    "day_of_month",
    "day_of_month_1_based",
    "day_of_week",
    "hours",
    "minutes",
    "seconds",
    "milliseconds",
)

OVERLOADS = frozenset(
    {
        "logical_and",
        "logical_or",
        "logical_not",
        "not_strictly_false",  # within all and exists
        "conditional",
        "equals",
        "not_equals",
        *(
            f"{comparison}_{kind}"
            for comparison in ("less", "less_equals", "greater", "greater_equals")
            for kind in _ORDERED
        ),
        *(
            f"{operation}_{kind}"
            for operation in ("add", "subtract", "multiply", "divide", "negate")
            for kind in ("int64", "double")
        ),
        "modulo_int64",
        "add_string",
        "add_list",
        "add_timestamp_duration",
        "add_duration_timestamp",
        "add_duration_duration",
        "subtract_timestamp_timestamp",
        "subtract_timestamp_duration",
        "subtract_duration_duration",
        "in_list",
        "in_map",
        "index_list",
        "index_map",
        "size_string",
        "string_size",
        "size_list",
        "list_size",
        "size_map",
        "map_size",
        "contains_string",
        "starts_with_string",
        "ends_with_string",
        "matches",
        "matches_string",
        "int64_to_double",
        "double_to_int64",
        "string_to_int64",
        "string_to_double",
        "int64_to_string",
        "int64_to_int64",
        "double_to_double",
        "string_to_string",
        "string_to_timestamp",
        "string_to_duration",
        "timestamp_to_timestamp",
        "duration_to_duration",
        *(f"timestamp_to_{part}" for part in _ZONED),
        *(f"timestamp_to_{part}_with_tz" for part in _ZONED if part != "seconds"),
        "duration_to_hours",
        "duration_to_minutes",
        "duration_to_seconds",
        "duration_to_milliseconds",
    }
)
# As they are written, for error messages.
OPERATORS = "! && || == != < <= > >= + - * / % in ?: []"
FUNCTIONS = (
    "all",
    "contains",
    "double",
    "duration",
    "endsWith",
    "exists",
    "exists_one",
    "filter",
    "getDate",
    "getDayOfMonth",
    "getDayOfWeek",
    "getDayOfYear",
    "getFullYear",
    "getHours",
    "getMilliseconds",
    "getMinutes",
    "getMonth",
    "getSeconds",
    "has",
    "int",
    "map",
    "matches",
    "size",
    "startsWith",
    "string",
    "timestamp",
)
