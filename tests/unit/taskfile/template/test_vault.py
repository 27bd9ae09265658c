"""Secrets in a rendered text: what stands for them, and how they come back."""

from __future__ import annotations

from reconciler.taskfile.template.govalues import SecretText
from reconciler.taskfile.template.vault import Vault


def test_a_vault_hides_and_reveals() -> None:
    vault = Vault()
    text = f"a {vault.token(SecretText('hush'))} b"
    assert "hush" not in text
    assert vault.hide(text) == "a *** b"
    assert vault.reveal(text) == "a hush b"
    assert vault.reveal("\ue1007\ue101") == ""
