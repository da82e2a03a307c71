//! Accepting connections: how many there may be, who makes room, and how all of them end.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::{Future, pending, poll_fn};
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, error, warn};

use crate::connection;
use crate::seat::Seat;
use crate::service::App;
use crate::shutdown::notify_stopping;

/// The pause after a failure to accept that the next attempt would meet again, such as too many open files. It doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Failures to accept are told again when there was none for so long.
const QUIET: Duration = Duration::from_secs(60);

/// How long a request's head may take to come in when others wait for the connection.
const HEAD_PATIENCE: Duration = Duration::from_secs(1);

/// How often it is looked, where there are as many connections as there may be, whether one more asks and who could make room.
const ROOM_PAUSE: Duration = Duration::from_millis(20);

/// Hands listeners over to the runtime that this is called in.
pub(crate) fn adopt(listeners: Vec<StdListener>) -> io::Result<Vec<TcpListener>> {
    let adopt = |listener: StdListener| {
        listener.set_nonblocking(true)?;
        TcpListener::from_std(listener)
    };
    listeners.into_iter().map(adopt).collect()
}

/// Accepts connections, at most `max_connections` at a time, and serves each in a task of its own until `shutdown` is
/// ready. Then closes the listeners and waits for the responses in flight, for at most `grace_period` and until what
/// `shutdown` gave is ready too.
pub(crate) async fn accept_until<F>(
    shutdown: F,
    listeners: Vec<TcpListener>,
    app: &Rc<App>,
    max_connections: usize,
    grace_period: Duration,
) where
    F: Future,
    F::Output: Future<Output = ()>,
{
    let mut shutdown = pin!(shutdown);
    let mut tasks = JoinSet::new();
    let seats = Seats::default();
    let mut door = Door::new(listeners, max_connections);
    let cut = loop {
        tokio::select! {
            biased;
            cut = &mut shutdown => break cut,
            Some(ended) = tasks.join_next_with_id() => {
                seats.leave(ended);
                app.metrics().connections(seats.taken());
            }
            (permit, stream, peer) = door.next(&seats) => {
                let seat = Rc::new(Seat::new());
                let serve = connection::serve_peer(stream, peer, Rc::clone(app), Rc::clone(&seat));
                let task = tasks.spawn_local(async move {
                    serve.await;
                    drop(permit);
                });
                seats.take(seat, task);
                app.metrics().accepted();
                app.metrics().connections(seats.taken());
            }
        }
    };
    drop(door);
    app.stop();
    notify_stopping();
    let all_ended = async {
        while seats.are_waited_for()
            && let Some(ended) = tasks.join_next_with_id().await
        {
            seats.leave(ended);
        }
    };
    tokio::select! {
        biased;
        () = cut => warn!("a second signal: {} connections are cut", seats.taken()),
        result = timeout(grace_period, all_ended) => if result.is_err() {
            warn!("{} connections are cut: their responses take too long", seats.taken());
        },
    }
    tasks.shutdown().await;
}

/// The connections that are being served.
#[derive(Default)]
struct Seats(RefCell<HashMap<Id, (Rc<Seat>, AbortHandle)>>);

impl Seats {
    fn take(&self, seat: Rc<Seat>, task: AbortHandle) {
        self.0.borrow_mut().insert(task.id(), (seat, task));
    }

    /// A connection's task has ended. A panic costs that connection and nothing else.
    fn leave(&self, ended: Result<(Id, ()), JoinError>) {
        let id = match ended {
            Ok((id, ())) => id,
            Err(failure) => {
                if failure.is_panic() {
                    error!("a connection's task failed: {failure}");
                }
                failure.id()
            }
        };
        self.0.borrow_mut().remove(&id);
    }

    fn taken(&self) -> usize {
        self.0.borrow().len()
    }

