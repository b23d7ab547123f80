"""Measurements: each script prints `name: value (target …)` and judges ratios within one run, never wall time alone."""
