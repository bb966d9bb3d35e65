"""Functions of Athena (Trino) that DuckDB knows by another name, or not at all.

Only what can be said with equal meaning for the arguments that are usual; the rest stays unknown,
and a query that uses it fails here instead of answering something else than on AWS.
https://trino.io/docs/current/functions.html
"""

from __future__ import annotations

_UNITS = ("millisecond", "second", "minute", "hour", "day", "week", "month", "quarter", "year")
_DAY_UNITS = _UNITS[_UNITS.index("day") :]
# MySQL's specifiers, as Trino formats with them, in an order in which no replacement
# is replaced again: https://trino.io/docs/current/functions/datetime.html#mysql-date-functions
_SPECIFIERS = (
    ("%%", "\1"),
    ("%M", "%B"),
    ("%i", "%M"),
    ("%s", "%S"),
    ("%W", "%A"),
    ("%h", "%I"),
    ("%k", "%-H"),
    ("%l", "%-I"),
    ("%c", "%-m"),
    ("%e", "%-d"),
    ("%T", "%H:%M:%S"),
    ("%r", "%I:%M:%S %p"),
    ("\1", "%%"),
)


def _format(argument: str) -> str:
    for mysql, strftime in _SPECIFIERS:
        argument = f"replace({argument}, {_text(mysql)}, {_text(strftime)})"
    return argument


def _text(value: str) -> str:
    return "'" + value + "'"


def _interval(units: tuple[str, ...]) -> str:
    """`n` of the units that `unit` names; an unknown name is an error, as in Trino."""
    # Days are days of the calendar and months are months: sums of either are not hours.
    intervals = {unit: f"to_{unit}s(CAST(n AS BIGINT))" for unit in units}
    intervals["millisecond"] = "to_milliseconds(CAST(n AS BIGINT))"
    cases = " ".join(f"WHEN '{u}' THEN {intervals[u]}" for u in units)
    wrong = "error('INVALID_FUNCTION_ARGUMENT: ''' || unit || ''' is not a valid field')"
    return f"CASE lower(unit) {cases} ELSE {wrong} END"


_SCALAR = "json_valid(j) AND json_type(j, path) NOT IN ('OBJECT', 'ARRAY')"

MACROS = (
    # Instants and times
    "from_unixtime(seconds) AS to_timestamp(CAST(seconds AS DOUBLE))",
    "to_unixtime(t) AS CAST(epoch(t) AS DOUBLE)",
    "from_iso8601_timestamp(text) AS CAST(text AS TIMESTAMP WITH TIME ZONE)",
    "from_iso8601_date(text) AS CAST(text AS DATE)",
    f"date_format(t, format) AS strftime(t, {_format('format')})",
    f"date_add(unit, n, t DATE) AS CAST(t + {_interval(_DAY_UNITS)} AS DATE),"
    f" (unit, n, t TIMESTAMP) AS t + {_interval(_UNITS)},"
    f" (unit, n, t TIMESTAMP WITH TIME ZONE) AS t + {_interval(_UNITS)}",
    "day_of_week(t) AS isodow(t)",
    "day_of_month(t) AS dayofmonth(t)",
    "day_of_year(t) AS dayofyear(t)",
    # Aggregates
    "approx_distinct(x) AS approx_count_distinct(x)",
    "approx_percentile(x, percentage) AS approx_quantile(x, percentage)",
    "map_agg(k, v) AS map_from_entries(list((k, v)))",
    # Arrays and maps
    "element_at(collection, position) AS collection[position]",
    "array_join(list, delimiter) AS array_to_string(list, delimiter)",
    "sequence(first, last) AS generate_series(first, last)",
    # Text
    "regexp_like(text, pattern) AS regexp_matches(text, pattern)",
    f"json_extract_scalar(j, path) AS CASE WHEN {_SCALAR} THEN json_extract_string(j, path) END",
    "from_utf8(bytes) AS decode(bytes)",
    "to_utf8(text) AS encode(text)",
)
STATEMENTS = tuple(f"CREATE TEMP MACRO {macro}" for macro in MACROS)
