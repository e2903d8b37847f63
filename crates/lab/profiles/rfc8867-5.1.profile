# RFC 8867 section 5.1: variable available capacity with a single flow
# One-way delay 50 ms, jitter 30 ms from end to end at most (here normal, three deviations to each side), drop-tail
# queue of 300 ms, no loss. The reference capacity is 1 Mbit/s; the steps are the ratios of the RFC's table.
both 0s  delay=50ms jitter=5ms dist=normal
ab   0s  rate=1mbit queue=300ms
ab   40s rate=2.5mbit
ab   60s rate=600kbit
ab   80s rate=1mbit
lasts 100s
