# 100 Mbit/s, 20 ms round trip
both 0s delay=10ms rate=100mbit queue=100ms
lasts 30s
