//! Addition with vectors, written once over what AVX2 and AVX-512 have in common.
//!
//! The generic functions are inlined into [`Vectors::run`], which is compiled for the instructions of its vectors.

use crate::arch::portable;
use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

/// Vectors of `LANES` limbs, as far as an addition needs them. The methods take `self`, which proves that the CPU has the
/// instructions.
pub(in crate::arch) trait Vectors<const LANES: usize>: Copy {
    type Vector: Copy;

    /// [`add_blocks`], compiled for these vectors.
    fn run<const BASE: u64>(self, a: &mut [u64], b: &[u64], carry: bool) -> bool;

    fn load(self, limbs: &[u64; LANES]) -> Self::Vector;

    fn store(self, limbs: &mut [u64; LANES], vector: Self::Vector);

    fn zero(self) -> Self::Vector;

    /// Carries with `carry` in the highest lane. The other lanes do not matter.
    fn carries(self, carry: bool) -> Self::Vector;

    /// Whether the highest lane carries.
    fn has_carry(self, carries: Self::Vector) -> bool;

    /// Adds lane by lane, and adds to each lane the carry that the lane below it generates. The lowest lane takes the carry
    /// in the highest lane of `below`.
    fn sum<const BASE: u64>(self, a: Self::Vector, b: Self::Vector, below: Self::Vector) -> VectorSum<Self::Vector>;

    /// Adds to `noted` the lanes of `raw` that are all ones, since these propagate a carry: `raw` is [`VectorSum::raw`]. The
    /// first call takes zero.
    fn note_propagation(self, noted: Self::Vector, raw: Self::Vector) -> Self::Vector;

    /// Whether any lane was noted.
    fn any_propagates(self, noted: Self::Vector) -> bool;
}

/// A sum of two vectors of limbs.
pub(in crate::arch) struct VectorSum<V> {
    /// `a + b + bias` modulo 2^64, without the carries between lanes, in the form that
    /// [`Vectors::note_propagation`] takes.
    pub(in crate::arch) raw: V,
    /// The lanes that generate a carry, in the form of [`Vectors::carries`].
    pub(in crate::arch) carries: V,
    /// The limbs of the sum, unless a lane propagates a carry.
    pub(in crate::arch) limbs: V,
}

/// `a += b + carry` with vectors; returns the carry out.
///
/// # Panics
///
/// If the lengths differ.
#[must_use]
pub(in crate::arch) fn add_in_place<const BASE: u64, const LANES: usize>(
    vectors: impl Vectors<LANES>,
    a: &mut [u64],
    b: &[u64],
    carry: bool,
) -> bool {
    assert!(a.len() == b.len(), "addition needs equal lengths");
    vectors.run::<BASE>(a, b, carry)
}

/// Vectors in a block: enough to make up for the test at its end.
const BLOCK: usize = 4;

/// `a += b + carry`, first in whole blocks, then in whole vectors, then limb by limb.
///
/// The last limbs are not added under a mask: the next addition would wait for the masked store.
#[inline(always)]
pub(super) fn add_blocks<const BASE: u64, const LANES: usize>(
    vectors: impl Vectors<LANES>,
    a: &mut [u64],
    b: &[u64],
    carry: bool,
) -> bool {
    let distance = prefetch_distance(a.len());
    let (a, a_rest) = a.as_chunks_mut::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    let (a_blocks, a) = a.as_chunks_mut::<BLOCK>();
    let (b_blocks, b) = b.as_chunks::<BLOCK>();
    let mut carries = vectors.carries(carry);
    for (a, b) in a_blocks.iter_mut().zip(b_blocks) {
        if let Some(distance) = distance {
            prefetch(a.as_flattened(), distance);
            prefetch(b.as_flattened(), distance);
        }
        carries = add_block::<BASE, LANES, BLOCK, _>(vectors, a, b, carries);
    }
    for (a, b) in a.as_chunks_mut::<1>().0.iter_mut().zip(b.as_chunks::<1>().0) {
        carries = add_block::<BASE, LANES, 1, _>(vectors, a, b, carries);
    }
    let carry = vectors.has_carry(carries);
    if a_rest.is_empty() { carry } else { add_portable::<BASE>(a_rest, b_rest, carry) }
}

/// `a += b` with the carry in the highest lane of `below`; returns the carries of the last vector.
///
/// A lane generates a carry where its own sum overflows, and propagates one where its sum is all ones. Each carry moves up by
/// one lane here, which is all that is needed unless a lane propagates. With random limbs that happens once in 2^64 lanes, so
/// one test at the end of the block looks for it and leaves such a block to the portable kernel. All other carries stay in
/// vector registers, and the processor overlaps the blocks.
#[inline(always)]
fn add_block<const BASE: u64, const LANES: usize, const N: usize, V: Vectors<LANES>>(
    vectors: V,
    a: &mut [[u64; LANES]; N],
    b: &[[u64; LANES]; N],
    below: V::Vector,
) -> V::Vector {
    let mut limbs = [vectors.zero(); N];
    let mut propagates = vectors.zero();
    let mut carries = below;
    for i in 0..N {
        let sum = vectors.sum::<BASE>(vectors.load(&a[i]), vectors.load(&b[i]), carries);
        propagates = vectors.note_propagation(propagates, sum.raw);
        limbs[i] = sum.limbs;
        carries = sum.carries;
    }
    if vectors.any_propagates(propagates) {
        let carry = add_portable::<BASE>(a.as_flattened_mut(), b.as_flattened(), vectors.has_carry(below));
        return vectors.carries(carry);
    }
    for i in 0..N {
        vectors.store(&mut a[i], limbs[i]);
    }
    carries
}

#[inline(never)]
fn add_portable<const BASE: u64>(a: &mut [u64], b: &[u64], carry: bool) -> bool {
    portable::add_in_place::<BASE>(a, b, carry)
}

/// How many limbs ahead of the current block an addition of `len` limbs prefetches, if it does.
///
/// Measured on Zen 5. From 2^15 limbs on, two numbers take half of an L2 cache of 1 MiB or more, and a short distance hides
/// the latency of L3. From 2^19 limbs on they also outgrow a share of L3. Main memory needs a long distance, beyond the page
/// of 4 KiB where hardware prefetching stops.
#[inline]
fn prefetch_distance(len: usize) -> Option<usize> {
    const L3_FROM: usize = 1 << 15;
    const MEMORY_FROM: usize = 1 << 19;

    match len {
        0..L3_FROM => None,
        L3_FROM..MEMORY_FROM => Some(128),
        MEMORY_FROM.. => Some(1024),
    }
}

/// Prefetches the limbs that stand `distance` limbs after these. Has no effect beyond the end of memory.
#[allow(unsafe_code)]
#[inline]
fn prefetch(limbs: &[u64], distance: usize) {
    const CACHE_LINE: usize = 8;

    for line in limbs.chunks(CACHE_LINE) {
        let ahead = line.as_ptr().wrapping_add(distance);
        // SAFETY: a prefetch is a hint. It reads nothing into the program and never faults.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(ahead.cast()) };
    }
}
