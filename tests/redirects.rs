//! Redirects of downloads: followed within bounds, credentials only on the same origin, loops and downgrades refused.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use longhaul::core::Config;
use longhaul::http::Headers;
use longhaul::{ClientConfig, Download, Error, ServerFaultKind};
use support::raw::{Answer, Object, Raw, Request};
use support::{Folder, client, client_with, content, download, quick, run};

const LEN: usize = 3000;

fn secret_headers() -> Headers {
    let headers = Headers::new().with("Authorization", "Bearer canary-token").unwrap();
    let headers = headers.with("Cookie", "session=canary-cookie").unwrap();
    headers.with("X-Api-Key", "canary-key").unwrap().with("X-Plain", "kept").unwrap()
}

fn to(status: u16, location: &str) -> Answer {
    Answer::with_body(&format!("{status} Elsewhere"), "").set("Location", location)
}

fn has_secret(request: &Request) -> bool {
    request.target.contains("canary") || request.headers.iter().any(|(_, value)| value.contains("canary"))
}

async fn redirects_on_the_same_origin_are_followed_with_the_credentials() {
    let good = content(LEN, 1);
    for status in [301, 302, 303, 307, 308] {
        for location in ["/there", "there", "./there", "../there", "?moved", "//HOST/there", "http://HOST/there"] {
            let object = Object::new(good.clone());
            let server = Raw::start(move |request| {
                let host = request.header("host").unwrap().to_owned();
                match request.target.as_str() {
                    "/here?sig=canary" => to(status, &location.replace("HOST", &host)),
                    _ => object.answer(request),
                }
            })
            .await;
            let folder = Folder::new();
            let job = download(&server.url("/here?sig=canary"), 1000).headers(secret_headers()).unwrap();
            run(&client(), job.to(folder.join("target"))).await.unwrap_or_else(|e| panic!("{status} {location}: {e}"));
            assert_eq!(std::fs::read(folder.join("target")).unwrap(), good);
            let log = server.log();
            let (first, rest) = log.split_first().unwrap();
            assert_eq!(first.target, "/here?sig=canary");
            assert!(rest.len() >= 3 && rest.iter().all(|r| r.target.ends_with("there") || r.target == "/here?moved"));
            for request in rest {
                assert_eq!(request.header("authorization"), Some("Bearer canary-token"), "{location}");
                assert_eq!(request.header("x-plain"), Some("kept"));
            }
        }
    }
}

async fn u3_another_origin_gets_no_credential_no_referer_and_nothing_of_the_first_url() {
    let good = content(LEN, 1);
    let object = Object::new(good.clone());
    let other = Raw::start(move |request| object.answer(request)).await;
    let location = other.url("/there?own=query");
    let server = Raw::start(move |_| to(307, &location)).await;
    let folder = Folder::new();
    let job = download(&server.url("/here?sig=canary"), 1000).headers(secret_headers()).unwrap();
    run(&client(), job.to(folder.join("target"))).await.unwrap();
    assert_eq!(std::fs::read(folder.join("target")).unwrap(), good);
    assert!(server.log().iter().all(has_secret), "the first origin gets what is meant for it");
    assert!(other.log().len() >= 4);
    for request in other.log() {
        assert_eq!(request.target, "/there?own=query");
        assert!(!has_secret(&request), "{request:?}");
        for name in ["authorization", "cookie", "referer", "proxy-authorization"] {
            assert!(request.header(name).is_none(), "{name}");
        }
        assert_eq!(request.header("host"), Some(other.addr.to_string().as_str()));
    }
}

async fn user_information_in_the_url_is_a_credential_of_its_origin_alone() {
    let good = content(LEN, 1);
    let object = Object::new(good.clone());
    let other = Raw::start(move |request| object.answer(request)).await;
    let location = other.url("/there");
    let server = Raw::start(move |_| to(302, &location)).await;
    let folder = Folder::new();
    let url = server.url("/here").replace("http://", "http://user:canary-word@");
    match Download::new(&url) {
        // Refused with a remedy, or sent as Basic to the first origin: never on to the second one.
        Err(error) => assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}"),
        Ok(job) => {
            run(&client(), job.retry(quick()).to(folder.join("target"))).await.unwrap();
            assert!(server.log().iter().all(|request| request.header("authorization").is_some()));
            assert!(other.log().iter().all(|request| request.header("authorization").is_none()));
        }
    }
}

