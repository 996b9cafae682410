//! Downloads that end in the middle and begin again: nothing that is stored is believed unseen (D9, D10), little is fetched twice
//! (D8), the target is whole or untouched (D7), one target takes one transfer (D11), and a disk that fails loses nothing (D12).
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod support;

use std::path::{Path, PathBuf};
use std::time::Duration;

use longhaul::core::Config;
use longhaul::{
    Client, ClientConfig, Download, Error, EventKind, FileFaultKind, Job, PartSize, Progress, Rate, Restart,
};
use longhaul_serve::{Fault, Faults, What, When};
use support::raw::{Answer, Object, Raw};
use support::{Folder, Reference, client, client_with, content, download, quick, run, run_told, until, within};

const PART: u64 = 64 << 10;
const PARTS: u64 = 4;
const INTERVAL: u64 = 128 << 10;

/// A client that records often.
fn recording() -> Client {
    let mut core = Config::default();
    core.interval.bytes = INTERVAL;
    client_with(ClientConfig::builder().core(core).tick(Duration::from_millis(10)).build().unwrap())
}

fn parted(url: &str) -> Download {
    download(url, PART).parts(u32::try_from(PARTS).unwrap().try_into().unwrap())
}

/// Runs a download in a runtime of its own, which is gone when `acknowledged` is reached. Nothing is told to stop: tasks are
/// dropped where they stand. Gives the last progress seen, or `None` when it ended before.
fn killed_at(job: Job, acknowledged: u64) -> Option<Progress> {
    let task = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let seen = runtime.block_on(async {
            let transfer = recording().submit(job).await.unwrap();
            until("enough is stored", || {
                transfer.progress().acknowledged >= acknowledged || transfer.outcome().is_some()
            })
            .await;
            transfer.outcome().is_none().then(|| transfer.progress())
        });
        drop(runtime);
        seen
    });
    tokio::task::block_in_place(|| task.join().unwrap())
}

/// A cheap and repeatable choice among `0..below`.
fn draw(round: u64, below: u64) -> u64 {
    round.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23) % below
}

async fn d8_dropped_at_any_moment_it_goes_on_exactly_and_fetches_little_twice() {
    const LEN: u64 = 3 << 20;
    let good = content(LEN as usize, 1);
    let server = Reference::start(&[("object", &good)], |config| config).await;
    let url = server.url("object");
    let (mut kills, mut resumed) = (0, 0);
    for round in 0..12 {
        let folder = Folder::new();
        let target = folder.join("target");
        let mut stored = 0;
        // Up to three deaths on the way.
        for death in 1..=3 {
            let at = (stored + 1 + draw(round * 3 + death, LEN / 2)).min(LEN - LEN / 8);
            let Some(seen) = killed_at(parted(&url).to(&target).with_rate(Rate::new(24 << 20)), at) else { break };
            // It may have come to its end between the last look and its death.
            if target.exists() {
                break;
            }
            kills += 1;
            // What it found, before it added to it.
            let found = seen.acknowledged - (seen.moved - seen.resent);
            assert!(found + INTERVAL + PARTS * PART >= stored, "round {round}: {stored} stored, then {seen:?}");
            stored = seen.acknowledged;
        }
        if target.exists() {
            assert!(std::fs::read(&target).unwrap() == good, "round {round}: there, and not whole");
            continue;
        }
        let (outcome, _, transfer) = run_told(&recording(), parted(&url).to(&target)).await;
        assert!(outcome.is_ok(), "round {round}: {outcome:?}");
        assert!(std::fs::read(&target).unwrap() == good, "round {round}: another content");
        let progress = transfer.progress();
        // What had been stored and is fetched again: at most what was in flight and one interval.
        let again = stored.saturating_sub(progress.reused);
        assert!(again <= INTERVAL + PARTS * PART, "round {round}: {again} of {stored} bytes again, {progress:?}");
        assert_eq!(progress.reused + progress.moved, LEN, "round {round}: {progress:?}");
        resumed += u64::from(progress.reused > 0);
        assert_eq!(folder.names(), ["target"], "round {round}");
    }
    assert!(kills >= 12 && resumed >= 6, "{kills} deaths, {resumed} times something was reused");
}

/// The files of a half-done download, to be put back as often as needed.
struct Half {
    temporary: (String, Vec<u8>),
    journal: (String, Vec<u8>),
}

const HALF_LEN: usize = 40_000;

