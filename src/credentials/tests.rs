use std::sync::atomic::{AtomicUsize, Ordering};

use futures::channel::oneshot;
use futures::future::join_all;
use longhaul_sign::AccessKey;
use longhaul_store::Access;

use super::*;

fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()).expect("before the end")
}

fn key(id: usize, seconds: Option<i64>) -> Access {
    let key = AccessKey::new(id.to_string(), "canary");
    Access::from(seconds.map_or(key.clone(), |seconds| key.with_expiry(now() + seconds)))
}

/// A source that gives one key after the other, and how often it was asked.
fn counted(seconds: Option<i64>) -> (Credentials<Access>, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let credentials = Credentials::new(move || {
        let id = count.fetch_add(1, Ordering::SeqCst);
        async move { Ok(key(id, seconds)) }
    });
    (credentials, asked)
}

#[::tokio::test]
async fn many_who_are_refused_at_once_ask_once() {
    let asked = Arc::new(AtomicUsize::new(0));
    let (open, gate) = oneshot::channel::<()>();
    let (count, gate) = (Arc::clone(&asked), gate.shared());
    let credentials = Credentials::new(move || {
        let (id, gate) = (count.fetch_add(1, Ordering::SeqCst), gate.clone());
        async move {
            if id > 0 {
                let _ = gate.await;
            }
            Ok(key(id, None))
        }
    });
    let first = credentials.current().await.expect("a key");
    let waiting = join_all((0..9).map(|_| credentials.other_than(Some(&first))));
    let (answers, _) = ::tokio::join!(waiting, async { open.send(()) });
    assert!(answers.iter().all(|answer| *answer == Ok(key(1, None))), "{answers:?}");
    // Who comes late gets what the others got.
    assert_eq!(credentials.other_than(Some(&first)).await, Ok(key(1, None)));
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[::tokio::test]
async fn what_is_good_is_handed_out_again_and_what_ends_soon_is_not() {
    for (seconds, calls) in [(None, 1), (Some(AHEAD + 30), 1), (Some(AHEAD - 1), 3), (Some(-5), 3)] {
        let (credentials, asked) = counted(seconds);
        for _ in 0..3 {
            assert!(credentials.current().await.is_ok());
        }
        assert_eq!(asked.load(Ordering::SeqCst), calls, "{seconds:?}");
    }
}

#[::tokio::test]
async fn what_was_refused_is_not_handed_out_again() {
    let (credentials, asked) = counted(None);
    let first = credentials.current().await.expect("a key");
    assert_ne!(credentials.other_than(Some(&first)).await, Ok(first));
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[::tokio::test]
async fn who_gives_up_waiting_does_not_stop_the_others() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let credentials = Credentials::new(move || {
        let id = count.fetch_add(1, Ordering::SeqCst);
        async move {
            ::tokio::task::yield_now().await;
            Ok(key(id, None))
        }
    });
    assert!(credentials.current().now_or_never().is_none(), "has to wait");
    assert_eq!(credentials.current().await, Ok(key(0, None)));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[::tokio::test]
async fn a_failure_is_told_to_all_and_the_next_one_asks_again() {
    let (asked, count) = {
        let asked = Arc::new(AtomicUsize::new(0));
        (Arc::clone(&asked), asked)
    };
    let credentials = Credentials::new(move || {
        let id = count.fetch_add(1, Ordering::SeqCst);
        async move {
            match id {
                0 => Err("the token service is down".to_owned()),
                1 => panic!("canary"),
                id => Ok(key(id, None)),
            }
        }
    });
    let error = credentials.current().await.expect_err("the first");
    assert_eq!(error.to_string(), "no credentials: the token service is down");
    let error = credentials.current().await.expect_err("the second");
    assert!(!error.to_string().contains("canary"), "{error}");
    assert_eq!(credentials.current().await, Ok(key(2, None)));
    assert!(!format!("{credentials:?}").contains("canary"));
    assert_eq!(asked.load(Ordering::SeqCst), 3);
}
