# RFC 8867 section 5.3: congested feedback link with flows in both directions
# Path as in section 5.1. The reference capacity is 1 Mbit/s each way; the two directions change at different times,
# so that media meets feedback that waits in the other queue.
both 0s  delay=50ms jitter=5ms dist=normal queue=300ms
ab   0s  rate=2mbit
ab   20s rate=1mbit
ab   40s rate=500kbit
ab   60s rate=2mbit
ba   0s  rate=2mbit
ba   35s rate=800kbit
ba   70s rate=2mbit
lasts 100s
