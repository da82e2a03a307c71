//! Counts instructions. In QEMU each instruction takes one nanosecond (`-icount shift=0`).

#[cfg(target_arch = "arm")]
use cortex_m::peripheral::{SYST, syst::SystClkSource};

/// Counts with the system timer. A tick takes ten instructions or more, so the work should take many.
#[cfg(target_arch = "arm")]
pub struct Counter {
    /// The number of ticks that [`KNOWN`] instructions take.
    ticks: u64,
}

/// The number of instructions of a loop, with which the timer is calibrated.
#[cfg(target_arch = "arm")]
const KNOWN: u32 = 20_000_000;

#[cfg(target_arch = "arm")]
impl Counter {
    /// Starts the timer and measures how long a tick is.
    ///
    /// # Panics
    /// If it is called twice, since there is one timer.
    pub fn new() -> Self {
        let mut timer = cortex_m::Peripherals::take().expect("there is one timer").SYST;
        timer.set_clock_source(SystClkSource::Core);
        timer.set_reload(0x00ff_ffff);
        timer.clear_current();
        timer.enable_counter();
        Self { ticks: ticks(known) }
    }

    /// The number of instructions that `work` takes, up to some hundred million.
    pub fn count(&mut self, work: impl FnOnce()) -> u64 {
        ticks(work) * u64::from(KNOWN) / self.ticks
    }
}

/// The number of ticks that `work` takes. The timer counts down and has 24 bits.
#[cfg(target_arch = "arm")]
fn ticks(work: impl FnOnce()) -> u64 {
    let start = SYST::get_current();
    work();
    u64::from(start.wrapping_sub(SYST::get_current()) & 0x00ff_ffff)
}

/// Executes [`KNOWN`] instructions.
#[cfg(target_arch = "arm")]
#[allow(unsafe_code, reason = "only assembly has a known number of instructions")]
fn known() {
    // SAFETY: the loop counts a register of its own down to zero and does nothing else.
    unsafe {
        core::arch::asm!("2:", "subs {0}, {0}, #1", "bne 2b", inout(reg) KNOWN / 2 => _, options(nomem, nostack));
    }
}

/// Counts with the register of retired instructions.
#[cfg(target_arch = "riscv32")]
pub struct Counter;

#[cfg(target_arch = "riscv32")]
impl Counter {
    /// The register needs no preparation.
    pub fn new() -> Self {
        Self
    }

    /// The number of instructions that `work` takes.
    pub fn count(&mut self, work: impl FnOnce()) -> u64 {
        let start = riscv::register::minstret::read64();
        work();
        riscv::register::minstret::read64() - start
    }
}
