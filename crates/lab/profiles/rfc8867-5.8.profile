# RFC 8867 section 5.8: media that pauses and resumes, 3.5 Mbit/s
# This is the network's part only: the caller pauses its pictures at 40 s and resumes them at 60 s.
both 0s delay=50ms jitter=5ms dist=normal
ab   0s rate=3.5mbit queue=300ms
lasts 120s
