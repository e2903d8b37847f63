//! The quantiser that an H.264 picture begins with, read from its bytes: how coarse the encoder had to be.
//! Only what constrained baseline has (ITU-T H.264 §7.3.2, §7.3.3); of anything else it says nothing.

/// Bytes of a unit that are looked at: far more than any header takes.
const LOOKED_AT: usize = 96;

/// Follows one stream: slices cannot be read without the parameter sets before them.
#[derive(Clone, Copy, Debug, Default)]
pub struct H264Quantizer {
    sequence: Option<Sequence>,
    picture: Option<PictureSet>,
}

/// What a slice header needs of the sequence parameter set.
#[derive(Clone, Copy, Debug)]
struct Sequence {
    frame_number_bits: u32,
    /// `None`: the order of pictures is not in the slices.
    order_bits: Option<u32>,
}

/// And of the picture parameter set.
#[derive(Clone, Copy, Debug)]
struct PictureSet {
    initial: i64,
    order_delta: bool,
}

impl H264Quantizer {
    /// Of the first slice in this frame (an Annex B byte stream), 0 to 51.
    pub fn read(&mut self, frame: &[u8]) -> Option<u8> {
        for unit in units(frame) {
            let (&header, rest) = unit.split_first()?;
            let bytes = without_emulation(rest);
            let mut bits = Bits { bytes: &bytes, at: 0 };
            match header & 0x1f {
                7 => self.sequence = Sequence::read(&mut bits),
                8 => self.picture = PictureSet::read(&mut bits),
                kind @ (1 | 5) => return self.slice(&mut bits, kind == 5, header & 0x60 != 0),
                _ => {}
            }
        }
        None
    }

    fn slice(&self, bits: &mut Bits, idr: bool, reference: bool) -> Option<u8> {
        let (sequence, picture) = (self.sequence?, self.picture?);
        bits.ue()?; // first macroblock
        let predicted = match bits.ue()? % 5 {
            0 => true,
            2 => false,
            _ => return None,
        };
        bits.ue()?; // picture parameter set
        bits.skip(sequence.frame_number_bits)?;
        if idr {
            bits.ue()?;
        }
        if let Some(order_bits) = sequence.order_bits {
            bits.skip(order_bits)?;
            if picture.order_delta {
                bits.ue()?;
            }
        }
        if predicted {
            if bits.flag()? {
                bits.ue()?; // number of reference pictures
            }
            if bits.flag()? {
                // Reordering: pairs, up to the end mark.
                while bits.ue()? != 3 {
                    bits.ue()?;
                }
            }
        }
        if reference && idr {
            bits.skip(2)?;
        } else if reference && bits.flag()? {
            loop {
                match bits.ue()? {
                    0 => break,
                    5 => {}
                    3 => {
                        bits.ue()?;
                        bits.ue()?;
                    }
                    _ => {
                        bits.ue()?;
                    }
                }
            }
        }
        u8::try_from(picture.initial + bits.se()?).ok().filter(|quantizer| *quantizer <= 51)
    }
}

impl Sequence {
    fn read(bits: &mut Bits) -> Option<Self> {
        if bits.bits(8)? != 66 {
            return None; // not baseline
        }
        bits.skip(16)?; // constraints, level
        bits.ue()?;
        let frame_number_bits = u32::try_from(bits.ue()?).ok()? + 4;
        let order_bits = match bits.ue()? {
            0 => Some(u32::try_from(bits.ue()?).ok()? + 4),
            2 => None,
            _ => return None,
        };
        bits.ue()?; // reference pictures
        bits.flag()?;
        bits.ue()?; // width
        bits.ue()?; // height
        bits.flag()?.then_some(Self { frame_number_bits, order_bits })
    }
}

