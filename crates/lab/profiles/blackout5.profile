# five seconds without any packet; 50 ms round trip
both 0s  delay=25ms rate=10mbit
both 30s down=on
both 35s down=off
lasts 60s
