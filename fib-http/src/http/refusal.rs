//! How a shortage is told to a client.

use hyper::header::RETRY_AFTER;
use tracing::debug;

use super::response::Problem;
use crate::sequence::Shortage;

/// Seconds after which a client may try again where memory is short: by then it may suffice, or a new pass may start.
const RETRY_AFTER_MEMORY_SECONDS: &str = "1";

/// 503, with the reason.
pub(super) fn refusal(shortage: &Shortage) -> Problem {
    debug!("{shortage}");
    match shortage {
        Shortage::InFlight(_) => {
            Problem::unavailable("in-flight", "The responses that are being sent hold all the memory that they may.")
        }
        Shortage::Position(_) => Problem::unavailable("position", "The position in the sequence cannot be moved."),
        Shortage::Threshold(_) | Shortage::Number(_) | Shortage::Text(_) => {
            Problem::unavailable("memory", "There is no memory for a longer number.")
                .with(RETRY_AFTER, RETRY_AFTER_MEMORY_SECONDS)
        }
    }
}
