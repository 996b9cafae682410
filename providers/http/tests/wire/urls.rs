//! URLs as people give them: read, or refused with what to do.

use http::Uri;
use longhaul_http::Url;
use longhaul_http::url::{resolve, same_origin, shown};
use proptest::prelude::*;

#[test]
fn urls_are_read_into_what_requests_need() {
    for (text, uri, authority, name) in [
        ("http://example.com", "http://example.com/", "example.com:80", None),
        (
            "HTTPS://Example.COM:443/a/b.iso?x=1#frag",
            "https://example.com/a/b.iso?x=1",
            "example.com:443",
            Some("b.iso"),
        ),
        ("http://example.com:8080/a/", "http://example.com:8080/a/", "example.com:8080", None),
        ("http://example.com:/a", "http://example.com/a", "example.com:80", Some("a")),
        ("http://example.com?x=1", "http://example.com/?x=1", "example.com:80", None),
        ("http://[2001:DB8::1]:81/a", "http://[2001:db8::1]:81/a", "[2001:db8::1]:81", Some("a")),
        ("http://127.0.0.1/%E5%90%8D%20x.bin", "http://127.0.0.1/%E5%90%8D%20x.bin", "127.0.0.1:80", Some("名 x.bin")),
        ("http://h/名|x.bin?q=é", "http://h/%E5%90%8D%7Cx.bin?q=%C3%A9", "h:80", Some("名_x.bin")),
        ("http://h/100%.bin", "http://h/100%25.bin", "h:80", Some("100%.bin")),
        ("http://h/a%2Fb%2F..%2Fpasswd", "http://h/a%2Fb%2F..%2Fpasswd", "h:80", Some("passwd")),
        ("http://h/a?b=http://x@y/[1]", "http://h/a?b=http://x@y/[1]", "h:80", Some("a")),
        ("http://h/a/..", "http://h/a/..", "h:80", None),
    ] {
        let url = Url::parse(text).expect(text);
        assert_eq!(
            (url.uri().to_string().as_str(), url.authority(), url.file_name()),
            (uri, authority, name),
            "{text}"
        );
        assert_eq!(url.authorization(), None);
    }
}

#[test]
fn userinfo_becomes_a_sensitive_basic_credential() {
    for (text, credential) in [
        ("https://user:p%40ss@h/a", "Basic dXNlcjpwQHNz"),
        ("https://user@h/a", "Basic dXNlcjo="),
        ("https://user:a:b@h/a", "Basic dXNlcjphOmI="),
        ("https://user:p@ss@h/a", "Basic dXNlcjpwQHNz"),
    ] {
        let url = Url::parse(text).expect(text);
        let value = url.authorization().expect("credentials");
        assert!(value == credential && value.is_sensitive(), "{text}");
        assert_eq!(url.uri(), "https://h/a");
    }
    assert_eq!(Url::parse("https://@h/a").expect("sound").authorization(), None);
}

#[test]
fn k3_bad_urls_get_what_is_wrong_and_the_remedy() {
    for (text, what, remedy) in [
        ("", "empty", "https://"),
        ("example.com/canary", "no scheme", "begin it with https://"),
        ("localhost:8080/canary", "no scheme", "begin it with https://"),
        ("/canary", "no scheme", "https://"),
        ("http:/h/canary", "no //", "http://"),
        ("ftp://h/canary", "scheme ftp", "https://"),
        ("file:///canary", "scheme file", "by its path"),
        ("s3://bucket/canary", "scheme s3", "https://"),
        ("http://", "no host", "name one"),
        ("http:///canary", "no host", "name one"),
        ("http://user:canary@/x", "no host", "name one"),
        ("http://h/a b?canary", "a space as character 11", "%20"),
        (" http://h/canary", "a space as character 1", "remove it"),
        ("http://h/canary\r\nX: y", "a carriage return", "remove it"),
        ("http://h/canary\nX: y", "a line feed", "remove it"),
        ("http://h/canary\0", "a NUL", "remove it"),
        ("http://h/canary\u{1b}", "a control character", "remove it"),
        ("http://h/canary\u{a0}", "a space", "remove it"),
        ("http://h:0/canary", "out of range", "1 to 65535"),
        ("http://h:65536/canary", "out of range", "1 to 65535"),
        ("http://h:http/canary", "not a number", "host:8080"),
        ("http://h:-1/canary", "not a number", "host:8080"),
        ("http://::1/canary", "more than one colon", "[::1]"),
        ("http://[::1/canary", "no closing bracket", "[::1]"),
        ("http://[::1]x/canary", "follows", "[::1]:8080"),
        ("http://[::g]/canary", "not an IPv6 address", "[2001:db8::1]"),
        ("http://[fe80::1%25eth0]/canary", "zone", "without %zone"),
        ("http://bücher.example/canary", "outside ASCII", "xn--"),
        ("http://h_!/canary", "'!'", "letters"),
        ("http://h%41/canary", "'%'", "letters"),
        ("http://good.example\\@evil.example/canary", "backslash", "/"),
        ("http://us%3Aer:canary@h/", "colon", "Authorization"),
    ] {
        let error = Url::parse(text).expect_err(text);
        assert!(error.what.contains(what) && error.remedy.contains(remedy), "{text}: {error}");
        assert!(!error.to_string().contains("canary"), "{error}");
    }
    let long = Url::parse(&format!("http://h/{}", "a".repeat(70_000))).expect_err("too long");
    assert!(long.what.contains("70009 bytes"), "{long}");
    assert!(Url::parse(&format!("http://{}/", "a".repeat(300))).is_err());
}

