//! An instruction that the processor does not know. It causes a fault, in which the runtime loops until a timeout ends it.

#![no_std]
#![no_main]

use firmware::entry;

#[entry]
fn main() -> ! {
    #[cfg(target_arch = "arm")]
    cortex_m::asm::udf();
    #[cfg(target_arch = "riscv32")]
    fault()
}

#[cfg(target_arch = "riscv32")]
#[allow(unsafe_code, reason = "there is no safe function for it")]
fn fault() -> ! {
    // SAFETY: the instruction does not return.
    unsafe { core::arch::asm!("unimp", options(noreturn)) }
}
