# an up-link of 1 Mbit/s, 100 ms round trip, a queue of 300 ms
both 0s delay=50ms
ab   0s rate=1mbit queue=300ms
lasts 40s
