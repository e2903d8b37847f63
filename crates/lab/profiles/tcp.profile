# a down-link of 2 Mbit/s at b, on which a TCP download runs beside the call; 100 ms round trip, a queue of 300 ms
# After RFC 8867 section 5.6 (a media flow and a long TCP flow). The download is the caller's: b takes it from s, so
# that it shares b.down with what a sends. The way to a and from s is free of limits.
both   0s delay=50ms
b.down 0s rate=2mbit queue=300ms
lasts 60s