    /// Ends the connection that has been idle for longest, or else one whose request has taken long to come in.
    fn make_room(&self) -> bool {
        let mut seats = self.0.borrow_mut();
        let spare = |(&id, (seat, _)): (&Id, &(Rc<Seat>, AbortHandle))| {
            let (awaited, since) = seat.spare()?;
            (!awaited || since.elapsed() >= HEAD_PATIENCE).then_some((awaited, since, id))
        };
        let longest = seats.iter().filter_map(spare).min_by_key(|&(awaited, since, _)| (awaited, since));
        let Some((.., id)) = longest else {
            return false;
        };
        if let Some((_, task)) = seats.remove(&id) {
            task.abort();
        }
        true
    }

    /// Whether any connection, told that the service stops, has something to end first. Those in the midst of a request's
    /// head have not.
    fn are_waited_for(&self) -> bool {
        self.0.borrow().values().any(|(seat, _)| !seat.is_reading())
    }
}

/// The way in.
struct Door {
    listeners: Vec<TcpListener>,
    /// Which listener is asked first, so that none has to wait for ever.
    turn: usize,
    /// A permit for each connection that there may be; it is taken before a connection is accepted.
    free: Arc<Semaphore>,
    pause: Duration,
    last_failure: Option<Instant>,
}

impl Door {
    fn new(listeners: Vec<TcpListener>, max_connections: usize) -> Self {
        let free = Arc::new(Semaphore::new(max_connections));
        Self { listeners, turn: 0, free, pause: FIRST_PAUSE, last_failure: None }
    }

    /// The next connection. Whatever accepting fails for, it is tried again, without haste.
    async fn next(&mut self, seats: &Seats) -> (OwnedSemaphorePermit, TcpStream, SocketAddr) {
        loop {
            let permit = self.permit(seats).await;
            match self.accept().await {
                Ok((stream, peer)) => {
                    self.pause = FIRST_PAUSE;
                    return (permit, stream, peer);
                }
                // It concerns a connection that has gone already, and not the next one too.
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) =>
                {
                    debug!("accept: {error}");
                }
                Err(error) => self.back_off(&error).await,
            }
        }
    }

    async fn back_off(&mut self, error: &io::Error) {
        let now = Instant::now();
        if self.last_failure.replace(now).is_none_or(|last| now.duration_since(last) >= QUIET) {
            warn!("no connection can be accepted, more attempts follow: {error}");
        }
        let pause = self.pause;
        self.pause = (pause * 2).min(LONGEST_PAUSE);
        sleep(pause).await;
    }

    /// Leave to accept one more connection. Where there are as many as there may be and one more asks, an idle one ends.
    async fn permit(&self, seats: &Seats) -> OwnedSemaphorePermit {
        let permit = || async {
            match Arc::clone(&self.free).acquire_owned().await {
                Ok(permit) => permit,
                // It is never closed.
                Err(_) => pending().await,
            }
        };
        if let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() {
            return permit;
        }
        tokio::select! {
            biased;
            permit = permit() => return permit,
            () = somebody_asks(&self.listeners) => {}
        }
        while !seats.make_room() {
            if let Ok(permit) = timeout(ROOM_PAUSE, permit()).await {
                return permit;
            }
        }
        permit().await
    }

    /// The next connection at any listener.
    async fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        let Self { listeners, turn, .. } = self;
        poll_fn(|context| {
            *turn = turn.wrapping_add(1);
            for offset in 0..listeners.len() {
                let listener = &listeners[turn.wrapping_add(offset) % listeners.len()];
                if let Poll::Ready(accepted) = listener.poll_accept(context) {
                    return Poll::Ready(accepted);
                }
            }
            Poll::Pending
        })
        .await
    }
}

/// Waits until there is a connection to accept at any of the listeners, and accepts none. The runtime cannot wait for that, so
/// this looks from time to time.
#[cfg(unix)]
async fn somebody_asks(listeners: &[TcpListener]) {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    let asks = || {
        let mut watched: Vec<_> = listeners.iter().map(|listener| PollFd::new(listener, PollFlags::IN)).collect();
        poll(&mut watched, Some(&Timespec::default())).is_ok_and(|count| count > 0)
    };
    while !asks() {
        sleep(ROOM_PAUSE).await;
    }
}

/// Not known here: connections wait until one ends.
#[cfg(not(unix))]
async fn somebody_asks(_: &[TcpListener]) {
    pending().await
}
