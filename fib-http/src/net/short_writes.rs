//! Joining the pieces of a short response.

use std::io::IoSlice;
use std::mem::MaybeUninit;

use tokio::io::ReadBuf;

/// The most bytes that are joined. Copying a short response costs less than `writev` costs beyond `send`.
pub(crate) const MAX_BYTES: usize = 1024;

/// Copies `slices` into `space` one after the other; `None` where they are longer than that.
pub(crate) fn join<'a>(slices: &[IoSlice<'_>], space: &'a mut [MaybeUninit<u8>; MAX_BYTES]) -> Option<ReadBuf<'a>> {
    if slices.iter().map(|slice| slice.len()).sum::<usize>() > MAX_BYTES {
        return None;
    }
    let mut joined = ReadBuf::uninit(space);
    slices.iter().for_each(|slice| joined.put_slice(slice));
    Some(joined)
}
