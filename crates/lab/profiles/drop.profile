# 2.5, then 0.5, then again 2.5 Mbit/s from a to b; 50 ms round trip, a queue of 300 ms
both 0s  delay=25ms
ab   0s  rate=2.5mbit queue=300ms
ab   40s rate=500kbit
ab   60s rate=2.5mbit
lasts 90s
