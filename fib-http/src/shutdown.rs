//! The signals that end the program.

use std::future::Future;
use std::io;

use tracing::info;

/// A future that is ready at the first SIGINT or SIGTERM (Ctrl-C on other systems than Unix). Needs a tokio runtime.
///
/// From this call on the signals no longer end the process by themselves.
///
/// # Errors
/// When the signal handlers cannot be set.
#[cfg(unix)]
pub fn signals() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        let name = tokio::select! {
            _ = interrupt.recv() => "SIGINT",
            _ = terminate.recv() => "SIGTERM",
        };
        info!("{name}: stopping after the responses in flight");
    })
}

/// A future that is ready at the first SIGINT or SIGTERM (Ctrl-C on other systems than Unix). Needs a tokio runtime.
///
/// # Errors
/// When the signal handlers cannot be set.
#[cfg(not(unix))]
pub fn signals() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            // Without a handler the system's own way of ending the process is in force.
            std::future::pending::<()>().await;
        }
        info!("Ctrl-C: stopping after the responses in flight");
    })
}
