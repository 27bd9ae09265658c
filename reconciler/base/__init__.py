"""The ground floor: errors, diagnostics, time, ids, text. Knows nothing of tasks or machines."""
