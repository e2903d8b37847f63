//! A screen of its own for a window: an X server without a display, whose picture can be read, kept and measured.
//! Keys and buttons are pressed as the hardware would; no window manager runs.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::place::scratch;
use crate::process::Process;

/// Size of the screen.
const WIDTH: usize = 1280;
const HEIGHT: usize = 800;

/// Starting, joining and connecting take a moment on a busy machine.
const SOON: Duration = Duration::from_secs(30);

/// A running X server.
pub struct Screen {
    _server: Process,
    display: String,
    folder: tempfile::TempDir,
}

impl Screen {
    /// Starts it on a display number of its own choice.
    pub fn start() -> Self {
        let folder = scratch();
        let mut command = Command::new("Xvfb");
        command.args([
            "-displayfd",
            "1",
            "-nolisten",
            "tcp",
            "-screen",
            "0",
            &format!("{WIDTH}x{HEIGHT}x24"),
            "-fbdir",
        ]);
        let server = Process::start("Xvfb", command.arg(folder.path()));
        let number = server.line_out("", Duration::from_secs(20));
        Self { _server: server, display: format!(":{}", number.trim()), folder }
    }

    /// What `DISPLAY` must be.
    pub fn display(&self) -> &str {
        &self.display
    }

    /// Gives the keyboard to the window with this title, as a window manager would.
    pub fn focus(&self, title: &str) {
        self.found(title, &["windowfocus", "--sync"]);
    }

    /// Presses and releases a key in the window with this title.
    pub fn press(&self, title: &str, key: &str) {
        self.focus(title);
        self.hand(&["key", key]);
    }

    /// Writes text into the window with this title, key by key.
    pub fn write(&self, title: &str, text: &str) {
        self.focus(title);
        self.hand(&["type", "--delay", "4", text]);
    }

    /// Moves the pointer to this place on the screen and clicks.
    pub fn click(&self, [x, y]: [i32; 2]) {
        self.hand(&["mousemove", &x.to_string(), &y.to_string(), "click", "1"]);
    }

    /// Where the window with this title is: left, top, width and height in pixels.
    pub fn window(&self, title: &str) -> [usize; 4] {
        let text = self.found(title, &["getwindowgeometry", "--shell"]);
        let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')?.parse().ok());
        ["X", "Y", "WIDTH", "HEIGHT"].map(|name| value(name).unwrap_or_else(|| panic!("no {name} of {title}: {text}")))
    }

