"""Side-by-side benchmarks: ratios in one run, medians, the machine's load printed. Never tests."""
