//! The signals that stop the service, and the messages to the service manager.

use std::future::Future;
use std::io;

use tracing::{debug, info};

/// A future that is ready at the first SIGINT or SIGTERM (Ctrl-C on other systems than Unix), and gives one that is ready at
/// the second. Needs a tokio runtime.
///
/// From this call on the signals no longer end the process by themselves.
///
/// # Errors
/// When the signal handlers cannot be set.
#[cfg(unix)]
#[expect(clippy::async_yields_async, reason = "the caller awaits the second signal")]
pub fn signals() -> io::Result<impl Future<Output = impl Future<Output = ()>>> {
    use tokio::signal::unix::{Signal, SignalKind, signal};

    async fn next(interrupt: &mut Signal, terminate: &mut Signal) -> &'static str {
        tokio::select! {
            _ = interrupt.recv() => "SIGINT",
            _ = terminate.recv() => "SIGTERM",
        }
    }

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        let name = next(&mut interrupt, &mut terminate).await;
        info!("{name}: stopping after the responses in flight; a second signal cuts them");
        async move {
            next(&mut interrupt, &mut terminate).await;
        }
    })
}

/// A future that is ready at the first SIGINT or SIGTERM (Ctrl-C on other systems than Unix), and gives one that is ready at
/// the second. Needs a tokio runtime.
///
/// # Errors
/// When the signal handlers cannot be set.
#[cfg(not(unix))]
#[expect(clippy::async_yields_async, reason = "the caller awaits the second signal")]
pub fn signals() -> io::Result<impl Future<Output = impl Future<Output = ()>>> {
    async fn next() {
        if tokio::signal::ctrl_c().await.is_err() {
            // Without a handler the system's own way of ending the process is in force.
            std::future::pending::<()>().await;
        }
    }

    Ok(async {
        next().await;
        info!("Ctrl-C: stopping after the responses in flight; a second one cuts them");
        next()
    })
}

/// Tells the service manager, if there is one (`NOTIFY_SOCKET`), that the service is ready.
pub(crate) fn notify_ready() {
    #[cfg(unix)]
    notify(sd_notify::NotifyState::Ready);
}

/// Tells the service manager, if there is one, that the service is stopping.
pub(crate) fn notify_stopping() {
    #[cfg(unix)]
    notify(sd_notify::NotifyState::Stopping);
}

#[cfg(unix)]
fn notify(state: sd_notify::NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        debug!("the service manager cannot be notified: {error}");
    }
}
