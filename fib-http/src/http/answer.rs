//! A response that is there already, or one to wait for.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// What answers a request. Nearly all requests are answered without waiting, and a future that could wait for a body or for
/// memory would be copied several times on its way through hyper.
pub(crate) enum Answer<'a, T> {
    Ready(Option<T>),
    Later(Pin<Box<dyn Future<Output = T> + 'a>>),
}

impl<'a, T> Answer<'a, T> {
    pub(crate) fn ready(value: T) -> Self {
        Self::Ready(Some(value))
    }

    pub(crate) fn later(future: impl Future<Output = T> + 'a) -> Self {
        Self::Later(Box::pin(future))
    }
}

impl<T: Unpin> Future for Answer<'_, T> {
    /// A `Result`, as hyper expects it.
    type Output = Result<T, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Ready(value) => Poll::Ready(Ok(value.take().expect("a future is not polled after its end"))),
            Self::Later(future) => future.as_mut().poll(context).map(Ok),
        }
    }
}
