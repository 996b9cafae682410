//! Pages: safe for any name, bounded for any number of requests, whole in themselves.

use longhaul::trace::page::page;

use crate::support::raw::{Answer, Object, Raw, Then};
use crate::support::{Folder, content, download};
use crate::{Recorded, received, replays};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_names_stay_text() {
    let server = Raw::object(Object::new(content(100, 1)), |request, answer| match request.number {
        1 => Answer::with_body("503 <b>&\"quoted\"</b>", "<script>alert(1)</script>").cut(10_000, Then::Keep),
        _ => answer.set("Content-Disposition", "attachment; filename=\"<img src=x onerror=alert(1)>\""),
    })
    .await;
    let folder = Folder::new();
    let recorded = Recorded::start();
    let target = folder.join("<script>alert('x')</script>&\"\u{202e}cod.exe".replace('/', "_").as_str());
    recorded.run(download(&server.url("/%3Cscript%3E'&amp;/a"), 50).to(target)).await.unwrap();
    let page = replays(&recorded.close().await);
    assert!(page.contains("&lt;script&gt;alert(&#39;x&#39;)"), "{page}");
    assert!(!page.contains("<script>alert") && !page.contains("<img") && !page.contains('\u{202e}'));
    // What there is of markup is ours.
    assert_eq!(page.matches("<script>").count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_parts_make_a_page_of_bounded_size() {
    let server = Raw::object(Object::new(content(10_000 * 16, 1)), |_, answer| answer).await;
    let folder = Folder::new();
    let recorded = Recorded::start();
    recorded.run(download(&server.url("/a"), 16).to(folder.join("a"))).await.unwrap();
    let trace = received(&recorded.close().await);
    let page = page(&trace);
    assert!(page.len() < 1 << 20, "{}", page.len());
    assert!(page.contains("All requests (10001)"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_loads_nothing() {
    let server = Raw::object(Object::new(content(1000, 1)), |_, answer| answer).await;
    let (recorded, folder) = (Recorded::start(), Folder::new());
    recorded.run(download(&server.url("/a"), 100).to(folder.join("a"))).await.unwrap();
    let page = replays(&recorded.close().await);
    assert!(page.contains("default-src 'none'"));
    for loads in ["src=", "href=", "@import", "fetch(", "XMLHttpRequest", "<link", "<iframe"] {
        assert!(!page.contains(loads), "{loads}");
    }
    // Addresses stand in it as text only.
    assert!(page.matches("url(").count() == page.matches("url(#").count());
}
