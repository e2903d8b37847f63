//! Pictures that carry their number and capture time, sound with marks at known times, and a scene to film.
//! Pure: drawn and read the same way in every process and every language, so that all callers can be compared.
//!
//! The stamp is two rows of 40 cells along the upper edge of the picture: the edges of the cells, across as down, lie at
//! `k * width / 40` (integer division). A cell is one bit, black (Y = 16) for 0 and white (Y = 235) for 1, its chroma grey
//! (128). The 80 bits, row by row from the left, most significant first: 24 bits of the picture's number, 40 bits of the
//! capture time (Unix time in microseconds, modulo 2^40), 16 bits of CRC-16/CCITT-FALSE over the eight bytes before. A reader
//! takes the mean luma of the inner half of each cell, and 1 where it exceeds 125. A code that does not check is unreadable:
//! no guess is made.
//!
//! The sound is eight seconds long: a pilot tone (300 Hz, amplitude 0.05) throughout, and at the beginning of each second a
//! chirp of 40 ms, of which there are eight kinds, so that a delay of up to eight seconds is told from a shorter one.

pub mod scene;
pub mod sound;
pub mod stamp;
