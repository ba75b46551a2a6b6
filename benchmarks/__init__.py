"""The project's measurements: `python -m benchmarks` races the kernels against what a user would pick instead."""
