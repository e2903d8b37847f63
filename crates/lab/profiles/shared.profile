# an up-link of 3 Mbit/s that two calls share; 100 ms round trip, a queue of 300 ms
# After RFC 8867 section 5.4 (competing flows with the same congestion control). The second call is made by the caller.
both 0s delay=50ms
ab   0s rate=3mbit queue=300ms
lasts 60s
