# an up-link of 300 kbit/s, 100 ms round trip, a queue of 300 ms
both 0s delay=50ms
ab   0s rate=300kbit queue=300ms
lasts 40s
