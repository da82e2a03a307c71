//! The signals that stop the service, and the messages to the service manager.

use std::time::Duration;

#[cfg(unix)]
use sd_notify::NotifyState;

/// Time that stopping takes beyond the grace period.
#[cfg(unix)]
const STOP_MARGIN: Duration = Duration::from_secs(5);

#[cfg(unix)]
pub use self::unix::Signals;
#[cfg(not(unix))]
pub use self::windows::Signals;

#[cfg(unix)]
mod unix {
    use std::ffi::c_int;
    use std::future::pending;
    use std::io::{self, IsTerminal};
    use std::os::unix::net::UnixStream;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::{flag, low_level::pipe};
    use tokio::io::Interest;

    const SIGNALS: [(c_int, &str); 3] = [(SIGINT, "SIGINT"), (SIGTERM, "SIGTERM"), (SIGHUP, "SIGHUP")];

    /// The signals that stop the service: SIGINT and SIGTERM, and SIGHUP if standard error is a terminal.
    ///
    /// SIGHUP tells a program that its terminal has gone, and by convention tells a daemon to reload. Away from a terminal
    /// it is therefore ignored: there is nothing to reload, and the position must not be lost.
    ///
    /// tokio's own signal handlers need a running runtime, and they panic where there are too few descriptors.
    #[derive(Debug)]
    pub struct Signals {
        /// Receives a byte for each signal.
        bytes: UnixStream,
        /// The index of the latest signal in [`SIGNALS`].
        latest: Arc<AtomicUsize>,
    }

    impl Signals {
        /// Sets the handlers. From now on the signals no longer end the process by themselves; none of them is lost.
        ///
        /// # Errors
        /// When the system refuses a descriptor or a handler.
        pub fn catch() -> io::Result<Self> {
            let (bytes, sender) = UnixStream::pair()?;
            bytes.set_nonblocking(true)?;
            let latest = Arc::new(AtomicUsize::new(0));
            for (index, (signal, _)) in SIGNALS.into_iter().enumerate() {
                if signal == SIGHUP && !io::stderr().is_terminal() {
                    // A handler without effect: nobody reads this flag.
                    flag::register(signal, Arc::new(AtomicBool::new(false)))?;
                } else {
                    // Set the index before the byte is written.
                    flag::register_usize(signal, Arc::clone(&latest), index)?;
                    pipe::register(signal, sender.try_clone()?)?;
                }
            }
            Ok(Self { bytes, latest })
        }

        /// A function that waits for the next signal and returns its name. Needs a tokio runtime.
        ///
        /// # Errors
        /// When the runtime rejects the descriptor.
        pub fn listen(self) -> io::Result<impl AsyncFnMut() -> &'static str> {
            let latest = self.latest;
            let bytes = tokio::net::UnixStream::from_std(self.bytes)?;
            Ok(async move || {
                // A read first: the runtime learns nothing of signals while it is kept busy, as it is by the start jump.
                let read = || rustix::io::read(&bytes, &mut [0]).map_err(io::Error::from);
                let received = match read() {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        bytes.async_io(Interest::READABLE, read).await
                    }
                    received => received,
                };
                if received.is_err() {
                    // Not known to happen. The service goes on, and SIGKILL ends it.
                    pending::<()>().await;
                }
                SIGNALS[latest.load(Ordering::SeqCst)].1
            })
        }
    }
}

#[cfg(not(unix))]
mod windows {
    use std::io;

    use tokio::signal::windows::{
        CtrlBreak, CtrlC, CtrlClose, CtrlShutdown, ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown,
    };

    /// The console events that stop the service: Ctrl-C, Ctrl-Break, the closing of the console, and the shutdown of the
    /// system.
    ///
    /// After the last two, Windows ends the process some seconds later even if it has not finished.
    ///
    /// The end of a user's session is not among them: Windows tells a service of every user's session, and ends other programs
    /// before this event.
    #[derive(Debug)]
    pub struct Signals {
        interrupt: CtrlC,
        interrupt_group: CtrlBreak,
        close: CtrlClose,
        shutdown: CtrlShutdown,
    }

    impl Signals {
        /// Sets the handler. From now on these events no longer end the process by themselves; none of them is lost.
        ///
        /// # Errors
        /// When the system refuses the handler.
        pub fn catch() -> io::Result<Self> {
            Ok(Self {
                interrupt: ctrl_c()?,
                interrupt_group: ctrl_break()?,
                close: ctrl_close()?,
                shutdown: ctrl_shutdown()?,
            })
        }

        /// A function that waits for the next event and returns its name.
        ///
        /// # Errors
        /// Never.
        pub fn listen(self) -> io::Result<impl AsyncFnMut() -> &'static str> {
            let Self { mut interrupt, mut interrupt_group, mut close, mut shutdown } = self;
            Ok(async move || {
                tokio::select! {
                    _ = interrupt.recv() => "Ctrl-C",
                    _ = interrupt_group.recv() => "Ctrl-Break",
                    _ = close.recv() => "the console was closed",
                    _ = shutdown.recv() => "the system shuts down",
                }
            })
        }
    }
}

/// Tells the service manager, if there is one (`NOTIFY_SOCKET`), that the service is ready.
pub(crate) fn notify_ready() {
    #[cfg(unix)]
    notify(&[NotifyState::Ready]);
}

/// Tells the service manager, if there is one, that the service is stopping, which takes at most `at_most`. Otherwise it would
/// kill a service that needs longer than the manager's own timeout.
pub(crate) fn notify_stopping(at_most: Duration) {
    #[cfg(not(unix))]
    let _ = at_most;
    #[cfg(unix)]
    {
        let at_most = (at_most + STOP_MARGIN).as_micros();
        notify(&[NotifyState::Stopping, NotifyState::Custom(&format!("EXTEND_TIMEOUT_USEC={at_most}"))]);
    }
}

#[cfg(unix)]
fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!("the service manager cannot be notified: {error}");
    }
}
