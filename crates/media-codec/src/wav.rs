//! Sound files: WAV of any common kind in, as 48 kHz mono; 48 kHz mono 16-bit WAV out.
//! A file being written can be played up to its last full second whatever becomes of the program.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use media_core::SAMPLE_RATE;

use crate::Resampler;

/// File samples that are converted at once: 20 ms at 48 kHz.
const BLOCK: usize = 960;

/// More are no recording of anything; and each costs time.
const MAX_CHANNELS: u16 = 32;

/// RIFF counts in 32 bits, which is 12 hours; the header takes a few of them.
const MAX_SAMPLES: u64 = (u32::MAX as u64 - 1024) / 2;

/// A file cannot be used as sound.
#[derive(Debug, thiserror::Error)]
pub enum WavError {
    /// The file cannot be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Some other kind of file, or damaged.
    #[error("not a usable wav file: {0}")]
    Malformed(&'static str),
    /// Compressed, or with samples of an unusual kind.
    #[error("the wav file has {0}; convert it to 16-bit pcm")]
    Format(String),
    /// A sample rate outside of 8 to 192 kHz.
    #[error("the wav file has {0} Hz; 8000 to 192000 Hz can be played")]
    Rate(u32),
    /// A header without sound.
    #[error("the wav file holds no sound")]
    Empty,
    /// The file ends before the sound that its header tells of does.
    #[error("the wav file is cut off: {held} of {promised} bytes of sound are there")]
    Truncated {
        /// Bytes of sound in the header.
        promised: u64,
        /// Bytes of sound in the file.
        held: u64,
    },
    /// The file that is being written cannot become larger.
    #[error("a wav file holds no more than 12 hours; the rest is not written")]
    Full,
}

impl From<hound::Error> for WavError {
    fn from(error: hound::Error) -> Self {
        match error {
            // The library's own word for "the file ended".
            hound::Error::IoError(error) if error.kind() == io::ErrorKind::Other => {
                Self::Malformed("it ends too early")
            }
            hound::Error::IoError(error) => Self::Io(error),
            hound::Error::FormatError(reason) => Self::Malformed(reason),
            hound::Error::Unsupported | hound::Error::TooWide | hound::Error::InvalidSampleFormat => {
                Self::Format("an unsupported encoding".into())
            }
            hound::Error::UnfinishedSample => Self::Malformed("it ends within a sample"),
        }
    }
}

/// Reads a file from the start as often as wanted.
pub struct WavReader<R> {
    /// None after a failed rewind; there is nothing to read then.
    inner: Option<hound::WavReader<R>>,
    spec: hound::WavSpec,
    resampler: Resampler,
    block: Vec<f32>,
    /// At 48 kHz, read but not yet asked for.
    ready: Vec<f32>,
    /// The resampler was flushed.
    ended: bool,
}

impl WavReader<BufReader<File>> {
    /// Opens the file at `path`.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn open(path: &Path) -> Result<Self, WavError> {
        Self::new(BufReader::new(File::open(path)?))
    }
}

impl<R: Read + Seek> WavReader<R> {
    /// Reads the header; integer samples of 8 to 32 bits or 32-bit float, at 8 to 192 kHz, with up to 32 channels, which
    /// are averaged. Give a buffered input.
    ///
    /// # Errors
    /// See [`WavError`].
    pub fn new(mut input: R) -> Result<Self, WavError> {
        let length = input.seek(SeekFrom::End(0))?;
        let inner = from_start(input)?;
        let (spec, samples) = (inner.spec(), u64::from(inner.len()));
        let resampler = Resampler::new(spec.sample_rate, SAMPLE_RATE).map_err(|_| WavError::Rate(spec.sample_rate))?;
        if spec.channels > MAX_CHANNELS {
            return Err(WavError::Format(format!("{} channels", spec.channels)));
        }
        if samples == 0 {
            return Err(WavError::Empty);
        }
        let mut input = inner.into_inner();
        let held = length.saturating_sub(input.stream_position()?);
        let promised = samples * u64::from(spec.bits_per_sample / 8);
        if held < promised {
            return Err(WavError::Truncated { promised, held });
        }
        // An unsupported kind of sample shows with the first one; better now than in the middle of a call.
        let mut inner = from_start(input)?;
        next_sample(&mut inner, spec)?;
        let inner = Some(from_start(inner.into_inner())?);
        Ok(Self { inner, spec, resampler, block: Vec::with_capacity(BLOCK), ready: Vec::new(), ended: false })
    }

    /// Appends up to `samples` samples of 48 kHz mono to `out` and returns their number: fewer only at the end of the file,
    /// 0 after it.
    ///
    /// # Errors
    /// [`WavError::Io`] or [`WavError::Malformed`] when the file can no longer be read.
    pub fn read(&mut self, samples: usize, out: &mut Vec<f32>) -> Result<usize, WavError> {
        while self.ready.len() < samples && self.convert_block()? {}
        let read = samples.min(self.ready.len());
        out.extend(self.ready.drain(..read));
        Ok(read)
    }

