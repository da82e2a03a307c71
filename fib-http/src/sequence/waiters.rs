//! Tasks that wait for a change.

use std::cell::Cell;

use tokio::sync::Notify;

/// Those who wait for a change. They are counted, because changes are frequent, and one that nobody waits for should cost
/// nothing.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    count: Cell<usize>,
    changed: Notify,
}

/// One of those who wait.
struct Waiting<'a>(&'a Cell<usize>);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl Waiters {
    /// Waits for the next change.
    pub(crate) async fn changed(&self) {
        self.count.set(self.count.get() + 1);
        let _waiting = Waiting(&self.count);
        self.changed.notified().await;
    }

    /// Tells all of them of a change.
    pub(crate) fn notify_all(&self) {
        if self.count.get() > 0 {
            self.changed.notify_waiters();
        }
    }

    /// Tells only the one that came last.
    pub(crate) fn notify_last(&self) {
        if self.count.get() > 0 {
            self.changed.notify_last();
        }
    }
}