impl PictureSet {
    fn read(bits: &mut Bits) -> Option<Self> {
        bits.ue()?;
        bits.ue()?;
        let arithmetic = bits.flag()?;
        let order_delta = bits.flag()?;
        let groups = bits.ue()?;
        if arithmetic || groups != 0 {
            return None;
        }
        bits.ue()?;
        bits.ue()?;
        let weighted = bits.bits(3)? != 0;
        let initial = 26 + bits.se()?;
        bits.se()?;
        bits.se()?;
        bits.skip(2)?;
        let redundant = bits.flag()?;
        (!weighted && !redundant).then_some(Self { initial, order_delta })
    }
}

/// The units of an Annex B byte stream, without their start codes.
fn units(frame: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = frame;
    std::iter::from_fn(move || {
        let at = rest.windows(3).position(|bytes| bytes == [0, 0, 1])?;
        rest = &rest[at + 3..];
        Some(rest)
    })
}

/// The beginning of a unit without emulation prevention (§7.4.1.1). What follows the unit itself is not told apart: its
/// header is read and nothing behind that.
fn without_emulation(unit: &[u8]) -> Vec<u8> {
    let mut bytes: Vec<u8> = Vec::with_capacity(LOOKED_AT);
    for &byte in unit.iter().take(LOOKED_AT) {
        if byte != 3 || !bytes.ends_with(&[0, 0]) {
            bytes.push(byte);
        }
    }
    bytes
}

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn flag(&mut self) -> Option<bool> {
        let byte = *self.bytes.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(bit == 1)
    }

    fn bits(&mut self, count: u32) -> Option<u64> {
        (0..count).try_fold(0, |value, _| Some(value << 1 | u64::from(self.flag()?)))
    }

    fn skip(&mut self, count: u32) -> Option<()> {
        self.at = self.at.checked_add(count as usize)?;
        Some(())
    }

    /// Exp-Golomb (§9.1).
    fn ue(&mut self) -> Option<u64> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        Some((1 << zeros) - 1 + self.bits(zeros)?)
    }

    fn se(&mut self) -> Option<i64> {
        let value = self.ue()? as i64;
        Some(if value % 2 == 0 { -value / 2 } else { (value + 1) / 2 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TestCard;
    use media_core::{Picture, Size};
    use openh264::encoder::{Encoder, EncoderConfig, Profile, QpRange, RateControlMode};
    use openh264::formats::YUVSlices;
    use proptest::prelude::*;

    #[test]
    fn what_the_encoder_was_told_is_read_back() {
        for wanted in [12, 26, 40, 51] {
            let settings = EncoderConfig::new()
                .profile(Profile::Baseline)
                .rate_control_mode(RateControlMode::Bitrate)
                .qp(QpRange::new(wanted, wanted));
            let api = openh264::OpenH264API::from_source();
            let mut encoder = Encoder::with_api_config(api, settings).expect("an encoder");
            let card = TestCard::new(Size::new(320, 180).expect("possible"));
            let mut picture = Picture::black(Size::new(320, 180).expect("possible"));
            let mut quantizer = H264Quantizer::default();
            for index in 0..5 {
                card.draw(index, &mut picture);
                let [y, u, v] = picture.planes();
                let source = YUVSlices::new((y, u, v), (320, 180), (320, 160, 160));
                let frame = encoder.encode(&source).expect("a frame").to_vec();
                assert_eq!(quantizer.read(&frame), Some(wanted), "picture {index}");
            }
        }
    }

    #[test]
    fn a_slice_without_its_parameter_sets_says_nothing() {
        assert_eq!(H264Quantizer::default().read(&[0, 0, 0, 1, 0x65, 0x88, 0x84, 0x21]), None);
        assert_eq!(H264Quantizer::default().read(&[]), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), kinds in proptest::collection::vec(0usize..4, 1..6)) {
            for (at, kind) in kinds.into_iter().enumerate() {
                let at = (at * 40).min(bytes.len());
                bytes.splice(at..at, [0, 0, 1, [0x67, 0x68, 0x65, 0x61][kind]]);
            }
            let mut quantizer = H264Quantizer::default();
            quantizer.read(&bytes);
            quantizer.read(&bytes);
        }
    }
}
