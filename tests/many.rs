//! Ten thousand transfers over 64 connections, and nothing left of them (B8). A suite of its own, so that nothing else in the process
//! is counted.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails, and tells what it measured"
)]

mod support;

use std::time::{Duration, Instant};

use longhaul::core::Config;
use longhaul::{Client, ClientConfig, Durability, Job};
use support::raw::{Object, Raw};
use support::{Folder, client_with, content, download, until};

const ALL: usize = 10_000;
const CONNECTIONS: u32 = 64;

/// What a client may leave behind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Left {
    tasks: usize,
    threads: usize,
    handles: usize,
}

impl Left {
    fn now() -> Self {
        let entries = |path| std::fs::read_dir(path).unwrap().count();
        Self { tasks: support::adapters::tasks(), threads: threads(), handles: entries("/proc/self/fd") }
    }

    fn within(self, limit: Self) -> bool {
        self.tasks <= limit.tasks && self.threads <= limit.threads && self.handles <= limit.handles
    }
}

/// Those of the crate `blocking` (async-std, smol) are the process's, shared by all who block, and stay; what runs on them is counted
/// among the tasks.
fn threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let names = tasks.map(|task| std::fs::read_to_string(task.path().join("comm")).unwrap_or_default());
    names.filter(|name| !name.starts_with("blocking-")).count()
}

fn client() -> Client {
    let mut core = Config::default();
    core.limits.downloads = CONNECTIONS as usize;
    core.limits.requests = CONNECTIONS as usize;
    core.limits.per_authority = CONNECTIONS as usize;
    (core.concurrency.initial, core.concurrency.ceiling) = (CONNECTIONS, CONNECTIONS);
    client_with(ClientConfig::builder().core(core).build().unwrap())
}

async fn b8_ten_thousand_transfers_over_64_connections_leave_nothing_behind() {
    if !support::alone() {
        return;
    }
    let good = content(100, 1);
    let server = Raw::object(Object::new(good.clone()), |_, right| right).await;
    let folder = Folder::new();
    let job = |n: usize| -> Job {
        let download = download(&server.url(&format!("/{n}")), 1000).size(100).durability(Durability::Process);
        match n % 10 {
            0 => download.to(folder.join(&format!("target{n}"))),
            _ => download.to_memory(100).0,
        }
    };
    // Executors and reactors that the process keeps are started, and threads that nobody needs gone, before anything is counted.
    let first = client();
    for transfer in first.submit_all((0..20).map(job)).await {
        transfer.unwrap().await.unwrap();
    }
    first.close().await;
    drop(first);
    tokio::time::sleep(Duration::from_secs(11)).await;
    let before = Left::now();

    let (client, begun) = (client(), Instant::now());
    let transfers = client.submit_all((0..ALL).map(job)).await;
    for transfer in transfers {
        tokio::time::timeout(Duration::from_secs(300), transfer.unwrap()).await.expect("within 300 s").unwrap();
    }
    let (took, busy) = (begun.elapsed(), Left::now());
    client.close().await;
    drop(client);
    let closed = Instant::now();
    until("nothing is left", || Left::now().within(before)).await;
    println!("{took:?}, {} connections, {busy:?}", server.connections());
    println!("{before:?}, again so after {:?}", closed.elapsed());

    assert_eq!(before.tasks, 0);
    assert_eq!(folder.names().len(), ALL / 10);
    assert!(server.log().len() >= ALL);
    // One that is no longer wanted may be closed a little after the next one is opened.
    assert!(server.most_open() <= 2 * CONNECTIONS as usize, "{} at once", server.most_open());
    assert!(server.connections() <= ALL / 10, "{} in all", server.connections());
}

support::adapters::on_every_adapter!(b8_ten_thousand_transfers_over_64_connections_leave_nothing_behind);
