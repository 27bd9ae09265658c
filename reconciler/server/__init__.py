"""HTTP to calls and back. Holds no state, knows no SQL, decides nothing."""
