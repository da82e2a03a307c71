//! Code that the benchmarks, the experiments and the comparison with other libraries share.

pub mod chart;
pub mod data;
pub mod iterators;
pub mod table;

/// The examples in the README of the workspace and in `docs/` are tests too. They are here because a published crate can only
/// refer to its own files.
#[cfg(doctest)]
mod documents {
    #[doc = include_str!("../../README.md")]
    struct Readme;
    #[doc = include_str!("../../docs/architecture.md")]
    struct Architecture;
    #[doc = include_str!("../../docs/operating.md")]
    struct Operating;
    #[doc = include_str!("../../docs/performance.md")]
    struct Performance;
    #[doc = include_str!("../../docs/testing.md")]
    struct Testing;
}

use fib_core::Kernel;

/// Parses the name of a kernel, the value of a flag.
///
/// # Errors
/// If this machine does not support that kernel; the message lists those that it supports.
pub fn parse_kernel(name: &str) -> Result<Kernel, String> {
    Kernel::available().find(|kernel| kernel.name() == name).ok_or_else(|| {
        let names: Vec<_> = Kernel::available().map(Kernel::name).collect();
        format!("this machine supports {}", names.join(", "))
    })
}

/// Makes one of the kernels that [`Kernel::available`] lists the current one.
///
/// # Panics
/// If the machine does not support it.
pub fn force(kernel: Kernel) {
    kernel.force().expect("an available kernel is supported");
}