    /// Goes back to the beginning.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn rewind(&mut self) -> Result<(), WavError> {
        if let Some(inner) = self.inner.take() {
            self.inner = Some(from_start(inner.into_inner())?);
        }
        // What the resampler still holds is of the old position.
        self.resampler.flush(&mut self.ready);
        self.ready.clear();
        self.ended = false;
        Ok(())
    }

    /// Reads and converts the next 20 ms or so; false at the end.
    fn convert_block(&mut self) -> Result<bool, WavError> {
        let Some(inner) = &mut self.inner else { return Ok(false) };
        let channels = self.spec.channels;
        // The length of this iterator is that of the unread rest, whatever the type.
        let left = inner.samples::<i32>().len() / usize::from(channels);
        if left == 0 {
            let ending = !std::mem::replace(&mut self.ended, true);
            if ending {
                self.resampler.flush(&mut self.ready);
            }
            return Ok(ending);
        }
        self.block.clear();
        for _ in 0..left.min(BLOCK) {
            let mut sum = 0.0;
            for _ in 0..channels {
                sum += next_sample(inner, self.spec)?;
            }
            self.block.push(sum / f32::from(channels));
        }
        self.resampler.push(&self.block, &mut self.ready);
        Ok(true)
    }
}

fn from_start<R: Read + Seek>(mut input: R) -> Result<hound::WavReader<R>, WavError> {
    input.rewind()?;
    Ok(hound::WavReader::new(input)?)
}

/// The next sample in [-1, 1].
fn next_sample<R: Read>(inner: &mut hound::WavReader<R>, spec: hound::WavSpec) -> Result<f32, WavError> {
    let ended = || WavError::Malformed("it ends too early");
    match spec.sample_format {
        hound::SampleFormat::Int => {
            let full_scale = (1_u64 << (spec.bits_per_sample - 1)) as f32;
            Ok(inner.samples::<i32>().next().ok_or_else(ended)?? as f32 / full_scale)
        }
        hound::SampleFormat::Float => {
            let sample = inner.samples::<f32>().next().ok_or_else(ended)??;
            Ok(if sample.is_nan() { 0.0 } else { sample.clamp(-1.0, 1.0) })
        }
    }
}

/// Writes 48 kHz mono 16-bit sound.
pub struct WavWriter<W: Write + Seek> {
    inner: hound::WavWriter<W>,
    written: u64,
    /// What the header on disk counts.
    settled: u64,
}

impl WavWriter<BufWriter<File>> {
    /// Creates or overwrites the file at `path`.
    ///
    /// # Errors
    /// [`WavError::Io`].
    pub fn create(path: &Path) -> Result<Self, WavError> {
        Self::new(BufWriter::new(File::create(path)?))
    }
}

impl<W: Write + Seek> WavWriter<W> {
    /// Writes the header of an empty file. Give a buffered output.
    ///
    /// # Errors
    /// [`WavError::Io`].
    pub fn new(output: W) -> Result<Self, WavError> {
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: SAMPLE_RATE,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut inner = hound::WavWriter::new(output, spec)?;
        inner.flush()?;
        Ok(Self { inner, written: 0, settled: 0 })
    }

    /// Appends samples in [-1, 1]; what is beyond is clipped. Once a second the header on disk follows.
    ///
    /// # Errors
    /// [`WavError::Full`] after 12 hours, [`WavError::Io`].
    pub fn write(&mut self, samples: &[f32]) -> Result<(), WavError> {
        if self.written + samples.len() as u64 > MAX_SAMPLES {
            return Err(WavError::Full);
        }
        for &sample in samples {
            // A cast from float saturates, and makes 0 of what is no number.
            self.inner.write_sample((sample * 32_767.0).round() as i16)?;
        }
        self.written += samples.len() as u64;
        if self.written - self.settled >= u64::from(SAMPLE_RATE) {
            self.inner.flush()?;
            self.settled = self.written;
        }
        Ok(())
    }

