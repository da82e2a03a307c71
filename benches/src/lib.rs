//! Shared by the benchmarks, the experiments and the comparison with other libraries.

pub mod chart;
pub mod data;
pub mod iterators;
pub mod table;

use fib_core::Kernel;

/// The kernel of that name, for a flag's value.
///
/// # Errors
/// What this machine supports, where it does not support that one.
pub fn parse_kernel(name: &str) -> Result<Kernel, String> {
    Kernel::available().find(|kernel| kernel.name() == name).ok_or_else(|| {
        let names: Vec<_> = Kernel::available().map(Kernel::name).collect();
        format!("this machine supports {}", names.join(", "))
    })
}

/// Chooses a kernel out of those that [`Kernel::available`] lists.
///
/// # Panics
/// If the machine does not support it.
pub fn force(kernel: Kernel) {
    kernel.force().expect("an available kernel is supported");
}