/// A server of `object`, whose second half is withheld while `withheld`.
async fn half_server(object: Object) -> (Raw, tokio::sync::watch::Sender<bool>) {
    let (withheld, state) = tokio::sync::watch::channel(true);
    let server = Raw::object(object, move |request, right| {
        let late = request.range().is_some_and(|(start, _)| start >= HALF_LEN / 2);
        if late && *state.borrow() { Answer::with_body("503 X", "").set("Retry-After", "100") } else { right }
    })
    .await;
    (server, withheld)
}

fn half_job(url: &str, target: &Path) -> Job {
    download(url, 4000).parts(1.try_into().unwrap()).to(target)
}

/// Downloads a half, ends in good order, and keeps the files.
async fn make_half(server: &Raw, folder: &Folder) -> Half {
    let client = recording();
    let transfer = client.submit(half_job(&server.url("/object"), &folder.join("target"))).await.unwrap();
    until("half of it", || transfer.progress().acknowledged == HALF_LEN as u64 / 2).await;
    client.close().await;
    drop(transfer);
    let (temporary, journal) = folder.hidden();
    let read = |path: PathBuf| (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(&path).unwrap());
    Half { temporary: read(temporary.unwrap()), journal: read(journal.unwrap()) }
}

/// Runs the download in a folder with these files, and gives what it reused.
async fn go_on(
    server: &Raw,
    good: &[u8],
    temporary: Option<(&str, &[u8])>,
    journal: Option<(&str, &[u8])>,
) -> Progress {
    let folder = Folder::new();
    for (name, bytes) in temporary.into_iter().chain(journal) {
        folder.file(name, bytes);
    }
    let (outcome, _, transfer) = run_told(&client(), half_job(&server.url("/object"), &folder.join("target"))).await;
    assert!(outcome.is_ok(), "{outcome:?}");
    assert!(std::fs::read(folder.join("target")).unwrap() == good, "another content");
    assert_eq!(folder.names(), ["target"], "something is left behind");
    transfer.progress()
}

async fn d9_whatever_became_of_the_journal_the_content_is_right() {
    let good = content(HALF_LEN, 1);
    let (server, withheld) = half_server(Object::new(good.clone())).await;
    let half = make_half(&server, &Folder::new()).await;
    withheld.send_replace(false);
    let temporary = Some((half.temporary.0.as_str(), half.temporary.1.as_slice()));
    let (name, journal) = (half.journal.0.as_str(), half.journal.1.as_slice());

    let untouched = go_on(&server, &good, temporary, Some((name, journal))).await;
    assert_eq!((untouched.reused, untouched.moved), (HALF_LEN as u64 / 2, HALF_LEN as u64 / 2));
    // Torn at every length.
    for len in 0..journal.len() {
        let progress = go_on(&server, &good, temporary, Some((name, &journal[..len]))).await;
        assert!(progress.reused <= HALF_LEN as u64 / 2, "torn at {len}");
    }
    // A flipped bit in every byte; zeroes from every place on.
    for at in 0..journal.len() {
        let mut flipped = journal.to_vec();
        flipped[at] ^= 1 << (at % 8);
        go_on(&server, &good, temporary, Some((name, &flipped))).await;
        if at % 4 == 0 {
            let mut zeroed = journal.to_vec();
            zeroed[at..].fill(0);
            go_on(&server, &good, temporary, Some((name, &zeroed))).await;
        }
    }
    // Grown by rubbish, doubled, another format altogether, none.
    let grown = [journal, b"rubbish after the end"].concat();
    assert_eq!(go_on(&server, &good, temporary, Some((name, &grown))).await.reused, HALF_LEN as u64 / 2);
    go_on(&server, &good, temporary, Some((name, &[journal, journal].concat()))).await;
    go_on(&server, &good, temporary, Some((name, b"{\"version\": 1}"))).await;
    let none = go_on(&server, &good, temporary, None).await;
    assert_eq!(none.reused, 0);
}

async fn d9_a_journal_of_another_object_or_version_is_not_believed() {
    let good = content(HALF_LEN, 1);
    let (server, withheld) = half_server(Object::new(good.clone())).await;
    let half = make_half(&server, &Folder::new()).await;
    withheld.send_replace(false);
    let files = (
        Some((half.temporary.0.as_str(), half.temporary.1.as_slice())),
        Some((half.journal.0.as_str(), half.journal.1.as_slice())),
    );
    // The object has changed since: another tag; another date; the same size, another content.
    let mut changed = Object::new(content(HALF_LEN, 2));
    changed.etag = Some("\"v2\"".into());
    let (other, free) = half_server(changed).await;
    free.send_replace(false);
    // Another server, hence another object: the journal is foreign there.
    assert_eq!(go_on(&other, &content(HALF_LEN, 2), files.0, files.1).await.reused, 0);
    drop(server);
}

