//! Counts instructions, where QEMU lets each of them take one nanosecond (`-icount shift=0`).

#[cfg(target_arch = "arm")]
use cortex_m::peripheral::{SYST, syst::SystClkSource};

/// Counts by the system timer. A tick takes some ten instructions or more, so what is counted should take many.
#[cfg(target_arch = "arm")]
pub struct Counter {
    /// Ticks that [`KNOWN`] instructions take.
    ticks: u64,
}

/// Instructions of a loop that the timer is compared with.
#[cfg(target_arch = "arm")]
const KNOWN: u32 = 20_000_000;

#[cfg(target_arch = "arm")]
impl Counter {
    /// Starts the timer and learns how long a tick is.
    ///
    /// # Panics
    /// At the second call: there is one timer.
    pub fn new() -> Self {
        let mut timer = cortex_m::Peripherals::take().expect("there is one timer").SYST;
        timer.set_clock_source(SystClkSource::Core);
        timer.set_reload(0x00ff_ffff);
        timer.clear_current();
        timer.enable_counter();
        Self { ticks: ticks(known) }
    }

    /// The instructions that `work` takes, up to some hundred million.
    pub fn count(&mut self, work: impl FnOnce()) -> u64 {
        ticks(work) * u64::from(KNOWN) / self.ticks
    }
}

/// Ticks that `work` takes. The timer counts 24 bits down.
#[cfg(target_arch = "arm")]
fn ticks(work: impl FnOnce()) -> u64 {
    let start = SYST::get_current();
    work();
    u64::from(start.wrapping_sub(SYST::get_current()) & 0x00ff_ffff)
}

/// Takes [`KNOWN`] instructions.
#[cfg(target_arch = "arm")]
#[allow(unsafe_code, reason = "only assembly has a known number of instructions")]
fn known() {
    // SAFETY: counts a register of its own down to zero.
    unsafe {
        core::arch::asm!("2:", "subs {0}, {0}, #1", "bne 2b", inout(reg) KNOWN / 2 => _, options(nomem, nostack));
    }
}

/// Counts by the register of retired instructions.
#[cfg(target_arch = "riscv32")]
pub struct Counter;

#[cfg(target_arch = "riscv32")]
impl Counter {
    /// Needs no preparation.
    pub fn new() -> Self {
        Self
    }

    /// The instructions that `work` takes.
    pub fn count(&mut self, work: impl FnOnce()) -> u64 {
        let start = riscv::register::minstret::read64();
        work();
        riscv::register::minstret::read64() - start
    }
}
