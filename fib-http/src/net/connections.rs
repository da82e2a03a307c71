//! The connections that are being served: which of them is closed in favour of a new one.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tracing::error;

use super::activity::{Activity, Idle};

/// How long a request's head may take to arrive when other clients wait for a connection.
const HEAD_TIME: Duration = Duration::from_secs(1);

/// The tasks that serve connections.
#[derive(Default)]
pub(crate) struct Connections {
    tasks: JoinSet<()>,
    open: Rc<OpenConnections>,
}

/// What is known of each open connection.
#[derive(Default)]
pub(crate) struct OpenConnections(RefCell<HashMap<Id, (Rc<Activity>, AbortHandle)>>);

impl Connections {
    /// The connections that are open, in a form that can be shared.
    pub(crate) fn open(&self) -> &Rc<OpenConnections> {
        &self.open
    }

    /// Serves a connection in a task of its own.
    pub(crate) fn spawn(&mut self, activity: Rc<Activity>, serve: impl Future<Output = ()> + 'static) {
        let task = self.tasks.spawn_local(serve);
        self.open.0.borrow_mut().insert(task.id(), (activity, task));
    }

    /// Waits until a connection has ended; `None` where there is none. A panic costs its connection and nothing else.
    pub(crate) async fn ended(&mut self) -> Option<()> {
        let id = match self.tasks.join_next_with_id().await? {
            Ok((id, ())) => id,
            Err(failure) => id_of(&failure),
        };
        self.open.0.borrow_mut().remove(&id);
        Some(())
    }

    /// Waits until no connection has anything to complete. Those that have received a part of a request's head have not.
    pub(crate) async fn all_completed(&mut self) {
        while self.open.have_work() && self.ended().await.is_some() {}
    }

    /// Ends all of them.
    pub(crate) async fn abort(mut self) {
        self.tasks.shutdown().await;
    }
}

fn id_of(failure: &JoinError) -> Id {
    if failure.is_panic() {
        error!("a connection's task failed: {failure}");
    }
    failure.id()
}

impl OpenConnections {
    pub(crate) fn count(&self) -> usize {
        self.0.borrow().len()
    }

    /// Closes the connection that has been idle for longest, or else one whose request takes long to arrive. Returns whether
    /// there was one.
    pub(crate) fn close_idle(&self) -> bool {
        let mut open = self.0.borrow_mut();
        let can_be_closed = |idle: &Idle| !idle.awaits_request || idle.since.elapsed() >= HEAD_TIME;
        let idle = open.iter().filter_map(|(&id, (activity, _))| Some((activity.idle().filter(can_be_closed)?, id)));
        let Some((_, id)) = idle.min_by_key(|&(idle, _)| idle) else {
            return false;
        };
        if let Some((_, task)) = open.remove(&id) {
            task.abort();
        }
        true
    }

    fn have_work(&self) -> bool {
        self.0.borrow().values().any(|(activity, _)| !activity.is_receiving_head())
    }
}
