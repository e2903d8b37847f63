//! Sound in files: WAV, 48 kHz, mono, 16 bit, whole or growing while it is played.
//! A failure while it grows is told when the file is completed, so that a media thread need not care.

use std::io;
use std::path::Path;

use super::RATE;

const FORMAT: hound::WavSpec =
    hound::WavSpec { channels: 1, sample_rate: RATE, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };

/// Writes a whole sound as WAV.
///
/// # Errors
/// When the file cannot be written.
pub fn save(path: &Path, samples: &[f32]) -> io::Result<()> {
    let mut recording = Recording::create(path)?;
    recording.write(samples);
    recording.finish().map(drop)
}

/// Reads a WAV file of 48 kHz, mono, 16 bit.
///
/// # Errors
/// When it cannot be read or is of another format.
pub fn load(path: &Path) -> io::Result<Vec<f32>> {
    let mut reader = hound::WavReader::open(path).map_err(failed)?;
    if reader.spec() != FORMAT {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the sound is not 48 kHz, mono, 16 bit"));
    }
    let samples = reader.samples::<i16>().map(|sample| sample.map(|sample| f32::from(sample) / 32_768.0));
    samples.collect::<Result<_, _>>().map_err(failed)
}

/// A WAV file that grows as sound is played.
pub struct Recording {
    writer: hound::WavWriter<io::BufWriter<std::fs::File>>,
    samples: u64,
    failure: Option<io::Error>,
}

impl Recording {
    /// Makes the file.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(path: &Path) -> io::Result<Self> {
        let writer = hound::WavWriter::create(path, FORMAT).map_err(failed)?;
        Ok(Self { writer, samples: 0, failure: None })
    }

    /// Appends samples; the first failure is kept for [`Self::finish`].
    pub fn write(&mut self, samples: &[f32]) {
        self.samples += samples.len() as u64;
        for sample in samples {
            let sample = (sample * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16;
            if self.failure.is_none()
                && let Err(error) = self.writer.write_sample(sample)
            {
                self.failure = Some(failed(error));
            }
        }
    }

    /// Completes the file and tells how many samples it has.
    ///
    /// # Errors
    /// The first failure.
    pub fn finish(self) -> io::Result<u64> {
        match self.failure {
            Some(error) => Err(error),
            None => self.writer.finalize().map(|()| self.samples).map_err(failed),
        }
    }
}

fn failed(error: hound::Error) -> io::Error {
    match error {
        hound::Error::IoError(error) => error,
        other => io::Error::new(io::ErrorKind::InvalidData, other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_keeps_the_sound() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("sound.wav");
        let round = crate::media::sound::round();
        save(&path, &round).expect("writable");
        let loaded = load(&path).expect("as written");
        assert_eq!(loaded.len(), round.len());
        assert!(loaded.iter().zip(round).all(|(a, b)| (a - b).abs() < 0.0001));
    }

    #[test]
    fn a_file_of_another_kind_is_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("sound.wav");
        std::fs::write(&path, "no sound").expect("writable");
        assert!(load(&path).is_err());
        let stereo = hound::WavSpec { channels: 2, ..FORMAT };
        hound::WavWriter::create(&path, stereo).expect("writable").finalize().expect("writable");
        assert!(load(&path).is_err_and(|error| error.to_string().contains("48 kHz")));
    }
}
