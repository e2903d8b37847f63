# the air time of a stops for 200 ms every two seconds, then everything arrives at once
both 0s delay=10ms rate=20mbit queue=500ms
ab   0s stall=2s,200ms
lasts 30s
