//! Bit rates, picture sizes and frame rates as types, so that no bare number carries a unit in its name.
//! What `Display` writes, `FromStr` reads: the same words serve the command line, the log and the configuration.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Why a unit was refused: what was given, and what to give instead.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnitError {
    /// Not a positive bit rate up to 10 Gbit/s.
    Bitrate(String),
    /// Not an even width and height within 16..=4096.
    Size(String),
    /// Not a whole number of pictures a second within 1..=120.
    FrameRate(String),
}

impl fmt::Display for UnitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bitrate(given) => {
                write!(f, "{given:?} is not a bit rate: write 800k, 2M or a number of bits per second")
            }
            Self::Size(given) => {
                write!(f, "{given:?} is not a picture size: write 1280x720, each side even and 16 to 4096")
            }
            Self::FrameRate(given) => {
                write!(f, "{given:?} is not a frame rate: write a whole number from 1 to 120")
            }
        }
    }
}

impl std::error::Error for UnitError {}

/// Bits per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Bitrate(u64);

impl Bitrate {
    /// No bits at all.
    pub const ZERO: Self = Self(0);

    /// The most that is read from text; anything above is a typing mistake.
    const MAX_PARSED: f64 = 10e9;

    /// From bits per second.
    pub const fn from_bps(bps: u64) -> Self {
        Self(bps)
    }

    /// From kilobits (1000 bits) per second.
    pub const fn from_kbps(kbps: u64) -> Self {
        Self(kbps.saturating_mul(1000))
    }

    /// Bits per second.
    pub const fn bps(self) -> u64 {
        self.0
    }

    /// That many hundredths of this rate, rounded down; more than 100 is allowed.
    pub const fn percent(self, percent: u32) -> Self {
        Self((self.0 as u128 * percent as u128 / 100) as u64)
    }

    /// This rate less another one, zero at least.
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

/// Short and exact, as it is read back: `2M`, `800k`, `64001`.
impl fmt::Display for Bitrate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            bps if bps > 0 && bps % 1_000_000 == 0 => write!(f, "{}M", bps / 1_000_000),
            bps if bps > 0 && bps % 1000 == 0 => write!(f, "{}k", bps / 1000),
            bps => write!(f, "{bps}"),
        }
    }
}

impl FromStr for Bitrate {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let refused = || UnitError::Bitrate(text.to_owned());
        let (digits, scale) = match text.as_bytes().last() {
            Some(b'k' | b'K') => (&text[..text.len() - 1], 1e3),
            Some(b'm' | b'M') => (&text[..text.len() - 1], 1e6),
            _ => (text, 1.0),
        };
        if !digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
            return Err(refused());
        }
        let bps = (digits.parse::<f64>().map_err(|_| refused())? * scale).round();
        if (1.0..=Self::MAX_PARSED).contains(&bps) { Ok(Self(bps as u64)) } else { Err(refused()) }
    }
}

/// Width and height of a picture in pixels.
///
/// [`Size::new`] admits what we capture and encode; a picture that a peer sent may have any size, also an odd one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Size {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

impl Size {
    /// A size to capture or encode: both sides even and within 16..=4096, otherwise [`UnitError::Size`].
    pub fn new(width: u32, height: u32) -> Result<Self, UnitError> {
        let fits = |side: u32| side.is_multiple_of(2) && (16..=4096).contains(&side);
        if fits(width) && fits(height) {
            Ok(Self { width, height })
        } else {
            Err(UnitError::Size(format!("{width}x{height}")))
        }
    }

    /// The size of a 4:2:0 chroma plane: half of each side, rounded up.
    pub const fn chroma(self) -> Self {
        Self { width: self.width.div_ceil(2), height: self.height.div_ceil(2) }
    }

    /// Width times height.
    pub const fn pixels(self) -> usize {
        self.width as usize * self.height as usize
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

impl FromStr for Size {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let refused = || UnitError::Size(text.to_owned());
        let (width, height) = text.split_once(['x', 'X']).ok_or_else(refused)?;
        let side = |digits: &str| digits.parse().map_err(|_| refused());
        Self::new(side(width)?, side(height)?)
    }
}

/// Whole pictures per second, 1..=120.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FrameRate(u32);

impl FrameRate {
    /// A frame rate of 1..=120 pictures a second, otherwise [`UnitError::FrameRate`].
    pub fn new(hz: u32) -> Result<Self, UnitError> {
        if (1..=120).contains(&hz) { Ok(Self(hz)) } else { Err(UnitError::FrameRate(hz.to_string())) }
    }

    /// Pictures per second.
    pub const fn hz(self) -> u32 {
        self.0
    }

    /// The time from one picture to the next, rounded down to a nanosecond.
    pub const fn interval(self) -> Duration {
        Duration::from_nanos(1_000_000_000 / self.0 as u64)
    }
}

impl fmt::Display for FrameRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl FromStr for FrameRate {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        text.parse().ok().and_then(|hz| Self::new(hz).ok()).ok_or_else(|| UnitError::FrameRate(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bit_rates_are_read_as_people_write_them() {
        for (text, bps) in
            [("800k", 800_000), ("2M", 2_000_000), ("500000", 500_000), ("2.5M", 2_500_000), ("1K", 1000)]
        {
            assert_eq!(text.parse(), Ok(Bitrate::from_bps(bps)), "{text}");
        }
        for text in ["", "k", "0", "-1", "1e3", "inf", "NaN", "2G", "20000M", "1 M", "ü", "."] {
            assert_eq!(text.parse::<Bitrate>(), Err(UnitError::Bitrate(text.to_owned())), "{text}");
        }
    }

    #[test]
    fn what_is_displayed_is_read_back() {
        for bps in [1, 999, 1000, 64_001, 800_000, 2_000_000, 2_500_000] {
            let rate = Bitrate::from_bps(bps);
            assert_eq!(rate.to_string().parse(), Ok(rate));
        }
        let size = Size { width: 1280, height: 720 };
        assert_eq!(size.to_string().parse(), Ok(size));
        let rate = FrameRate(30);
        assert_eq!(rate.to_string().parse(), Ok(rate));
    }

    #[test]
    fn percent_rounds_down_and_never_overflows() {
        assert_eq!(Bitrate::from_bps(999).percent(80), Bitrate::from_bps(799));
        assert_eq!(Bitrate::from_bps(u64::MAX).percent(100), Bitrate::from_bps(u64::MAX));
    }

    #[test]
    fn sizes_are_even_and_sane() {
        for text in ["1281x720", "1280x719", "14x720", "4098x720", "1280", "1280x", "x720", "-2x16", "1280x720x3"] {
            assert_eq!(text.parse::<Size>(), Err(UnitError::Size(text.to_owned())), "{text}");
        }
        assert_eq!(Size { width: 5, height: 3 }.chroma(), Size { width: 3, height: 2 });
    }

    #[test]
    fn frame_rates_are_whole_and_sane() {
        for text in ["0", "121", "29.97", "", "-5"] {
            assert_eq!(text.parse::<FrameRate>(), Err(UnitError::FrameRate(text.to_owned())), "{text}");
        }
        assert_eq!(FrameRate(50).interval(), Duration::from_millis(20));
    }
}
