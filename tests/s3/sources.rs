//! Files on their way to a store that says which bytes it has: never a mixture (U1), and no thread for what is in memory.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures::future::BoxFuture;
use longhaul::driver::runtime::Spawn;
use longhaul::tokio::{FileSource, TokioRuntime};
use longhaul::{Client, ClientConfig, Error, FileFaultKind};

use crate::store::Store;
use crate::support::jobs::from_storage;
use crate::support::watch::Watched;
use crate::support::{Folder, client, content, overwrite, run};
use crate::{PART, object, upload};

/// Writes over a byte, and leaves size and modification time as they were.
fn edit_unnoticed(path: &Path, at: u64) {
    let modified = std::fs::metadata(path).unwrap().modified().unwrap();
    let byte = std::fs::read(path).unwrap()[usize::try_from(at).unwrap()];
    overwrite(path, at, &[!byte]);
    File::options().write(true).open(path).unwrap().set_modified(modified).unwrap();
}

async fn u1_a_file_edited_under_way_is_never_stored_as_a_mixture() {
    const LEN: usize = 10 * PART as usize;
    for tells in [true, false] {
        let store = Store::new(PART as usize);
        store.state().tells_checksums = tells;
        let server = store.serve(|_, answer| answer).await;
        for (how, part) in [("in parts", PART), ("at once", 1 << 30)] {
            for before in [0, 1, 5, 9] {
                let case = format!("{how}, before the read at {before} of ten, checksums told: {tells}");
                let folder = Folder::new();
                let path = folder.file("source", &content(LEN, 1));
                let (edited, victim) = (AtomicBool::new(false), path.clone());
                let source = Watched::new(FileSource::new(&path)).before_read(move |offset| {
                    if offset >= before * PART && !edited.swap(true, Ordering::SeqCst) {
                        // In what was sent and in what is still to be sent.
                        edit_unnoticed(&victim, 10);
                        edit_unnoticed(&victim, LEN as u64 - 10);
                    }
                });
                let key = format!("{how}/{before}");
                let job =
                    from_storage(upload(object(server.addr, &key)).single_up_to(part - 1), Arc::new(source), PART);
                let outcome = run(&client(), job).await;
                let there = store.state().objects.get(&key).map(|stored| stored.content.clone());
                let versions = [content(LEN, 1), std::fs::read(&path).unwrap()];
                match (outcome, there) {
                    (_, Some(there)) => assert!(versions.contains(&there), "{case}: a mixture is stored"),
                    (Ok(_), None) => panic!("{case}: a success that is not there"),
                    (Err(error), None) => assert!(
                        matches!(&error, Error::Disk(fault) if fault.kind == FileFaultKind::Changed),
                        "{case}: {error:?}"
                    ),
                }
            }
        }
    }
}

/// tokio, counting what is given to threads.
struct Counting {
    runtime: TokioRuntime,
    threads: AtomicUsize,
}

impl Spawn for Counting {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        self.runtime.spawn(task);
    }

    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send>) {
        self.threads.fetch_add(1, Ordering::SeqCst);
        self.runtime.spawn_blocking(work);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_in_memory_takes_no_thread_for_each_chunk() {
    const LEN: usize = 16 << 20;
    // There it is for sure.
    let mounts = std::fs::read_to_string("/proc/mounts").unwrap_or_default();
    if !mounts.contains(" /dev/shm tmpfs ") {
        return;
    }
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    let path = folder.path().join("source");
    std::fs::write(&path, content(LEN, 1)).unwrap();
    let store = Store::new(PART as usize);
    let server = store.serve(|_, answer| answer).await;
    let runtime = TokioRuntime::current().unwrap();
    let spawn = Arc::new(Counting { runtime: runtime.clone(), threads: AtomicUsize::new(0) });
    let transport = crate::support::transport().build(Arc::new(runtime.clone())).unwrap();
    let client = Client::new(ClientConfig::default(), Arc::new(transport), Arc::new(runtime), Arc::clone(&spawn) as _);
    let job = from_storage(upload(object(server.addr, "key")), Arc::new(FileSource::new(&path)), 4 << 20);
    run(&client, job).await.unwrap();
    assert!(store.state().objects["key"].content == content(LEN, 1));
    // To open it and to look at it again; not the 64 chunks.
    let threads = spawn.threads.load(Ordering::SeqCst);
    assert!(threads < 10, "{threads}");
}

crate::support::adapters::on_every_adapter!(u1_a_file_edited_under_way_is_never_stored_as_a_mixture);
