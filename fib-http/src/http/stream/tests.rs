//! What a client sees that waits for a number.

use std::future::poll_fn;

use super::*;
use crate::sequence::memory::{Reading, SystemMemory, Threshold};
use crate::sequence::{InFlight, OnMemoryLimit};

/// F(n) from here on is longer than a frame.
const START: u64 = 100_000;

/// Room for several numbers.
const BUDGET: usize = 1 << 20;

/// A stream whose first number has been sent, and the budget of its service, which is `budget` bytes.
async fn stream(form: Form, budget: usize) -> (NumberStream, Rc<InFlight>) {
    let memory = SystemMemory::with_readings(Threshold::new(50.0).expect("valid"), || Reading::of_machine(0, u64::MAX));
    let sequence = Sequence::start_at(START, memory, OnMemoryLimit::Refuse).expect("memory");
    let sequence = sequence.with_max_in_flight_bytes(budget);
    let in_flight = Rc::clone(sequence.in_flight());
    let room = in_flight.reserve(FRAME_BYTES, FRAME_BYTES).expect("room");
    let mut stream = NumberStream::new(Rc::new(RefCell::new(sequence)), form, None, Rc::default(), room);
    assert_eq!(stream.begin().expect("a number").index, START);
    while next(&mut stream).await.expect("a frame") != form.end().as_bytes() {}
    (stream, in_flight)
}

/// Sends the next frame, and returns its text. `None` where the stream is interrupted.
async fn next(stream: &mut NumberStream) -> Option<Vec<u8>> {
    let mut frame = poll_fn(|context| stream.poll_frame(context)).await.expect("no end").ok()?;
    let text = frame.chunk().to_vec();
    frame.advance(text.len());
    Some(text)
}

/// Takes all room that is left.
fn fill(in_flight: &Rc<InFlight>) -> Vec<Reservation> {
    std::iter::from_fn(|| in_flight.reserve(1024, 0).ok()).collect()
}

#[track_caller]
fn assert_elapsed(since: Instant, time: Duration) {
    let elapsed = since.elapsed();
    assert!((time..=time + RETRY).contains(&elapsed), "{elapsed:?} instead of {time:?}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_waits_gets_heartbeats_and_then_its_number() {
    let (mut stream, in_flight) = stream(Form::Events, BUDGET).await;
    let others = fill(&in_flight);
    let start = Instant::now();
    for heartbeat in 1..=2 {
        assert!(next(&mut stream).await.expect("a heartbeat").starts_with(b": "));
        assert_elapsed(start, heartbeat * HEARTBEAT);
    }
    drop(others);
    let text = next(&mut stream).await.expect("a number");
    assert_eq!(text, format!("id: {}\ndata: ", START + 1).as_bytes());
    assert_elapsed(start, 2 * HEARTBEAT);
    while next(&mut stream).await.expect("a frame") != b"\n\n" {}
    // The next wait is a new one.
    let _others = fill(&in_flight);
    let start = Instant::now();
    assert!(next(&mut stream).await.expect("a heartbeat").starts_with(b": "));
    assert_elapsed(start, HEARTBEAT);
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_interrupted_after_a_minute_without_a_number() {
    for (form, heartbeats) in [(Form::Events, 3), (Form::Lines, 0)] {
        let (mut stream, in_flight) = stream(form, BUDGET).await;
        let _others = fill(&in_flight);
        let start = Instant::now();
        for _ in 0..heartbeats {
            assert!(next(&mut stream).await.expect("a heartbeat").starts_with(b": "));
        }
        assert_eq!(next(&mut stream).await, None, "{form:?}");
        assert_elapsed(start, LONGEST_WAIT);
        assert_eq!(stream.sequence.borrow().index(), START + 1, "what was not sent is not taken");
    }
}

/// The room for short numbers, which a stream held to its end, kept one that was alone from exceeding the budget.
#[tokio::test(start_paused = true)]
async fn a_stream_that_is_alone_may_exceed_the_budget() {
    let (mut stream, in_flight) = stream(Form::Events, 10_000).await;
    let start = Instant::now();
    for number in 1..3 {
        let text = next(&mut stream).await.expect("a number");
        assert_eq!(text, format!("id: {}\ndata: ", START + number).as_bytes());
        assert!(in_flight.load().bytes > 10_000);
        while next(&mut stream).await.expect("a frame") != b"\n\n" {}
    }
    assert_eq!(start.elapsed(), Duration::ZERO, "it did not wait");
}