async fn d1_an_object_that_changed_between_two_runs_is_fetched_anew_and_that_is_told() {
    let version = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(1));
    let state = std::sync::Arc::clone(&version);
    let server = Raw::start(move |request| {
        let version = state.load(std::sync::atomic::Ordering::SeqCst);
        let mut object = Object::new(content(HALF_LEN, version));
        object.etag = Some(format!("\"v{version}\""));
        let late = request.range().is_some_and(|(start, _)| start >= HALF_LEN / 2);
        if late && version == 1 {
            return Answer::with_body("503 X", "").set("Retry-After", "100");
        }
        object.answer(request)
    })
    .await;
    let folder = Folder::new();
    make_half(&server, &folder).await;
    version.store(2, std::sync::atomic::Ordering::SeqCst);
    let (outcome, told, transfer) = run_told(&client(), half_job(&server.url("/object"), &folder.join("target"))).await;
    assert!(outcome.is_ok(), "{outcome:?}");
    assert!(std::fs::read(folder.join("target")).unwrap() == content(HALF_LEN, 2));
    assert!(told.iter().any(|kind| matches!(kind, EventKind::Restarted(Restart::Changed(_)))), "{told:?}");
    assert_eq!(transfer.progress().reused, 0);
}

async fn d10_what_was_done_to_the_stored_part_is_noticed_and_fetched_again() {
    let good = content(HALF_LEN, 1);
    let (server, withheld) = half_server(Object::new(good.clone())).await;
    let half = make_half(&server, &Folder::new()).await;
    withheld.send_replace(false);
    let journal = Some((half.journal.0.as_str(), half.journal.1.as_slice()));
    let name = half.temporary.0.as_str();
    let stored = half.temporary.1;

    // One bit anywhere.
    for at in (0..HALF_LEN / 2).step_by(997).chain([0, HALF_LEN / 2 - 1]) {
        let mut edited = stored.clone();
        edited[at] ^= 0x40;
        let progress = go_on(&server, &good, Some((name, &edited)), journal).await;
        assert!(progress.reused < HALF_LEN as u64 / 2, "edited at {at}: {progress:?}");
    }
    // Cut anywhere in what was stored: no byte beyond the end counts.
    for len in [0, 1, 3999, 4000, 4001, HALF_LEN / 2 - 1] {
        let progress = go_on(&server, &good, Some((name, &stored[..len])), journal).await;
        assert!(progress.reused <= len as u64, "cut to {len}: {progress:?}");
    }
    // Grown: what was stored is all there.
    let grown = [stored.as_slice(), &[7; 100_000]].concat();
    let progress = go_on(&server, &good, Some((name, &grown)), journal).await;
    assert_eq!(progress.reused, HALF_LEN as u64 / 2);
    // Replaced by something else of the same size; gone.
    let progress = go_on(&server, &good, Some((name, &content(HALF_LEN, 9))), journal).await;
    assert_eq!(progress.reused, 0);
    let progress = go_on(&server, &good, None, journal).await;
    assert_eq!(progress.reused, 0);
}

async fn d10_a_hole_in_the_middle_costs_only_what_is_around_it() {
    const LEN: usize = 2 << 20;
    let good = content(LEN, 1);
    let server = Reference::start(&[("object", &good)], |config| config).await;
    let folder = Folder::new();
    let seen = killed_at(
        parted(&server.url("object")).to(folder.join("target")).with_rate(Rate::new(16 << 20)),
        LEN as u64 * 3 / 4,
    );
    assert!(seen.is_some());
    support::overwrite(&folder.hidden().0.unwrap(), 300_000, &[0xee; 10]);
    let (outcome, _, transfer) = run_told(&recording(), parted(&server.url("object")).to(folder.join("target"))).await;
    assert!(outcome.is_ok(), "{outcome:?}");
    assert!(std::fs::read(folder.join("target")).unwrap() == good);
    let reused = transfer.progress().reused;
    assert!(reused > 0 && reused < LEN as u64, "{:?}", transfer.progress());
}

