//! What is changed while transfers run: limits, whoever listens (C10, C11).
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod support;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use longhaul::core::spec::Limits;
use longhaul::{Event, EventKind, ListenerId, State, Transfer};
use support::raw::{Object, Raw, Then};
use support::{Folder, client, content, download, run, until, within};

fn downloads(most: usize) -> Limits {
    let mut limits = Limits::default();
    limits.downloads = most;
    limits
}

async fn c11_limits_are_obeyed_as_they_change_down_to_one_and_up_to_any() {
    const ALL: usize = 6;
    let (good, silent) = (content(4000, 1), Arc::new(Mutex::new(true)));
    let silence = Arc::clone(&silent);
    let server = Raw::object(Object::new(good.clone()), move |_, right| {
        if *silence.lock().unwrap() { right.cut(0, Then::Silence) } else { right }
    })
    .await;
    let client = client();
    client.set_limits(downloads(0)).await;
    let folder = Folder::new();
    let mut transfers = Vec::new();
    for n in 0..ALL {
        let name = format!("file{n}");
        transfers.push(
            client.submit(download(&server.url(&format!("/{name}")), 1000).to(folder.join(&name))).await.unwrap(),
        );
    }
    let active = |transfers: &[Transfer]| {
        transfers.iter().filter(|transfer| matches!(transfer.status(), State::Active(_))).count()
    };
    for (most, then) in [(0, 1), (3, 3), (0, 3), (2, 3), (4, 4)] {
        client.set_limits(downloads(most)).await;
        until(&format!("{then} at work of {most}"), || active(&transfers) == then).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(active(&transfers), then, "no more than {most} may be at work, but what is stays");
    }
    let asked: BTreeSet<String> = server.log().into_iter().map(|request| request.target).collect();
    assert_eq!(asked.len(), 4, "{asked:?}");
    // What waits for the silent server begins anew once it speaks.
    *silent.lock().unwrap() = false;
    client.set_limits(downloads(usize::MAX)).await;
    for transfer in &mut transfers {
        if matches!(transfer.status(), State::Active(_)) {
            transfer.pause().await.ok();
            transfer.resume().await.ok();
        }
        within(transfer).await.unwrap();
    }
    assert!((0..ALL).all(|n| std::fs::read(folder.join(&format!("file{n}"))).unwrap() == good));
    client.close().await;
}

async fn c10_a_listener_that_removes_itself_hears_nothing_more() {
    let server = Raw::object(Object::new(content(4000, 1)), |_, right| right).await;
    let (client, folder, calls) = (client(), Folder::new(), Arc::new(AtomicUsize::new(0)));
    let own: Arc<Mutex<Option<ListenerId>>> = Arc::default();
    let (there, counted, removing) = (Arc::clone(&own), Arc::clone(&calls), client.clone());
    let id = client.add_listener(move |_: &Event| {
        counted.fetch_add(1, Ordering::SeqCst);
        removing.remove_listener(there.lock().unwrap().unwrap());
    });
    *own.lock().unwrap() = Some(id);
    let ends = Arc::new(AtomicUsize::new(0));
    let ended = Arc::clone(&ends);
    client.add_listener(move |event: &Event| {
        ended.fetch_add(usize::from(matches!(event.kind, EventKind::Ended(_))), Ordering::SeqCst);
    });
    for n in 0..3 {
        run(&client, download(&server.url("/x"), 1000).to(folder.join(&format!("file{n}")))).await.unwrap();
    }
    until("the other one hears everything", || ends.load(Ordering::SeqCst) == 3).await;
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    client.close().await;
}

support::adapters::on_every_adapter!(
    c11_limits_are_obeyed_as_they_change_down_to_one_and_up_to_any,
    c10_a_listener_that_removes_itself_hears_nothing_more,
);
