# normal jitter of 30 ms (deviation) each way, the order kept; 100 ms round trip
both 0s delay=50ms jitter=30ms dist=normal
lasts 30s
