//! Uploads whose server says where to go on, answered by hand.

use std::sync::Arc;
use std::time::Duration;

use crate::hand::Hand;
use longhaul_core::event::End;
use longhaul_core::retry::RetryPolicy;
use longhaul_core::{Config, Direction, TaskId};
use longhaul_http::HttpUpload;

fn upload(hand: &mut Hand) -> TaskId {
    hand.submit(Arc::new(HttpUpload::new("https://form/up", "a").expect("a URL")), Direction::Upload)
}

#[test]
fn u3_what_the_server_has_already_is_done_at_once_and_in_its_words() {
    let mut hand = Hand::new(Config::default());
    let task = upload(&mut hand);
    let (op, _) = hand.request();
    hand.answer(op, 200, &[], r#"{"fileId":"there"}"#);
    assert!(hand.requests().is_empty());
    let Some(End::Completed(completed)) = hand.engine.end(task) else { panic!("{:?}", hand.engine.end(task)) };
    assert_eq!(completed.receipt.id.as_deref(), Some("there"));
}

#[test]
fn r2_a_chunk_refused_for_the_moment_is_not_sent_before_its_delay() {
    let mut hand = Hand::new(Config::default());
    upload(&mut hand);
    let (op, _) = hand.request();
    hand.answer(op, 200, &[], r#"{"nextByte":0}"#);
    let (chunk, _) = hand.request();
    let refused = hand.now.mono;
    hand.answer(chunk, 503, &[("retry-after", "20")], "");
    assert!(hand.requests().is_empty(), "not yet");
    let _ = hand.request();
    assert!(hand.now.mono >= refused + Duration::from_secs(20));
}

/// What comes back of what was lost is no new ground.
#[test]
fn r7_a_server_that_loses_what_it_had_accepted_again_and_again_ends_the_upload() {
    let mut hand = Hand::new(Config::default());
    let task = upload(&mut hand);
    let (op, _) = hand.request();
    hand.answer(op, 200, &[], r#"{"nextByte":0}"#);
    let answers = [r#"{"nextByte":10000}"#, r#"{"nextByte":20000}"#, r#"{"nextByte":0}"#];
    let mut chunks = 0;
    for answer in answers.into_iter().cycle().take(300) {
        let (op, _) = hand.request();
        hand.answer(op, 200, &[], answer);
        chunks += 1;
        if hand.error(task).is_some() {
            break;
        }
    }
    assert_eq!(chunks, 3 * (RetryPolicy::default().restarts + 1));
}