async fn d7_the_target_is_the_old_file_until_it_is_the_whole_new_one() {
    let good = content(HALF_LEN, 1);
    for existing in [None, Some(&b"the good old file"[..])] {
        let (server, withheld) = half_server(Object::new(good.clone())).await;
        let folder = Folder::new();
        let target = folder.join("target");
        if let Some(bytes) = existing {
            std::fs::write(&target, bytes).unwrap();
        }
        let still = || assert_eq!(std::fs::read(&target).ok().as_deref(), existing, "the target was touched");
        let client = client();

        // It fails in the middle.
        let dead = Raw::object(Object::new(good.clone()), |request, right| match request.range() {
            Some((start, _)) if start >= 8000 => Answer::with_body("404 Not Found", ""),
            _ => right,
        })
        .await;
        run(&client, half_job(&dead.url("/object"), &target)).await.unwrap_err();
        still();
        // It is cancelled in the middle.
        let transfer = client.submit(half_job(&server.url("/object"), &target)).await.unwrap();
        until("half of it", || transfer.progress().acknowledged == HALF_LEN as u64 / 2).await;
        still();
        transfer.cancel().await.unwrap();
        assert_eq!(within(transfer).await, Err(Error::Cancelled));
        still();
        let left: Vec<_> = folder.names().into_iter().filter(|name| name != "target").collect();
        assert_eq!(left, Vec::<String>::new(), "a cancelled download leaves nothing");
        // Its content is not what it should be.
        withheld.send_replace(false);
        let wrong = support::digest(longhaul::Algorithm::Sha256, b"something else");
        let job = download(&server.url("/object"), 4000).checksum(wrong).to(&target);
        assert!(matches!(run(&client, job).await, Err(Error::Integrity { .. })));
        still();
        // And then it works.
        run(&client, half_job(&server.url("/object"), &target)).await.unwrap();
        assert!(std::fs::read(&target).unwrap() == good);
        assert_eq!(folder.names(), ["target"]);
    }
}

async fn d11_one_target_takes_one_transfer_at_a_time_by_whatever_name() {
    let good = content(HALF_LEN, 1);
    let (server, withheld) = half_server(Object::new(good.clone())).await;
    let folder = Folder::new();
    let target = folder.join("target");
    // Elsewhere it is a matter of policy who may make a link.
    let alias = if cfg!(unix) { folder.join("alias") } else { target.clone() };
    #[cfg(unix)]
    std::os::unix::fs::symlink(&target, &alias).unwrap();
    let around = folder.path().join("..").join(folder.path().file_name().unwrap()).join("target");
    let first_client = client();
    let first = first_client.submit(half_job(&server.url("/object"), &target)).await.unwrap();
    until("half of it", || first.progress().acknowledged == HALF_LEN as u64 / 2).await;
    for path in [&target, &alias, &around] {
        // From the same client under another URL, and from another client.
        for (client, url) in [(&first_client, "/other"), (&client(), "/object")] {
            let error = run(client, half_job(&server.url(url), path)).await.unwrap_err();
            let Error::Disk(fault) = &error else { panic!("{path:?}: {error:?}") };
            assert_eq!(fault.kind, FileFaultKind::Busy, "{path:?}: {error}");
            assert!(error.may_succeed_later());
        }
    }
    withheld.send_replace(false);
    first.pause().await.unwrap();
    first.resume().await.unwrap();
    within(first).await.unwrap();
    assert!(std::fs::read(&target).unwrap() == good, "the refused ones disturbed it");
    run(&first_client, half_job(&server.url("/other"), &target)).await.unwrap();
}

async fn d12_a_folder_removed_or_replaced_under_way_is_its_own_error_and_the_next_run_works() {
    type Harm = fn(&Path);
    let harms: [(&str, Harm); 3] = [
        ("removed", |folder| std::fs::remove_dir_all(folder).unwrap()),
        ("renamed", |folder| std::fs::rename(folder, folder.with_extension("away")).unwrap()),
        ("a file now", |folder| {
            std::fs::remove_dir_all(folder).unwrap();
            std::fs::write(folder, b"a file").unwrap();
        }),
    ];
    for (what, harm) in harms {
        let good = content(HALF_LEN, 1);
        let (server, withheld) = half_server(Object::new(good.clone())).await;
        let outer = Folder::new();
        let folder = outer.join("folder");
        std::fs::create_dir(&folder).unwrap();
        let target = folder.join("target");
        let client = client();
        let transfer = client.submit(half_job(&server.url("/object"), &target)).await.unwrap();
        until("half of it", || transfer.progress().acknowledged == HALF_LEN as u64 / 2).await;
        harm(&folder);
        withheld.send_replace(false);
        // Wakes it from its wait; what a pause records may already meet the harm and end it.
        let _ = transfer.pause().await;
        let _ = transfer.resume().await;
        let error = within(transfer).await.expect_err(what);
        let Error::Disk(fault) = &error else { panic!("{what}: {error:?}") };
        assert!(
            matches!(fault.kind, FileFaultKind::Lost | FileFaultKind::NotFound | FileFaultKind::Unusable),
            "{what}: {error:?}"
        );
        assert!(!target.exists());
        if folder.is_file() {
            std::fs::remove_file(&folder).unwrap();
        }
        std::fs::create_dir_all(&folder).unwrap();
        run(&client, half_job(&server.url("/object"), &target)).await.unwrap();
        assert!(std::fs::read(&target).unwrap() == good, "{what}");
    }
}

