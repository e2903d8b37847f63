//! What the targets share: reading the fuzzer's bytes as a script of small steps.
//! A script that ends early goes on as zeros, so that every input is a whole story.

pub mod conversation;

/// The bytes of one input, read from the front.
#[derive(Debug)]
pub struct Script<'a> {
    rest: &'a [u8],
}

impl<'a> Script<'a> {
    /// A script that begins with the first byte.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Whether all bytes were read.
    pub fn is_over(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next `length` bytes, or the fewer ones that are left.
    pub fn bytes(&mut self, length: usize) -> &'a [u8] {
        let (bytes, rest) = self.rest.split_at(length.min(self.rest.len()));
        self.rest = rest;
        bytes
    }

    /// Whatever is left.
    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        u8::from_be_bytes(self.array())
    }

    /// The next two bytes, most significant first, as in RTP.
    pub fn u16(&mut self) -> u16 {
        u16::from_be_bytes(self.array())
    }

    /// The next four bytes, most significant first.
    pub fn u32(&mut self) -> u32 {
        u32::from_be_bytes(self.array())
    }

    /// The next bytes behind their number, which takes one byte.
    pub fn short(&mut self) -> &'a [u8] {
        let length = self.byte();
        self.bytes(length.into())
    }

    /// The next bytes behind their number, which takes two bytes.
    pub fn long(&mut self) -> &'a [u8] {
        let length = self.u16();
        self.bytes(length.into())
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut array = [0; N];
        let bytes = self.bytes(N);
        array[..bytes.len()].copy_from_slice(bytes);
        array
    }
}

/// Panics unless `text` can be shown to a person as it is: one line that does not steer the terminal.
#[track_caller]
pub fn assert_showable(text: &str) {
    assert!(!text.chars().any(char::is_control), "{text:?} steers the terminal");
}