    /// What comes of doing this with the window of this title, as soon as there is one. Only for what may be done twice:
    /// xdotool fails when a window goes while it looks for another one.
    fn found(&self, title: &str, arguments: &[&str]) -> String {
        let search = ["search", "--onlyvisible", "--name", title];
        let deadline = Instant::now() + SOON;
        loop {
            match self.xdotool(&[&search, arguments].concat()) {
                Ok(text) => return text,
                Err(error) => assert!(Instant::now() < deadline, "no window {title:?} for {arguments:?}: {error}"),
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// What a hand does once.
    fn hand(&self, arguments: &[&str]) {
        self.xdotool(arguments).unwrap_or_else(|error| panic!("xdotool does not do {arguments:?}: {error}"));
    }

    /// What it prints, or why it failed.
    fn xdotool(&self, arguments: &[&str]) -> Result<String, String> {
        let mut command = Command::new("xdotool");
        let output = command.args(arguments).env("DISPLAY", &self.display).output().expect("xdotool is installed");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    /// What the screen shows now.
    pub fn look(&self) -> Shot {
        let path = self.folder.path().join("Xvfb_screen0");
        let dump = std::fs::read(&path).unwrap_or_else(|error| panic!("no {}: {error}", path.display()));
        Shot::from_dump(&dump).expect("Xvfb writes the X window dump format")
    }
}

/// A picture of the screen: rows of red, green and blue.
pub struct Shot {
    width: usize,
    pixels: Vec<[u8; 3]>,
}

impl Shot {
    /// Reads the X window dump format (XWDFile.h, version 7) of a 32-bit screen.
    fn from_dump(dump: &[u8]) -> Option<Self> {
        let word =
            |index: usize| Some(u32::from_be_bytes(dump.get(index * 4..index * 4 + 4)?.try_into().ok()?) as usize);
        let (header, version, width, height) = (word(0)?, word(1)?, word(4)?, word(5)?);
        let (little_endian, bits, row_bytes, colours) = (word(7)? == 0, word(11)?, word(12)?, word(19)?);
        if version != 7 || bits != 32 || !little_endian {
            return None;
        }
        // Each entry of the colour table takes 12 bytes.
        let rows = dump.get(header + colours * 12..)?;
        let pixels = rows
            .chunks_exact(row_bytes)
            .take(height)
            .flat_map(|row| row.chunks_exact(4).take(width).map(|pixel| [pixel[2], pixel[1], pixel[0]]))
            .collect();
        Some(Self { width, pixels })
    }

    /// How many clearly different colours there are: a blank screen has one, an empty window a few, a picture many.
    pub fn colours(&self) -> usize {
        let mut coarse: Vec<_> = self.pixels.iter().map(|pixel| pixel.map(|value| value / 16)).collect();
        coarse.sort_unstable();
        coarse.dedup();
        coarse.len()
    }

    /// The share of pixels that differ clearly from another shot's.
    pub fn changed(&self, other: &Self) -> f64 {
        let differs = |(a, b): (&[u8; 3], &[u8; 3])| a.iter().zip(b).any(|(a, b)| a.abs_diff(*b) > 24);
        let count = self.pixels.iter().zip(&other.pixels).filter(|&pair| differs(pair)).count();
        count as f64 / self.pixels.len() as f64
    }

    /// Whether nothing is shown.
    pub fn is_blank(&self) -> bool {
        self.pixels.iter().all(|pixel| *pixel == self.pixels[0])
    }

    /// A part of it: left, top, width and height in pixels. What lies beyond is left out.
    pub fn part(&self, [left, top, width, height]: [usize; 4]) -> Self {
        let rows = self.pixels.chunks_exact(self.width).skip(top).take(height);
        let right = (left + width).min(self.width);
        Self { width: right - left, pixels: rows.flat_map(|row| &row[left..right]).copied().collect() }
    }

    /// Keeps it as a PNG file for people to look at.
    pub fn keep(&self, name: &str) -> PathBuf {
        let path = crate::place::folder("artefacts").join(name);
        self.write(&path);
        path
    }

    /// Writes it to `path` as a PNG file.
    pub fn write(&self, path: &Path) {
        write_png(path, self.width, &self.pixels).unwrap_or_else(|error| panic!("no {}: {error}", path.display()));
    }
}

/// PNG of 8 bits a colour; each row is filtered as its neighbours foretell it best.
fn write_png(path: &Path, width: usize, pixels: &[[u8; 3]]) -> std::io::Result<()> {
    let mut rows = Vec::with_capacity(pixels.len() * 3);
    let mut above = vec![0; width * 3];
    for row in pixels.chunks_exact(width) {
        let row = row.as_flattened();
        let filtered = FILTERS.map(|(kind, foretell)| (kind, filter(row, &above, foretell)));
        let best = filtered
            .iter()
            .min_by_key(|(_, row)| row.iter().map(|byte| byte.cast_signed().unsigned_abs() as u64).sum::<u64>());
        let (kind, row_left) = best.expect("there are filters");
        rows.push(*kind);
        rows.extend(row_left);
        above.copy_from_slice(row);
    }
    let stream = miniz_oxide::deflate::compress_to_vec_zlib(&rows, 9);

    let mut head = Vec::new();
    head.extend((width as u32).to_be_bytes());
    head.extend(((pixels.len() / width) as u32).to_be_bytes());
    // 8 bits a channel, red, green and blue, not interlaced.
    head.extend([8, 2, 0, 0, 0]);
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, data) in [(b"IHDR", &head), (b"IDAT", &stream), (b"IEND", &Vec::new())] {
        file.extend((data.len() as u32).to_be_bytes());
        let checked = [name.as_slice(), data].concat();
        file.extend(&checked);
        file.extend(crc32(&checked).to_be_bytes());
    }
    std::fs::write(path, file)
}

/// What a byte is foretold to be by the one to the left, the one above and the one above that.
type Foretell = fn(u8, u8, u8) -> u8;

/// Sub, Up and Paeth, by their numbers (PNG specification, section 9).
const FILTERS: [(u8, Foretell); 3] = [(1, |left, _, _| left), (2, |_, up, _| up), (4, paeth)];

fn filter(row: &[u8], above: &[u8], foretell: Foretell) -> Vec<u8> {
    let before = |row: &[u8], at: usize| if at < 3 { 0 } else { row[at - 3] };
    let foretold = |at| foretell(before(row, at), above[at], before(above, at));
    (0..row.len()).map(|at| row[at].wrapping_sub(foretold(at))).collect()
}

fn paeth(left: u8, up: u8, corner: u8) -> u8 {
    let estimate = i16::from(left) + i16::from(up) - i16::from(corner);
    let far = |byte: u8| estimate.abs_diff(i16::from(byte));
    if far(left) <= far(up) && far(left) <= far(corner) {
        left
    } else if far(up) <= far(corner) {
        up
    } else {
        corner
    }
}

/// CRC-32 of ISO 3309, as PNG asks for.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 0 { crc >> 1 } else { crc >> 1 ^ 0xedb8_8320 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_published_one() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }
}
