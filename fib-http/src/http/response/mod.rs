//! What is sent back: heads, bodies, and errors as problem details.

mod heads;
mod payload;
mod problem;

pub(crate) use self::heads::{
    CROSS_ORIGIN_RESOURCE_POLICY, FIBONACCI_INDEX, FIBONACCI_PASS, JSON, NumberHeads, TEXT, content, empty, redirect,
};
pub(crate) use self::payload::Payload;
pub(crate) use self::problem::{MEDIA_TYPE as PROBLEM_MEDIA_TYPE, Problem, title};