/// Set in the process that runs as somebody who may not do everything.
#[cfg(unix)]
const AS_NOBODY: &str = "LONGHAUL_TEST_AS_NOBODY";

#[cfg(unix)]
#[test]
fn d12_a_folder_made_read_only_under_way_is_denied_and_the_next_run_works() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;

    let probe = Folder::new();
    let is_root = std::fs::metadata(probe.path()).unwrap().uid() == 0;
    if is_root && std::env::var_os(AS_NOBODY).is_none() {
        // Permissions do not bind root: the same test as somebody else.
        let name = "d12_a_folder_made_read_only_under_way_is_denied_and_the_next_run_works";
        let copy = probe.join("suite");
        std::fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
        std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::set_permissions(probe.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let mut child = std::process::Command::new(copy);
        child.args([name, "--exact", "--nocapture"]).env(AS_NOBODY, "1").uid(65_534).gid(65_534).current_dir("/");
        let output = child.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && said.contains("1 passed"),
            "{said}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let good = content(HALF_LEN, 1);
        let (server, withheld) = half_server(Object::new(good.clone())).await;
        let folder = Folder::new();
        let client = client();
        let job = || half_job(&server.url("/object"), &folder.join("target"));
        let transfer = client.submit(job()).await.unwrap();
        until("half of it", || transfer.progress().acknowledged == HALF_LEN as u64 / 2).await;
        // What is recorded afterwards goes into a file that is there: none can be made any more.
        until("its journal", || folder.hidden().1.is_some()).await;
        let mode = |mode| std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(mode)).unwrap();
        mode(0o555);
        withheld.send_replace(false);
        let _ = transfer.pause().await;
        let _ = transfer.resume().await;
        let error = within(transfer).await.unwrap_err();
        let Error::Disk(fault) = &error else { panic!("{error:?}") };
        assert!(matches!(fault.kind, FileFaultKind::Denied | FileFaultKind::ReadOnly), "{error:?}");
        // One that begins there is denied at once.
        let other = download(&server.url("/object"), 4000).to(folder.join("other"));
        let error = run(&client, other).await.unwrap_err();
        assert!(matches!(&error, Error::Disk(fault) if fault.kind == FileFaultKind::Denied), "{error:?}");
        mode(0o755);
        let (outcome, _, transfer) = run_told(&client, job()).await;
        assert!(outcome.is_ok(), "{outcome:?}");
        assert!(std::fs::read(folder.join("target")).unwrap() == good);
        assert!(transfer.progress().reused > 0, "nothing was lost: {:?}", transfer.progress());
    });
}

async fn faults_of_every_kind_at_once_do_not_shift_a_byte() {
    const LEN: usize = 2 << 20;
    let good = content(LEN, 1);
    let server = Reference::start(&[("object", &good)], |config| config).await;
    for seed in 0..6 {
        let mut faults = Faults::seeded(seed);
        for what in [
            What::ResetAfter { bytes: 20_000 },
            What::CloseAfter { bytes: 1 },
            What::CloseAfterAnswer,
            What::DropAnswer,
            What::ShortRange { bytes: 10_000 },
            What::Status { code: 500, retry_after: None },
        ] {
            faults = faults.with(Fault::new(When::PerMille(60), what));
        }
        server.faults(faults);
        let folder = Folder::new();
        let (outcome, _, transfer) =
            run_told(&recording(), parted(&server.url("object")).to(folder.join("target"))).await;
        assert!(outcome.is_ok(), "seed {seed}: {outcome:?}");
        assert!(std::fs::read(folder.join("target")).unwrap() == good, "seed {seed}");
        let progress = transfer.progress();
        assert_eq!(progress.moved - progress.resent, LEN as u64, "seed {seed}: {progress:?}");
    }
}

