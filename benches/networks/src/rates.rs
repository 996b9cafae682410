//! Rate limits, by the library: how exactly one is kept, and how evenly many transfers share one.

use std::fmt::Write;
use std::time::{Duration, Instant};

use longhaul::core::spec::Config;
use longhaul::{Client, ClientBuilder, ClientConfig, Download, Rate, Rates, Transfer};
use longhaul_benches::Failure;
use longhaul_benches::numbers::Numbers;

use crate::ground::{Ground, MIB};
use crate::origin::Trouble;

/// Measured for this long, after the beginning has passed.
const SPAN: Duration = Duration::from_secs(10);
const BEGINNING: Duration = Duration::from_secs(1);
/// How often progress is looked at.
const LOOK: Duration = Duration::from_millis(5);
const MANY: usize = 64;

pub(crate) fn table(ground: &Ground) -> Result<String, Failure> {
    ground.origin.trouble(Trouble::None);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut text = String::from(
        "Measured for 10 s; the rate is between the first and the last byte seen in them.\n\n| | transfers | limit MiB/s | measured MiB/s | off by | Jain's index | least–greatest MiB |\n|---|---|---|---|---|---|---|\n",
    );
    for (name, transfers, bytes, limit) in [
        ("one large object", 1, 256 * MIB, 16 * MIB),
        ("a cap far below a part", 1, 64 * MIB, MIB / 4),
        ("many at once", MANY, 8 * MIB, 16 * MIB),
        ("many at once, slowly", MANY, 8 * MIB, 2 * MIB),
    ] {
        let moved = runtime.block_on(moved(ground, transfers, bytes, limit))?;
        let off = 100.0 * (moved.rate / limit as f64 - 1.0);
        let mebibytes = Numbers::new(moved.shares.iter().map(|bytes| bytes / MIB as f64));
        let _ = writeln!(
            text,
            "| {name} | {transfers} | {:.2} | {:.2} | {off:+.1} % | {:.3} | {} |",
            limit as f64 / MIB as f64,
            moved.rate / MIB as f64,
            jain(&moved.shares),
            mebibytes.spread(2),
        );
    }
    Ok(text)
}

/// How even shares are: 1 where all are alike, 1/n where one has everything (Jain, Chiu, Hawe 1984).
fn jain(shares: &[f64]) -> f64 {
    let (sum, squares): (f64, f64) = (shares.iter().sum(), shares.iter().map(|share| share * share).sum());
    sum * sum / (shares.len() as f64 * squares)
}

/// What transfers moved.
struct Moved {
    /// Bytes of each.
    shares: Vec<f64>,
    /// Of all together, in bytes per second.
    rate: f64,
}

async fn moved(ground: &Ground, transfers: usize, bytes: usize, limit: usize) -> Result<Moved, Failure> {
    let client = client(transfers, Rate::new(limit as u64))?;
    let folder = ground.folder.join("rates");
    std::fs::create_dir_all(&folder)?;
    let mut running = Vec::with_capacity(transfers);
    for number in 0..transfers {
        let url = format!("http://{}/{bytes}/{number}", ground.origin.address());
        running.push(client.submit(Download::new(&url)?.to(folder.join(number.to_string()))).await?);
    }
    tokio::time::sleep(BEGINNING).await;
    let moved = watch(&running).await;
    for transfer in &running {
        // What is over needs no end.
        let _ = transfer.cancel().await;
    }
    client.close().await;
    std::fs::remove_dir_all(&folder)?;
    Ok(moved)
}

fn client(transfers: usize, limit: Option<Rate>) -> Result<Client, Failure> {
    let mut core = Config::default();
    if transfers > 1 {
        let limits = &mut core.limits;
        (limits.downloads, limits.requests, limits.per_authority) = (transfers, transfers, transfers);
        let places = u32::try_from(transfers)?;
        (core.concurrency.initial, core.concurrency.ceiling) = (places, places);
    }
    let config = ClientConfig::builder().core(core).rates(Rates::unlimited().with_total(limit)).build()?;
    Ok(ClientBuilder::new().config(config).start()?)
}

/// Looks at them for [`SPAN`]. The rate is measured from one change of their progress to another, so that no look comes between.
async fn watch(running: &[Transfer]) -> Moved {
    let begun = Instant::now();
    let all = || -> Vec<u64> { running.iter().map(|transfer| transfer.progress().acknowledged).collect() };
    let before = all();
    let mut first = None;
    let mut last = (begun, before.iter().sum::<u64>());
    while begun.elapsed() < SPAN {
        tokio::time::sleep(LOOK).await;
        let (now, bytes) = (Instant::now(), all().iter().sum());
        if bytes != last.1 {
            last = (now, bytes);
            first.get_or_insert(last);
        }
    }
    let (at, bytes) = first.unwrap_or(last);
    let rate = (last.1 - bytes) as f64 / (last.0 - at).as_secs_f64();
    let shares = all().iter().zip(before).map(|(after, before)| after.saturating_sub(before) as f64).collect();
    Moved { shares, rate }
}