#[test]
fn k2_urls_are_shown_without_query_userinfo_and_fragment() {
    let url = Url::parse("https://canary:canary@h:8443/a?sig=canary#canary").expect("sound");
    for text in [format!("{url}"), format!("{url:?}"), url.object().into(), shown(url.uri())] {
        assert_eq!(text, "https://h:8443/a");
    }
    assert_eq!(shown(&Uri::from_static("https://canary@h/a?canary")), "https://h/a");
}

#[test]
fn origins_are_scheme_host_and_port() {
    let same = |one: &'static str, other: &'static str| same_origin(&Uri::from_static(one), &Uri::from_static(other));
    assert!(same("https://h/a", "https://H:443/b?c"));
    assert!(same("http://h:80/", "http://h/"));
    assert!(!same("http://h:443/", "https://h/"));
    for other in ["http://h/", "https://h:444/", "https://h.x/", "https://x.h/"] {
        assert!(!same("https://h/", other), "{other}");
    }
}

#[test]
fn references_resolve_as_rfc_3986_section_5_4_says() {
    let base = Uri::from_static("http://a/b/c/d;p?q");
    for (reference, target) in [
        ("g", "http://a/b/c/g"),
        ("./g", "http://a/b/c/g"),
        ("g/", "http://a/b/c/g/"),
        ("/g", "http://a/g"),
        ("//g", "http://g/"),
        ("?y", "http://a/b/c/d;p?y"),
        ("g?y", "http://a/b/c/g?y"),
        (";x", "http://a/b/c/;x"),
        ("g;x?y#s", "http://a/b/c/g;x?y"),
        (".", "http://a/b/c/"),
        ("..", "http://a/b/"),
        ("../g", "http://a/b/g"),
        ("../../../g", "http://a/g"),
        ("g;x=1/../y", "http://a/b/c/y"),
        ("g?y/../x", "http://a/b/c/g?y/../x"),
        ("  g\t", "http://a/b/c/g"),
        ("/x//y", "http://a/x//y"),
        ("/x?u=http://z/", "http://a/x?u=http://z/"),
    ] {
        assert_eq!(resolve(&base, reference.as_bytes()).expect(reference), target, "{reference}");
    }
    let brackets = Uri::from_static("http://a/b[c]/d?e");
    let resolved = resolve(&brackets, b"x").expect("lenient");
    assert_eq!(resolved, "http://a/b%5Bc%5D/x");
    assert_eq!(resolve(&base, b"/\xff").expect("bytes"), "http://a/%FF");
    assert!(resolve(&base, b"//\xff/").is_err() && resolve(&base, b"//b\xc3\xa9/").is_err());
}

fn scraps() -> impl Strategy<Value = String> {
    "\\PC{0,60}|(http|https|ftp)?:?/{0,3}([a-z0-9.:@%\\[\\]\\\\-]{0,30})(/[a-z%0-9é ]{0,20})?(\\?[ -~]{0,20})?(#[a-z]{0,5})?"
}

proptest! {
    #[test]
    fn k2_reading_never_panics_and_never_shows_the_query(text in scraps(), path in "[a-z/%0-9]{0,20}") {
        let _ = Url::parse(&text);
        let secret = format!("http://user:canary@host/{path}?canary={text}");
        match Url::parse(&secret) {
            Ok(url) => {
                let shown = format!("{url} {url:?} {:?}", url.file_name());
                prop_assert!(!shown.contains("canary"));
            }
            Err(error) => prop_assert!(!error.to_string().contains("canary")),
        }
    }

    #[test]
    fn what_was_read_reads_the_same_again(text in scraps()) {
        if let Ok(url) = Url::parse(&text) {
            let again = Url::parse(&url.uri().to_string()).expect("already read");
            prop_assert_eq!((again.uri(), again.authority(), again.object()), (url.uri(), url.authority(), url.object()));
        }
    }

    #[test]
    fn redirects_never_panic_and_end_absolute(location in proptest::collection::vec(any::<u8>(), 0..40), text in scraps()) {
        let base = Uri::from_static("https://a.example/b[c]/d?e");
        for location in [&location[..], text.as_bytes()] {
            if let Ok(uri) = resolve(&base, location) {
                prop_assert!(matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some());
                prop_assert!(!uri.to_string().contains('@') || uri.path_and_query().is_some_and(|rest| rest.as_str().contains('@')));
            }
        }
    }
}
