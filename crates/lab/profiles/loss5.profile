# 5 % of packets lost each way, independently; 50 ms round trip
both 0s delay=25ms loss=5%
lasts 30s
