//! From a request to a response.

mod answer;
mod body;
mod by_index;
mod exchange;
mod lost_numbers;
mod metrics;
mod pages;
mod refusal;
mod request;
pub(crate) mod response;
mod service;
pub(crate) mod stream;
mod streams;
mod text_format;

pub(crate) use self::answer::Answer;
pub(crate) use self::body::ResponseBody;
pub(crate) use self::exchange::ResponseObserver;
pub use self::request::body::MAX_BYTES as REQUEST_BODY_BYTES;
pub use self::request::host::HostName;
pub(crate) use self::request::host::Hosts;
pub(crate) use self::request::route::Route;
pub(crate) use self::request::target::MALFORMED as MALFORMED_IN_TARGETS;
pub use self::request::target::MAX_BYTES as TARGET_BYTES;
pub(crate) use self::service::MAX_INDEX;
pub use self::service::Service;
pub(crate) use self::service::{Arrival, Settings};
