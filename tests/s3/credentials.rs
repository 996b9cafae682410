//! Temporary keys that end under way, through the facade: asked for anew once, however many transfers had them.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use longhaul::s3::{Access, AccessKey, Bucket, Rules};
use longhaul::{Credentials, Error, PartSize, S3Object};
use longhaul_sign::Secret;

use crate::PART;
use crate::store::{self, Store};
use crate::support::raw::Raw;
use crate::support::{Folder, client, content, quick, within};

fn with_token(token: &str) -> Access {
    Access::from(store::access().with_session_token(Secret::new(token)))
}

/// An upload's description, asked for with the first token.
fn object(raw: &Raw, key: &str, credentials: &Credentials<Access>) -> S3Object {
    let rules = Rules::AMAZON.with_parts(longhaul::core::layout::PartLimits::new(PART, 5 << 30, 10_000, 1 << 40));
    let bucket = Bucket::at(&raw.url(""), store::REGION, store::BUCKET).unwrap().with_rules(rules);
    S3Object::new(bucket, key, with_token("first"))
        .unwrap()
        .renewed_by(credentials)
        .single_up_to(PART - 1)
        .part_size(PartSize::Bytes(PART))
        .parts(NonZeroU32::new(2).unwrap())
        .retry(quick())
}

#[tokio::test(flavor = "multi_thread")]
async fn r6_transfers_whose_token_expires_under_way_ask_for_another_once() {
    let (store, folder, client) = (Store::new(PART as usize), Folder::new(), client());
    store.state().token = Some("first".into());
    let parts = AtomicUsize::new(0);
    let expiring = store.clone();
    let raw = store
        .serve(move |request, answer| {
            // The token ends when four parts are there.
            if request.method == "PUT" && parts.fetch_add(1, Ordering::SeqCst) == 4 {
                expiring.state().token = Some("second".into());
            }
            answer
        })
        .await;
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let credentials = Credentials::new(move || {
        count.fetch_add(1, Ordering::SeqCst);
        async { Ok(with_token("second")) }
    });
    let bytes = content(8 * PART as usize, 1);
    let mut transfers = Vec::new();
    for key in ["a", "b", "c"] {
        let source = folder.file(key, &bytes);
        let job = object(&raw, key, &credentials).from(source, folder.join("journals"));
        transfers.push(client.submit(job).await.unwrap());
    }
    for transfer in transfers {
        within(transfer).await.unwrap();
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    let state = store.state();
    assert!(state.sessions.is_empty());
    assert!(["a", "b", "c"].iter().all(|key| state.objects[*key].content == bytes));
}

/// What is known to have ended is not sent at all.
#[tokio::test(flavor = "multi_thread")]
async fn r6_a_key_known_to_have_ended_is_renewed_before_anything_is_sent() {
    let store = Store::new(PART as usize);
    store.state().token = Some("second".into());
    let raw = store.serve(|_, answer| answer).await;
    let credentials = Credentials::new(|| async { Ok(with_token("second")) });
    let ended = AccessKey::new("TESTAK", "canary-secret").with_session_token("first").with_expiry(1_000_000_000);
    let bucket = Bucket::at(&raw.url(""), store::REGION, store::BUCKET).unwrap();
    let object = S3Object::new(bucket, "a", ended).unwrap().renewed_by(&credentials);
    within(client().submit(object.from_bytes(&b"content"[..])).await.unwrap()).await.unwrap();
    assert_eq!(raw.requests(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn r6_a_source_that_fails_ends_the_transfer_with_its_words() {
    let store = Store::new(PART as usize);
    store.state().token = Some("second".into());
    let raw = store.serve(|_, answer| answer).await;
    let credentials = Credentials::new(|| async { Err("the token service is down".to_owned()) });
    let job = object(&raw, "a", &credentials).from_bytes(&b"content"[..]);
    let error = within(client().submit(job).await.unwrap()).await.unwrap_err();
    assert!(matches!(error, Error::Issuer(_)), "{error}");
    assert!(error.to_string().contains("no credentials: the token service is down"), "{error}");
}
