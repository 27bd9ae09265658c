"""What things are: frozen models without unknown fields. No input or output happens here."""
