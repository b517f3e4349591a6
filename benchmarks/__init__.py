"""What the library costs, against code written by hand.

`python -m benchmarks [NAME …]` (or `make bench`) prints one table. Both ways to do a thing stand in one file, start
from the same numbers and are timed in turns in one process: a machine that is slow for a while is slow for both, and
the median of the ratios is steady where times are not. Nothing here is a test; a bound that is missed is marked in the
table.
"""