async fn a_way_through_another_origin_and_back_does_not_bring_credentials_there() {
    let good = content(LEN, 1);
    let object = Object::new(good.clone());
    // first → second → first
    let back: Arc<std::sync::OnceLock<String>> = Arc::default();
    let target = Arc::clone(&back);
    let second = Raw::start(move |_| to(302, target.get().unwrap())).await;
    let location = second.url("/between");
    let first = Raw::start(move |request| match request.target.as_str() {
        "/here" => to(302, &location),
        _ => object.answer(request),
    })
    .await;
    back.set(first.url("/there")).unwrap();
    let folder = Folder::new();
    let job = download(&first.url("/here"), 1000).headers(secret_headers()).unwrap();
    run(&client(), job.to(folder.join("target"))).await.unwrap();
    assert_eq!(std::fs::read(folder.join("target")).unwrap(), good);
    assert!(second.log().iter().all(|request| !has_secret(request)));
}

async fn loops_and_endless_chains_end_after_the_allowed_number() {
    type Way = fn(&Request) -> Answer;
    let ways: [(&str, Way); 3] = [
        ("to itself", |_| to(302, "/here")),
        ("to and fro", |request| to(301, if request.target == "/here" { "/there" } else { "/here" })),
        ("ever on", |request| to(308, &format!("{}x", request.target))),
    ];
    for (what, way) in ways {
        for most in [0, 1, 5] {
            let server = Raw::start(way).await;
            let mut core = Config::default();
            core.redirects.most = most;
            let client = client_with(ClientConfig::builder().core(core).build().unwrap());
            let folder = Folder::new();
            let error = run(&client, download(&server.url("/here"), 1000).to(folder.join("target"))).await;
            let error = error.expect_err(what);
            let Error::Server(fault) = &error else { panic!("{what}: {error:?}") };
            assert_eq!(fault.kind, ServerFaultKind::Redirected, "{what}: {error}");
            let asked = server.requests();
            assert!(asked <= most as usize + 1, "{what}: {asked} requests where {most} hops are allowed");
            assert_eq!(folder.names(), Vec::<String>::new());
        }
    }
}

async fn locations_that_cannot_be_followed_are_named() {
    for location in
        ["", "ftp://127.0.0.1/x", "file:///etc/passwd", "javascript:alert(1)", "http://", "http://[::1", "\u{1}"]
    {
        let server = Raw::start(move |_| to(302, location)).await;
        let folder = Folder::new();
        let error = run(&client(), download(&server.url("/here"), 1000).to(folder.join("target"))).await;
        let error = error.expect_err(location);
        assert!(matches!(&error, Error::Server(_) | Error::Network(_)), "{location:?}: {error:?}");
        assert!(server.requests() <= 12, "{location:?}: {} requests", server.requests());
        assert_eq!(folder.names(), Vec::<String>::new());
    }
    for locations in [vec![], vec!["/a", "/b"]] {
        let server = Raw::start(move |_| {
            locations.iter().fold(Answer::with_body("302 X", ""), |answer, location| answer.add("Location", location))
        })
        .await;
        let folder = Folder::new();
        let error = run(&client(), download(&server.url("/here"), 1000).to(folder.join("target"))).await.unwrap_err();
        assert!(matches!(&error, Error::Server(_)), "{error:?}");
        assert_eq!(server.requests(), 1);
    }
}

async fn a_target_that_expires_under_way_is_asked_for_anew_at_the_first_url() {
    let good = content(LEN, 1);
    let object = Object::new(good.clone());
    let issued = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&issued);
    let server = Raw::start(move |request| {
        if request.target == "/here" {
            let ticket = counter.fetch_add(1, Ordering::SeqCst);
            return to(302, &format!("/there?ticket={ticket}"));
        }
        // Each ticket is good for two requests.
        let ticket: usize = request.target.split_once('=').unwrap().1.parse().unwrap();
        if request.number > ticket * 4 + 2 { Answer::with_body("403 Expired", "") } else { object.answer(request) }
    })
    .await;
    let folder = Folder::new();
    let job = download(&server.url("/here"), 1000).parts(1.try_into().unwrap()).to(folder.join("target"));
    run(&client(), job).await.unwrap();
    assert_eq!(std::fs::read(folder.join("target")).unwrap(), good);
    assert!(issued.load(Ordering::SeqCst) > 1);
}

support::adapters::on_every_adapter!(
    redirects_on_the_same_origin_are_followed_with_the_credentials,
    u3_another_origin_gets_no_credential_no_referer_and_nothing_of_the_first_url,
    user_information_in_the_url_is_a_credential_of_its_origin_alone,
    a_way_through_another_origin_and_back_does_not_bring_credentials_there,
    loops_and_endless_chains_end_after_the_allowed_number,
    locations_that_cannot_be_followed_are_named,
    a_target_that_expires_under_way_is_asked_for_anew_at_the_first_url,
);
