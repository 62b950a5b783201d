//! How long all paths of a file are together. Paths are kept, shown and hashed with their values, so long keys
//! above many values would take time and memory without bound.

use super::Segment;

/// Bytes: room for more than a hundred thousand values, where a settings file has hundreds.
const MOST: usize = 16 << 20;

/// What a segment takes beside its text.
const SEGMENT: usize = 32;

/// The bytes of all paths so far.
#[derive(Debug, Default)]
pub(crate) struct PathLengths {
    sum: usize,
}

impl PathLengths {
    /// The length of a path that goes on from its parent's by this segment; `None` if that is too much.
    pub fn below(&mut self, parent: usize, segment: &Segment) -> Option<usize> {
        let length = parent + SEGMENT + segment.text_len();
        self.spend(length).then_some(length)
    }

    /// Counts paths that are there already, but used once more; says whether that is not too much.
    pub fn spend(&mut self, bytes: usize) -> bool {
        self.sum = self.sum.saturating_add(bytes);
        self.sum <= MOST
    }
}
