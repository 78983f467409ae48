"""The oldest Postgres that Crewhall takes is 15: its SQL names nothing that came later."""

import re
from pathlib import Path

import pytest

import crewhall
from crewhall.kernel.postgres.connecting import OLDEST_SERVER

PACKAGE = Path(crewhall.__file__).parent
FUNCTIONS = "|".join(
    re.findall(
        r"\w+",
        """
any_value array_reverse array_sample array_shuffle array_sort casefold crc32 crc32c date_add date_subtract erf erfc
gamma has_largeobject_privilege icu_unicode_version json_agg_strict json_array json_arrayagg json_exists
json_object_agg_strict json_object_agg_unique json_object_agg_unique_strict json_objectagg json_query json_scalar
json_serialize json_table json_value jsonb_agg_strict jsonb_object_agg_strict jsonb_object_agg_unique
jsonb_object_agg_unique_strict jsonb_populate_record_valid lgamma merge_action pg_basetype pg_input_error_info
pg_input_is_valid random_normal to_bin to_oct to_regtypemod unicode_assigned uuid_extract_timestamp
uuid_extract_version uuidv4 uuidv7 xmltext
""",
    )
)
SYNTAX = [
    r"\breturning\s+(with\s*\(|old\b|new\b)",
    r"\)\s*virtual\b",
    r"\bnot\s+enforced\b",
    r"\bwithout\s+overlaps\b",
    r"\bis\s+(not\s+)?json\b",
    r"\bat\s+local\b",
    r"\bgrant\s+maintain\b",
    r"\btransaction_timeout\b",
    r"\bsystem_user\b",
    r"\brandom\s*\(\s*[^)\s]",
]
NEWER = re.compile("|".join([rf"\b({FUNCTIONS})\s*\(", *SYNTAX]), re.IGNORECASE)
COMMENT = re.compile(r"--.*")


def newer_than_15(sql: str) -> list[str]:
    return [found[0] for found in NEWER.finditer(COMMENT.sub("", sql))]


def test_no_statement_names_what_came_after_15() -> None:
    assert OLDEST_SERVER == 150000
    statements = sorted((PACKAGE / "migrations").rglob("*.sql"))
    assert statements
    found = {path.name: names for path in statements if (names := newer_than_15(path.read_text()))}
    assert not found


@pytest.mark.parametrize(
    "sql",
    [
        "select uuidv7()",
        "update t set a = 1 returning old.a, new.a",
        "alter table t add column b int generated always as (a + 1) virtual",
        "select '{}' is json",
        "select any_value (a) from t",
        "select random(1, 6)",
    ],
)
def test_what_came_after_15_is_seen(sql: str) -> None:
    assert newer_than_15(sql)


@pytest.mark.parametrize("sql", ["-- uuidv7() would need 18", "select random()", "select json_object('{a,1}')"])
def test_what_15_has_is_left_alone(sql: str) -> None:
    assert not newer_than_15(sql)