    /// Completes the file. Dropping the writer does the same but cannot report an error.
    ///
    /// # Errors
    /// [`WavError::Io`].
    pub fn finish(self) -> Result<(), WavError> {
        Ok(self.inner.finalize()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Tone, goertzel_power};
    use proptest::prelude::*;
    use std::io::Cursor;

    /// A file of one second of 440 Hz at half scale in all channels but the last of several, which is silent.
    fn file(rate: u32, channels: u16, bits: u16, sample_format: hound::SampleFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let spec = hound::WavSpec { channels, sample_rate: rate, bits_per_sample: bits, sample_format };
        let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
        for n in 0..rate {
            let sample = 0.5 * (std::f64::consts::TAU * 440.0 * f64::from(n) / f64::from(rate)).sin();
            for channel in 0..channels {
                let sample = if channel > 0 && channel + 1 == channels { 0.0 } else { sample };
                match sample_format {
                    hound::SampleFormat::Float => writer.write_sample(sample as f32).unwrap(),
                    hound::SampleFormat::Int => {
                        writer.write_sample((sample * ((1_u64 << (bits - 1)) - 1) as f64) as i32).unwrap();
                    }
                }
            }
        }
        writer.finalize().unwrap();
        bytes.into_inner()
    }

    fn open(bytes: &[u8]) -> Result<WavReader<Cursor<&[u8]>>, WavError> {
        WavReader::new(Cursor::new(bytes))
    }

    #[test]
    fn every_common_kind_becomes_48_khz_mono() {
        use hound::SampleFormat::{Float, Int};
        for (rate, channels, bits, format, amplitude) in [
            (48_000, 1, 16, Int, 0.5),
            (44_100, 2, 16, Int, 0.25),
            (8_000, 1, 8, Int, 0.5),
            (96_000, 1, 24, Int, 0.5),
            (22_050, 1, 32, Int, 0.5),
            (192_000, 2, 32, Float, 0.25),
            (16_000, 6, 32, Float, 0.5 * 5.0 / 6.0),
        ] {
            let bytes = file(rate, channels, bits, format);
            let mut reader = open(&bytes).unwrap();
            for _ in 0..2 {
                let mut out = Vec::new();
                while reader.read(960, &mut out).unwrap() == 960 {}
                assert_eq!(out.len(), 48_000, "{rate} Hz");
                assert_eq!(reader.read(960, &mut out).unwrap(), 0);
                let level = (goertzel_power(&out, 440.0) * 2.0).sqrt();
                assert!((level - amplitude).abs() < 0.01, "{rate} Hz, {bits} bits, {channels} channels: {level}");
                reader.rewind().unwrap();
            }
        }
    }

    #[test]
    fn what_was_written_is_read_back() {
        let mut sound = vec![0.0; 4_800];
        Tone::default().fill(&mut sound);
        sound.extend([1.5, -1.5, f32::NAN]);
        let mut bytes = Cursor::new(Vec::new());
        let mut writer = WavWriter::new(&mut bytes).unwrap();
        sound.chunks(480).for_each(|piece| writer.write(piece).unwrap());
        writer.finish().unwrap();
        let mut back = Vec::new();
        assert_eq!(open(bytes.get_ref()).unwrap().read(10_000, &mut back).unwrap(), 4_803);
        assert!(sound.iter().zip(&back).take(4_800).all(|(a, b)| (a - b).abs() < 1e-4));
        assert_eq!(back[4_802], 0.0);
        assert!(back[4_800] > 0.999 && back[4_801] < -0.999);
    }

    #[test]
    fn a_file_that_is_never_finished_plays_up_to_its_last_full_second() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sound.wav");
        let mut writer = WavWriter::create(&path).unwrap();
        assert!(matches!(WavReader::open(&path), Err(WavError::Empty)));
        for _ in 0..250 {
            writer.write(&[0.1; 480]).unwrap();
        }
        // As if the program were killed now: neither finish nor drop.
        std::mem::forget(writer);
        let mut out = Vec::new();
        assert_eq!(WavReader::open(&path).unwrap().read(200_000, &mut out).unwrap(), 96_000);
    }

    #[test]
    fn unusable_files_say_why_in_one_line() {
        let good = file(8_000, 1, 16, hound::SampleFormat::Int);
        let patched = |at: usize, bytes: &[u8]| {
            let mut file = good.clone();
            file[at..at + bytes.len()].copy_from_slice(bytes);
            file
        };
        for (bytes, wanted) in [
            (b"".to_vec(), "not a usable wav file: it ends too early"),
            (b"YUV4MPEG2 W16 H16".to_vec(), "not a usable wav file: no RIFF tag found"),
            (good[..30].to_vec(), "not a usable wav file: it ends too early"),
            (good[..1_044].to_vec(), "the wav file is cut off: 1000 of 16000 bytes of sound are there"),
            (file(4_000, 1, 16, hound::SampleFormat::Int), "the wav file has 4000 Hz; 8000 to 192000 Hz can be played"),
            (file(8_000, 33, 8, hound::SampleFormat::Int), "the wav file has 33 channels; convert it to 16-bit pcm"),
            (patched(20, &[85, 0]), "the wav file has an unsupported encoding; convert it to 16-bit pcm"),
            (patched(40, &[0; 4]), "the wav file holds no sound"),
            (patched(22, &[0, 0]), "not a usable wav file: file contains zero channels"),
        ] {
            assert_eq!(open(&bytes).err().unwrap().to_string(), wanted);
        }
    }

    proptest! {
        #[test]
        fn a_damaged_file_never_panics(damage in proptest::collection::vec((0..60usize, any::<u8>()), 1..6), cut in 0..400usize) {
            let mut bytes = file(8_000, 2, 24, hound::SampleFormat::Int);
            for (at, byte) in damage {
                bytes[at] = byte;
            }
            for bytes in [&bytes[..], &bytes[..cut]] {
                if let Ok(mut reader) = open(bytes) {
                    let mut out = Vec::new();
                    let _ = reader.read(48_000, &mut out);
                    prop_assert!(out.iter().all(|sample| (-1.0..=1.0).contains(sample)));
                    let _ = reader.rewind();
                }
            }
        }
    }
}
