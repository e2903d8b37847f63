//! A fixed array addressed by an ever growing sequence number: the memory of both buffers.
//! It allocates once; a number and the number one capacity further share a slot, so the owner keeps its window smaller.

/// A ring of `capacity` slots.
#[derive(Debug)]
pub(crate) struct Ring<T> {
    slots: Box<[Option<T>]>,
}

impl<T> Ring<T> {
    /// An empty ring; the capacity is at least 1.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { slots: (0..capacity).map(|_| None).collect() }
    }

    /// What lies in the slot of this number.
    pub(crate) fn get(&self, number: i64) -> Option<&T> {
        self.slots[self.index(number)].as_ref()
    }

    /// The slot of this number, to fill, change or empty.
    pub(crate) fn slot(&mut self, number: i64) -> &mut Option<T> {
        let index = self.index(number);
        &mut self.slots[index]
    }

    /// Empties every slot.
    pub(crate) fn clear(&mut self) {
        self.slots.fill_with(|| None);
    }

    fn index(&self, number: i64) -> usize {
        number.rem_euclid(self.slots.len() as i64) as usize
    }
}
