//! The names of the kernels.

/// A set of loops for addition and text, named after the instructions that it needs.
///
/// The choice never changes a result. The best kernel of the machine is chosen automatically. The tests and benchmarks of this
/// repository can force another one, with the feature `__kernels`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[cfg_attr(not(feature = "__kernels"), allow(unreachable_pub, reason = "only that feature exports it"))]
pub enum Kernel {
    /// Portable Rust, on every target.
    Portable,
    /// AVX2 on x86-64.
    Avx2,
    /// AVX-512 (F and DQ) on x86-64. Text also needs BW, IFMA and VBMI; on a CPU without them it uses AVX2.
    Avx512,
}

impl Kernel {
    /// All kernels, the slowest first.
    pub(super) const ALL: [Self; 3] = [Self::Portable, Self::Avx2, Self::Avx512];
}
