"""Where the state may live, and that it is never opened, shared or put on top of other things."""

import os
import stat
from pathlib import Path

import pytest
from launcher import state as states
from launcher.speech import Refusal
from launcher.state import Account, choose_folder, closed_parent, prepare

STRANGER = Account("stranger", 64_999, 64_999)


def make(folder: Path, mode: int) -> Path:
    folder.mkdir()
    folder.chmod(mode)
    return folder


def test_open_parents_let_the_account_through(open_folder: Path) -> None:
    assert closed_parent(make(open_folder / "open", 0o755) / "var", STRANGER) is None


def test_first_closed_parent_is_named(open_folder: Path) -> None:
    closed = make(open_folder / "closed", 0o700)
    inner = make(closed / "inner", 0o700)
    assert closed_parent(inner / "var", STRANGER) == closed


def test_folder_itself_need_not_be_open(open_folder: Path) -> None:
    assert closed_parent(make(open_folder / "itself", 0o700), STRANGER) is None


def test_missing_parents_will_be_made_open(open_folder: Path) -> None:
    assert closed_parent(open_folder / "not" / "yet" / "there", STRANGER) is None


def test_owner_passes_by_the_owner_bit_alone(open_folder: Path) -> None:
    own = Account("own", os.geteuid(), 64_999)
    assert closed_parent(make(open_folder / "own", 0o700) / "var", own) is None
    assert closed_parent(make(open_folder / "not_even_own", 0o011) / "var", own) == open_folder / "not_even_own"


def test_group_is_asked_for_the_group_bit_alone(open_folder: Path) -> None:
    member = Account("member", 64_999, (open_folder / ".").stat().st_gid)
    assert closed_parent(make(open_folder / "group", 0o710) / "var", member) is None
    assert closed_parent(make(open_folder / "others", 0o701) / "var", member) == open_folder / "others"


def test_state_is_var_in_the_checkout_unless_named(open_folder: Path) -> None:
    assert choose_folder({}, open_folder, None) == open_folder / "var"
    assert choose_folder({}, open_folder, STRANGER) == open_folder / "var"
    assert choose_folder({"ANJU_STATE": "/srv/bank"}, open_folder, None) == Path("/srv/bank")


def test_state_of_a_closed_checkout_is_the_system_folder(open_folder: Path) -> None:
    checkout = make(make(open_folder / "home", 0o700) / "anju", 0o755)
    assert choose_folder({}, checkout, STRANGER) == states.SYSTEM_STATE


def test_named_state_behind_a_closed_parent_is_refused_and_the_parent_stays_closed(open_folder: Path) -> None:
    closed = make(open_folder / "private", 0o700)
    with pytest.raises(Refusal) as refusal:
        choose_folder({"ANJU_STATE": str(closed / "bank")}, open_folder, STRANGER)
    assert f"may not pass through {closed}." in str(refusal.value)
    assert f"ANJU_STATE={states.SYSTEM_STATE}" in str(refusal.value)
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert not (closed / "bank").exists()


def test_state_folder_is_closed_to_others_and_secrets_to_everyone_else(tmp_path: Path) -> None:
    state = prepare(tmp_path / "bank", None)
    state.passwords()
    state.secret_key()
    assert stat.S_IMODE(state.folder.stat().st_mode) == 0o700
    for name in ("passwords", "secret_key"):
        assert stat.S_IMODE((state.folder / name).stat().st_mode) == 0o600


def test_secrets_are_made_once(tmp_path: Path) -> None:
    first = prepare(tmp_path / "bank", None)
    passwords, key = first.passwords(), first.secret_key()
    second = prepare(tmp_path / "bank", None)
    assert (second.passwords(), second.secret_key()) == (passwords, key)
    assert sorted(passwords) == sorted(states.ROLES)
    assert len(set(passwords.values())) == len(states.ROLES)


def test_folder_with_other_things_is_refused_and_left_alone(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(Refusal, match="not empty and holds no state of Anju"):
        prepare(tmp_path, None)
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.txt"]
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_folder_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bank").mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: 64_999)
    with pytest.raises(Refusal, match="belongs to"):
        prepare(tmp_path / "bank", None)
    assert not any((tmp_path / "bank").iterdir())
