//! The names of the kernels.

use core::fmt;

/// A set of loops for addition and text, named after the instructions that it needs.
///
/// The choice never changes a result. The best kernel of the machine is chosen automatically; [`force`](Kernel::force) is for
/// tests and benchmarks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
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

    /// Lower-case name: `portable`, `avx2` or `avx512`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The machine lacks the instructions of the [`Kernel`] that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnsupportedKernel(pub(super) Kernel);

impl fmt::Display for UnsupportedKernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this machine does not support the {} kernel", self.0)
    }
}

impl core::error::Error for UnsupportedKernel {}
