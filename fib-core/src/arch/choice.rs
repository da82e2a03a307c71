//! The choice of a kernel by hand, for tests and benchmarks.
#![cfg_attr(not(feature = "__kernels"), allow(unreachable_pub, reason = "only that feature exports it"))]

use core::fmt;

use super::kernel::Kernel;
use super::machine;

impl Kernel {
    /// Lower-case name: `portable`, `avx2` or `avx512`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }

    /// The kernels that this machine supports, the slowest first.
    ///
    /// ```
    /// use fib_core::Kernel;
    ///
    /// assert_eq!(Kernel::available().next(), Some(Kernel::Portable));
    /// ```
    pub fn available() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|kernel| machine::supports(*kernel))
    }

    /// The kernel in use.
    #[must_use]
    #[inline]
    pub fn current() -> Self {
        machine::current()
    }

    /// Uses this kernel from now on, in the whole program: for tests and benchmarks. A call that is running on another thread
    /// ends with the kernel that it began with.
    ///
    /// # Errors
    ///
    /// [`UnsupportedKernel`] if this machine does not support the kernel; the choice is then unchanged.
    pub fn force(self) -> Result<(), UnsupportedKernel> {
        if !machine::supports(self) {
            return Err(UnsupportedKernel(self));
        }
        machine::set_current(self);
        Ok(())
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
