# about 4.8 % lost from a to b, in bursts of five packets on average (Gilbert-Elliott); 50 ms round trip
both 0s delay=25ms
ab   0s loss=ge:1%,20%
lasts 30s
