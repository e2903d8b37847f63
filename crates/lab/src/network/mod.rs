//! Links that delay, lose, queue and stall by a profile, in virtual or real time.
//! The link and the profile are pure; namespaces and devices around them need Linux and rights.
