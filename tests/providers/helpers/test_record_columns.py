"""providers/helpers/record_columns.py: which values of keys narrow what."""

from logonscope.machine import EVERYTHING, Selection
from logonscope.providers.helpers.record_columns import (
    select_logon_record_reference,
    select_process_id,
    select_process_name,
    select_process_record_reference,
    select_record,
    select_record_reference,
    select_ssh_key,
)


def test_keys_narrow_and_numbers_select_nothing() -> None:
    assert select_record("7") == select_record_reference(("LS_LogonRecord", "7")) == Selection(records=frozenset({"7"}))
    assert select_logon_record_reference(("LS_LogonRecord", "7")) == Selection(logon_records=frozenset({"7"}))
    assert select_process_record_reference(("LS_ProcessRecord", "7")) == Selection(process_records=frozenset({"7"}))
    assert select_process_id(7) == Selection(pids=frozenset({7}))
    assert select_record(7).is_empty


def test_a_text_with_a_replaced_character_narrows_nothing() -> None:
    assert select_ssh_key("SHA256:a") == Selection(ssh_keys=frozenset({"SHA256:a"}))
    assert select_process_name("make") == Selection(process_names=frozenset({"make"}))
    assert select_ssh_key("SHA\ufffd") == select_process_name("a\ufffd") == EVERYTHING
