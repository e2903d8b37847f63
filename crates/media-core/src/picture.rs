//! A picture is one raw I420 image, tightly packed, whose buffer goes back to the pool it came from.
//! A running call allocates no picture memory once its pool is warm.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::Size;

/// One I420 (4:2:0, limited range) image: the Y plane, then U, then V, without padding between rows.
///
/// Odd sizes are allowed; the chroma planes are then rounded up ([`Size::chroma`]).
pub struct Picture {
    size: Size,
    data: Vec<u8>,
    home: Option<PicturePool>,
}

impl Picture {
    /// A black picture that belongs to no pool.
    pub fn black(size: Size) -> Self {
        let mut data = vec![16; byte_len(size)];
        data[size.pixels()..].fill(128);
        Self { size, data, home: None }
    }

    /// Width and height in pixels.
    pub fn size(&self) -> Size {
        self.size
    }

    /// The Y, U and V planes, row by row; the rows are as long as the plane is wide.
    pub fn planes(&self) -> [&[u8]; 3] {
        let (y, chroma) = self.data.split_at(self.size.pixels());
        let (u, v) = chroma.split_at(chroma.len() / 2);
        [y, u, v]
    }

    /// The Y, U and V planes to write to.
    pub fn planes_mut(&mut self) -> [&mut [u8]; 3] {
        let (y, chroma) = self.data.split_at_mut(self.size.pixels());
        let half = chroma.len() / 2;
        let (u, v) = chroma.split_at_mut(half);
        [y, u, v]
    }

    /// All three planes as they lie in memory, as a Y4M frame wants them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.data
    }

    /// All three planes to write to.
    pub fn as_bytes_mut(&mut self) -> &mut [u8] {
        &mut self.data
    }
}

/// Bytes of an I420 picture of this size.
fn byte_len(size: Size) -> usize {
    size.pixels() + 2 * size.chroma().pixels()
}

/// A deep copy that belongs to no pool.
impl Clone for Picture {
    fn clone(&self) -> Self {
        Self { size: self.size, data: self.data.clone(), home: None }
    }
}

/// Equal when size and every pixel are.
impl PartialEq for Picture {
    fn eq(&self, other: &Self) -> bool {
        self.size == other.size && self.data == other.data
    }
}

impl Eq for Picture {}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Picture({})", self.size)
    }
}

impl Drop for Picture {
    fn drop(&mut self) {
        if let Some(pool) = self.home.take() {
            pool.put_back(std::mem::take(&mut self.data));
        }
    }
}

/// Recycles the buffers of dropped pictures; clones share one pool.
#[derive(Clone)]
pub struct PicturePool {
    shared: Arc<Shared>,
}

struct Shared {
    free: Mutex<Vec<Vec<u8>>>,
    max_free: usize,
}

impl PicturePool {
    /// A pool that keeps at most `max_free` idle buffers; as many as pictures are in flight at once is enough.
    pub fn new(max_free: usize) -> Self {
        Self { shared: Arc::new(Shared { free: Mutex::new(Vec::with_capacity(max_free)), max_free }) }
    }

    /// A picture with unspecified contents: overwrite every pixel. It allocates only when no idle buffer is large enough.
    pub fn take(&self, size: Size) -> Picture {
        let mut data = self.free().pop().unwrap_or_default();
        data.resize(byte_len(size), 0);
        Picture { size, data, home: Some(self.clone()) }
    }

    fn put_back(&self, data: Vec<u8>) {
        let mut free = self.free();
        if free.len() < self.shared.max_free {
            free.push(data);
        }
    }

    /// The list stays whole whatever its last user did, so a poisoned lock is no reason to stop.
    fn free(&self) -> std::sync::MutexGuard<'_, Vec<Vec<u8>>> {
        self.shared.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for PicturePool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PicturePool")
            .field("free", &self.free().len())
            .field("max_free", &self.shared.max_free)
            .finish()
    }
}

/// A picture and the moment at which the camera took it.
#[derive(Debug, Clone)]
pub struct CapturedPicture {
    /// The picture, shared between the encoder and the self-view.
    pub picture: Arc<Picture>,
    /// When it was captured.
    pub captured_at: Instant,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_of_an_odd_size_round_up() {
        let mut picture = Picture::black(Size { width: 5, height: 3 });
        assert_eq!(picture.planes().map(<[u8]>::len), [15, 6, 6]);
        assert_eq!(picture.planes_mut().map(|plane| plane.len()), [15, 6, 6]);
        assert!(picture.planes()[0].iter().all(|&y| y == 16));
        assert!(picture.planes()[2].iter().all(|&v| v == 128));
    }

    #[test]
    fn a_dropped_picture_gives_its_buffer_back() {
        let pool = PicturePool::new(1);
        let size = Size { width: 64, height: 32 };
        let picture = pool.take(size);
        let buffer = picture.as_bytes().as_ptr();
        drop(picture);
        let again = pool.take(Size { width: 32, height: 32 });
        assert_eq!(again.as_bytes().as_ptr(), buffer, "a smaller picture fits in the recycled buffer");
        assert_eq!(again.as_bytes().len(), 32 * 32 * 3 / 2);
    }

    #[test]
    fn the_pool_keeps_no_more_than_it_was_told() {
        let pool = PicturePool::new(2);
        let size = Size { width: 16, height: 16 };
        drop([pool.take(size), pool.take(size), pool.take(size)]);
        assert_eq!(pool.free().len(), 2);
    }

    #[test]
    fn a_clone_is_equal_and_independent() {
        let pool = PicturePool::new(1);
        let mut picture = pool.take(Size { width: 16, height: 16 });
        picture.as_bytes_mut().fill(7);
        let mut copy = picture.clone();
        assert_eq!(copy, picture);
        copy.planes_mut()[0][0] = 8;
        assert_ne!(copy, picture);
    }
}
