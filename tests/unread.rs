//! Downloads whose bytes nobody looks at: the kernel moves them, and nothing else is different. The suites of downloads run so too
//! (`Adapter::Unread`); here it is seen that they do.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod support;

use std::sync::Arc;

use longhaul::tokio::{HyperTransport, TokioRuntime};
use longhaul::{Algorithm, Client, ClientConfig, Download, PartSize, Rate, Rates, Verification};
use longhaul_serve::{Fault, What, When};
use support::raw::{Object, Raw};
use support::{Folder, Reference, adapters, content, digest, download, quick, run, transport};

const LEN: usize = 9 << 20;

async fn a_limit_holds_for_it_as_well() {
    let good = content(60_000, 1);
    let server = Raw::object(Object::new(good.clone()), |_, right| right).await;
    let folder = Folder::new();
    let mut rates = Rates::unlimited();
    rates.download = Rate::new(100_000);
    let config = ClientConfig::builder().rates(rates).build().unwrap();
    let client = support::client_with(config);
    let begin = std::time::Instant::now();
    run(&client, download(&server.url("/object"), 20_000).to(folder.join("target"))).await.unwrap();
    let took = begin.elapsed().as_millis();
    assert!((300..20_000).contains(&took), "{took} ms");
    assert!(std::fs::read(folder.join("target")).unwrap() == good);
}

support::adapters::on_every_adapter!(a_limit_holds_for_it_as_well,);

/// As in the other suites.
#[tokio::test]
async fn what_little_there_is_the_kernel_moves_in_the_tests() {
    let good = content(100_000, 1);
    let server = Raw::object(Object::new(good.clone()), |_, right| right).await;
    let (client, transport) = adapters::unread(TokioRuntime::current().unwrap(), ClientConfig::default());
    let folder = Folder::new();
    for round in 1..4 {
        for part in [50, 20_000] {
            let job = download(&server.url("/object"), part * round).recheck(false);
            let before = transport.received_by_kernel();
            run(&client, job.to(folder.join("target"))).await.unwrap();
            assert!(std::fs::read(folder.join("target")).unwrap() == good);
            let received = transport.received_by_kernel() - before;
            // All but what came with the heads.
            let least = if cfg!(target_os = "linux") { 50_000 } else { 0 };
            assert!((least..=100_000).contains(&received), "{received}");
        }
    }
}

/// A client on this runtime with its transport.
fn with_transport(by_kernel: bool) -> (Client, HyperTransport) {
    let runtime = Arc::new(TokioRuntime::current().unwrap());
    let transport = transport().by_kernel(by_kernel).build(Arc::clone(&runtime) as _).unwrap();
    let config = ClientConfig::default();
    (Client::new(config, Arc::new(transport.clone()), Arc::clone(&runtime) as _, runtime), transport)
}

#[tokio::test]
async fn it_is_left_to_the_kernel_exactly_where_nobody_looks() {
    let good = content(LEN, 1);
    let server = Reference::start(&[("object", &good)], |config| config).await;
    let crc = digest(Algorithm::Crc64Nvme, &good);
    for (what, by_kernel, change, moved) in [
        ("as it comes", true, (|job| job) as fn(Download) -> Download, false),
        ("without recheck", true, |job| job.recheck(false), true),
        ("forbidden", false, |job| job.recheck(false), false),
        ("small parts", true, |job| job.recheck(false).part_size(PartSize::Bytes(1 << 19)), false),
        ("large parts", true, |job| job.recheck(false).part_size(PartSize::Bytes(1 << 22)), true),
    ] {
        let (client, transport) = with_transport(by_kernel);
        let folder = Folder::new();
        let job = change(Download::new(&server.url("object")).unwrap().part_size(PartSize::Bytes(3 << 20)));
        let done = run(&client, job.checksum(crc).to(folder.join("target"))).await.unwrap();
        // A checksum of the whole is another matter: the file is read for it.
        assert!(matches!(done.verification, Verification::Verified(_)), "{what}");
        assert!(std::fs::read(folder.join("target")).unwrap() == good, "{what}");
        let received = transport.received_by_kernel();
        let least = if moved && cfg!(target_os = "linux") { LEN as u64 / 2 } else { 0 };
        assert!(received >= least && (moved || received == 0), "{what}: {received}");
    }
}

#[tokio::test]
async fn v11_nothing_arrives_twice_after_a_break() {
    let good = content(LEN, 1);
    let server = Reference::start(&[("object", &good)], |config| config).await;
    server.faults(Fault::new(When::First(3), What::CloseAfter { bytes: 2 << 20 }).method("GET"));
    let (client, transport) = with_transport(true);
    let folder = Folder::new();
    let job = Download::new(&server.url("object")).unwrap().recheck(false).retry(quick());
    let job = job.part_size(PartSize::Bytes(LEN as u64)).to(folder.join("target"));
    let (outcome, _, transfer) = support::run_told(&client, job).await;
    outcome.unwrap();
    let progress = transfer.progress();
    assert_eq!((progress.resent, progress.moved), (0, LEN as u64));
    assert!(std::fs::read(folder.join("target")).unwrap() == good);
    assert!(!cfg!(target_os = "linux") || transport.received_by_kernel() > LEN as u64 / 2);
}