async fn a_download_that_was_closed_in_the_middle_goes_on_when_submitted_again_without_more_ado() {
    let good = content(HALF_LEN, 1);
    let (server, withheld) = half_server(Object::new(good.clone())).await;
    let folder = Folder::new();
    make_half(&server, &folder).await;
    withheld.send_replace(false);
    let asked = server.requests();
    let job = Download::new(&server.url("/object")).unwrap().retry(quick()).part_size(PartSize::Bytes(4000));
    let (outcome, _, transfer) = run_told(&client(), job.to(folder.join("target"))).await;
    assert!(outcome.is_ok(), "{outcome:?}");
    assert!(std::fs::read(folder.join("target")).unwrap() == good);
    assert_eq!(transfer.progress().reused, HALF_LEN as u64 / 2);
    let ranges: Vec<_> = server.log()[asked..].iter().filter_map(support::raw::Request::range).collect();
    assert!(ranges.iter().all(|(start, _)| *start >= HALF_LEN / 2), "{ranges:?}");
}

async fn a_download_into_a_folder_goes_on_too_and_keeps_everything_in_there() {
    let good = content(HALF_LEN, 1);
    for suggested in [None, Some("attachment; filename=\"suggested.bin\"")] {
        let (withheld, state) = tokio::sync::watch::channel(true);
        let server = Raw::object(Object::new(good.clone()), move |request, right| {
            let late = request.range().is_some_and(|(start, _)| start >= HALF_LEN / 2);
            match suggested {
                _ if late && *state.borrow() => Answer::with_body("503 X", "").set("Retry-After", "100"),
                Some(name) => right.set("Content-Disposition", name),
                None => right,
            }
        })
        .await;
        let name = if suggested.is_some() { "suggested.bin" } else { "object" };
        let folders = [Folder::new(), Folder::new()];
        let job = |folder: &Folder| {
            let download = download(&server.url("/object"), 4000).parts(1.try_into().unwrap());
            download.to_folder(folder.path())
        };
        let strays = || {
            let here = std::fs::read_dir(".").unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
            here.filter(|name| name.contains("journal")).count()
        };
        let before = strays();
        // The same URL into two folders at a time (C7).
        let first = recording();
        let mut transfers = Vec::new();
        for folder in &folders {
            transfers.push(first.submit(job(folder)).await.unwrap());
        }
        for transfer in &transfers {
            until("half of it", || transfer.progress().acknowledged == HALF_LEN as u64 / 2).await;
        }
        first.close().await;
        drop(transfers);
        assert_eq!(strays(), before, "a journal lies where the program was started");
        withheld.send_replace(false);
        for folder in &folders {
            assert!(folder.names().iter().all(|name| name.starts_with('.')), "{:?}", folder.names());
            let (outcome, _, transfer) = run_told(&client(), job(folder)).await;
            assert!(outcome.is_ok(), "{outcome:?}");
            assert!(std::fs::read(folder.join(name)).unwrap() == good);
            assert_eq!(transfer.progress().reused, HALF_LEN as u64 / 2, "{suggested:?}");
            assert_eq!(folder.names(), [name]);
        }
    }
}

support::adapters::on_every_adapter!(
    recorded:
    d8_dropped_at_any_moment_it_goes_on_exactly_and_fetches_little_twice,
    d9_whatever_became_of_the_journal_the_content_is_right,
    d9_a_journal_of_another_object_or_version_is_not_believed,
    d1_an_object_that_changed_between_two_runs_is_fetched_anew_and_that_is_told,
    d10_what_was_done_to_the_stored_part_is_noticed_and_fetched_again,
    d10_a_hole_in_the_middle_costs_only_what_is_around_it,
    d7_the_target_is_the_old_file_until_it_is_the_whole_new_one,
    d11_one_target_takes_one_transfer_at_a_time_by_whatever_name,
    d12_a_folder_removed_or_replaced_under_way_is_its_own_error_and_the_next_run_works,
    faults_of_every_kind_at_once_do_not_shift_a_byte,
    a_download_that_was_closed_in_the_middle_goes_on_when_submitted_again_without_more_ado,
    a_download_into_a_folder_goes_on_too_and_keeps_everything_in_there,
);
