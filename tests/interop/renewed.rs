//! URLs that end while a transfer goes on by them: the vendor's SDK signs them for two seconds, and the store it is that refuses
//! them (R3), unless their end is known, and none goes out (R6).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use longhaul::core::error::ServerFault;
use longhaul::core::intent::UrlsWanted;
use longhaul::{PartSize, PlannedDownload, PlannedUpload};
use longhaul_presigned::json;
use serde_json::{Value, json};

use crate::counterpart::{Counterpart, policy};
use crate::support::{content, quick, run};
use crate::tampered::{self, Fate};

/// Parts of the objects in these cases, and of them those whose first URLs last.
const PARTS: usize = 6;
const LASTING: usize = 2;
/// Parts that are asked for at once.
const BATCH: usize = 2;

/// For so many seconds the others are signed.
const SECONDS: u64 = 2;
const ENDED: Duration = Duration::from_millis(SECONDS * 1000 + 600);

/// Every case for one store.
pub(crate) async fn every_case(store: Counterpart) {
    let store = Arc::new(store);
    r6_parts_whose_urls_are_known_to_have_ended_are_asked_for_before_they_are_sent(&store).await;
    r6_a_link_that_is_known_to_have_ended_is_not_used(&store).await;
    // Any other status says that the request is wrong, not that its time is over.
    if store.server.ended.is_none_or(|status| status == 403) {
        r3_parts_whose_urls_are_refused_under_way_are_sent_by_fresh_ones(&store).await;
        r3_a_link_that_ends_under_way_is_replaced_once(&store).await;
    }
}

/// Target and query of a URL.
fn target(url: &Value) -> String {
    let url: http::Uri = url.as_str().unwrap().parse().unwrap();
    url.path_and_query().unwrap().to_string()
}

/// An upload by a plan most of whose URLs have ended by the time it begins: what was asked, and how often one of those was sent.
async fn upload(store: &Arc<Counterpart>, key: &str, told: bool) -> (Vec<UrlsWanted>, usize) {
    let bytes = content((PARTS - 1) * store.part as usize + 7, 31);
    let issue = |more: Value| {
        let mut question = json!({"do": "plan", "key": key, "size": bytes.len(), "part": store.part});
        question.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        question
    };
    let mut plan = store.ask(&issue(json!({})));
    let id = plan["upload_id"].clone();
    let short = store.ask(&issue(json!({"upload": id, "seconds": SECONDS})));
    let mut stale = Vec::new();
    for at in LASTING..PARTS {
        let mut part = short["parts"][at].clone();
        stale.push(target(&part["url"]));
        if !told {
            part.as_object_mut().unwrap().remove("expires_at");
        }
        plan["parts"][at] = part;
    }
    plan["refresh_margin"] = 1.into();
    tokio::time::sleep(ENDED).await;

    let asked = Arc::new(Mutex::new(Vec::new()));
    let draft = json::upload_draft(plan.to_string().as_bytes()).unwrap();
    let planned = PlannedUpload::new(draft, policy().with_batch(BATCH as u32, 1)).asking({
        let (store, asked) = (Arc::clone(store), Arc::clone(&asked));
        let again = issue(json!({"upload": id}));
        move |wanted| {
            let mut question = again.clone();
            question["only"] = wanted.parts.clone().into();
            let plan = store.ask(&question).to_string();
            asked.lock().unwrap().push(wanted);
            async move { json::upload_draft(plan.as_bytes()).map_err(|error| error.to_string()) }
        }
    });
    let (client, log) = tampered::client(|_| Fate::Through);
    let mut job = planned.from_bytes(bytes.clone()).unwrap();
    job.spec_mut().retry = quick();
    run(&client, job).await.unwrap();
    store.holds(key, &bytes);
    let asked = asked.lock().unwrap().clone();
    (asked, log.count(|_, target| stale.iter().any(|stale| stale == target)))
}

async fn r6_parts_whose_urls_are_known_to_have_ended_are_asked_for_before_they_are_sent(store: &Arc<Counterpart>) {
    let (asked, stale) = upload(store, "r6 plan", true).await;
    assert_eq!(stale, 0, "nothing that has ended goes out");
    assert!(asked.iter().all(|wanted| wanted.refused.is_none()), "{asked:?}");
    assert_eq!(asked.len(), (PARTS - LASTING).div_ceil(BATCH), "{asked:?}");
}

async fn r3_parts_whose_urls_are_refused_under_way_are_sent_by_fresh_ones(store: &Arc<Counterpart>) {
    let (asked, _) = upload(store, "r3 plan", false).await;
    let refused: Vec<&ServerFault> = asked.iter().filter_map(|wanted| wanted.refused.as_ref()).collect();
    if store.server.ended.is_some() {
        assert_eq!(refused.first().and_then(|fault| fault.status), Some(403), "{asked:?}");
        // All that are missing, and the completion.
        assert!(asked.len() <= PARTS.div_ceil(BATCH) + 1, "{asked:?}");
    } else {
        assert!(refused.is_empty(), "{asked:?}");
    }
}

/// A download by a link for two seconds: why it was asked for another, and how often the first was sent.
async fn download(store: &Arc<Counterpart>, key: &str, told: bool) -> (Vec<Option<u16>>, usize) {
    let bytes = content((PARTS - 1) * store.part as usize + 7, 32);
    let size = bytes.len();
    let file = store.folder.file(key, &bytes);
    store.ask(&json!({"do": "put", "key": key, "file": file, "part": store.part}));
    let mut link = store.ask(&json!({"do": "link", "key": key, "size": size, "seconds": SECONDS}));
    let stale = target(&link["url"]);
    link["refresh_margin"] = 1.into();
    if told {
        tokio::time::sleep(ENDED).await;
    } else {
        link.as_object_mut().unwrap().remove("expires_at");
    }
    let asked = Arc::new(Mutex::new(Vec::new()));
    let draft = json::download_draft(link.to_string().as_bytes()).unwrap();
    let planned = PlannedDownload::new(draft, policy()).asking({
        let (store, asked, key) = (Arc::clone(store), Arc::clone(&asked), key.to_owned());
        move |refused: Option<ServerFault>| {
            let link = store.ask(&json!({"do": "link", "key": key, "size": size})).to_string();
            asked.lock().unwrap().push(refused.map(|fault| fault.status.unwrap_or_default()));
            async move { json::download_draft(link.as_bytes()).map_err(|error| error.to_string()) }
        }
    });
    let requests = AtomicUsize::new(0);
    let (client, log) = tampered::client(move |_| {
        // The third one is held up until the link has ended.
        if !told && requests.fetch_add(1, Ordering::SeqCst) == 2 {
            std::thread::sleep(ENDED);
        }
        Fate::Through
    });
    let (mut job, target) = planned.to_memory(size).unwrap();
    (job.spec_mut().retry, job.spec_mut().part_size) = (quick(), PartSize::Bytes(store.part));
    run(&client, job).await.unwrap();
    assert!(target.content().as_deref() == Some(&bytes[..]), "{key}");
    let asked = asked.lock().unwrap().clone();
    (asked, log.count(|_, target| target == stale))
}

async fn r6_a_link_that_is_known_to_have_ended_is_not_used(store: &Arc<Counterpart>) {
    assert_eq!(download(store, "r6 link", true).await, (vec![None], 0));
}

async fn r3_a_link_that_ends_under_way_is_replaced_once(store: &Arc<Counterpart>) {
    let (asked, _) = download(store, "r3 link", false).await;
    assert_eq!(asked, store.server.ended.map(Some).into_iter().collect::<Vec<_>>());
}
