//! TLS: whom to trust, who we are, what is spoken inside.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use longhaul_core::error::{FaultKind, Sent};
use longhaul_hyper::{HyperTransport, Protocols, TransportBuilder};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::RootCertStore;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;

use crate::support::{answers, builder, fetch, head, net, serve, transport};

/// An authority of our own.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Each its own name: one of the same name would be asked for a signature.
        static COUNTER: AtomicUsize = AtomicUsize::new(0);
        let name = format!("longhaul test authority {}", COUNTER.fetch_add(1, Ordering::Relaxed));
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn root(&self) -> Vec<u8> {
        self.0.pem().into_bytes()
    }

    fn issue(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> (rcgen::Certificate, KeyPair) {
        let mut params = CertificateParams::new(names.iter().copied().map(String::from).collect::<Vec<_>>()).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.0).unwrap(), key)
    }

    /// A client's certificate and key.
    fn client(&self) -> Vec<u8> {
        let (certificate, key) = self.issue(&["client"], |_| {});
        format!("{}{}", key.serialize_pem(), certificate.pem()).into_bytes()
    }

    /// A server's side: certificate for `names`, protocols in order of preference, clients of this authority only when `strict`.
    pub(crate) fn acceptor(&self, names: &[&str], protocols: &[&str], strict: bool) -> TlsAcceptor {
        self.acceptor_with(names, protocols, strict, |_| {})
    }

    fn acceptor_with(
        &self,
        names: &[&str],
        protocols: &[&str],
        strict: bool,
        change: impl FnOnce(&mut CertificateParams),
    ) -> TlsAcceptor {
        let (certificate, key) = self.issue(names, change);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let config = if strict {
            let mut roots = RootCertStore::empty();
            roots.add(self.0.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            config.with_client_cert_verifier(verifier)
        } else {
            config.with_no_client_auth()
        };
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let mut config = config.with_single_cert(vec![certificate.der().clone()], key).unwrap();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }
}

/// Says over HTTP/1.1 which protocol was agreed upon; over HTTP/2 as well.
async fn serve_tls(acceptor: TlsAcceptor) -> SocketAddr {
    serve(move |_, stream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            match stream.get_ref().1.alpn_protocol() {
                Some(b"h2") => crate::http2::say(stream, "HTTP/2").await,
                _ => say(stream).await,
            }
        }
    })
    .await
}

async fn say(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    while !head(&mut stream).await.is_empty() {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nHTTP/1.1").await.unwrap();
    }
}

pub(crate) fn trusting(authority: &Authority) -> TransportBuilder {
    builder().root_certificates(&authority.root()).only_given_roots(true)
}

async fn the_protocol_is_agreed_upon() {
    let authority = Authority::new();
    for (offered, asked, expected) in [
        (["h2", "http/1.1"].as_slice(), Protocols::Http1AndHttp2, "HTTP/2"),
        (&["http/1.1"], Protocols::Http1AndHttp2, "HTTP/1.1"),
        (&[], Protocols::Http1AndHttp2, "HTTP/1.1"),
        (&["h2", "http/1.1"], Protocols::Http1, "HTTP/1.1"),
        (&["h2", "http/1.1"], Protocols::Http2, "HTTP/2"),
    ] {
        let address = serve_tls(authority.acceptor(&["localhost"], offered, false)).await;
        let client = trusting(&authority).protocols(asked).build(net()).unwrap();
        for _ in 0..2 {
            let said = fetch(&client, &format!("https://localhost:{}/", address.port())).await.unwrap();
            assert_eq!(String::from_utf8(said).unwrap(), expected, "{offered:?} {asked:?}");
        }
    }
}

async fn addresses_are_valid_names_too() {
    let authority = Authority::new();
    let address = serve_tls(authority.acceptor(&["127.0.0.1"], &[], false)).await;
    let client = trusting(&authority).build(net()).unwrap();
    assert_eq!(fetch(&client, &format!("https://{address}/")).await.unwrap(), b"HTTP/1.1");
}

async fn given_roots_are_trusted_beside_the_systems() {
    let authority = Authority::new();
    let address = serve_tls(authority.acceptor(&["localhost"], &[], false)).await;
    let client = builder().root_certificates(&authority.root()).build(net()).unwrap();
    assert_eq!(fetch(&client, &format!("https://localhost:{}/", address.port())).await.unwrap(), b"HTTP/1.1");
}

async fn certificates_that_are_not_acceptable_are_told_with_the_reason() {
    let (authority, other) = (Authority::new(), Authority::new());
    let failing = async |client: &HyperTransport, acceptor: TlsAcceptor| {
        let address = serve_tls(acceptor).await;
        let fault = fetch(client, &format!("https://localhost:{}/?sig=CANARY", address.port())).await.unwrap_err();
        assert_eq!((fault.kind, fault.sent), (FaultKind::Tls, Sent::No), "{fault}");
        assert!(fault.detail.starts_with("localhost: ") && !fault.detail.contains("CANARY"), "{fault}");
        fault.detail
    };
    let client = trusting(&authority).build(net()).unwrap();
    let detail = failing(&client, other.acceptor(&["localhost"], &[], false)).await;
    assert!(detail.contains("signed by nobody trusted"), "{detail}");
    let detail = failing(&client, authority.acceptor(&["example.com"], &[], false)).await;
    assert!(detail.contains("for another name"), "{detail}");
    let old = |params: &mut CertificateParams| params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let detail = failing(&client, authority.acceptor_with(&["localhost"], &[], false, old)).await;
    assert!(detail.contains("expired"), "{detail}");
    let early = |params: &mut CertificateParams| params.not_before = rcgen::date_time_ymd(4000, 1, 1);
    let detail = failing(&client, authority.acceptor_with(&["localhost"], &[], false, early)).await;
    assert!(detail.contains("check the clock"), "{detail}");
    // Without the root it is nobody's, for the system either.
    let unaware = builder().root_certificates(&other.root()).build(net()).unwrap();
    let detail = failing(&unaware, authority.acceptor(&["localhost"], &[], false)).await;
    assert!(detail.contains("trusted"), "{detail}");
}

async fn a_client_certificate_is_shown_when_asked_for() {
    let (authority, other) = (Authority::new(), Authority::new());
    let address = serve_tls(authority.acceptor(&["localhost"], &["http/1.1"], true)).await;
    let url = format!("https://localhost:{}/", address.port());
    let client = trusting(&authority).client_certificate(&authority.client()).build(net()).unwrap();
    assert_eq!(fetch(&client, &url).await.unwrap(), b"HTTP/1.1");
    for client in [trusting(&authority), trusting(&authority).client_certificate(&other.client())] {
        let fault = fetch(&client.build(net()).unwrap(), &url).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Tls, "{fault}");
        assert!(fault.detail.contains("server"), "{fault}");
    }
}

async fn a_server_without_tls_is_told_as_such() {
    let address = serve(|_, mut stream| async move {
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    })
    .await;
    let fault =
        fetch(&trusting(&Authority::new()).build(net()).unwrap(), &format!("https://{address}/")).await.unwrap_err();
    assert_eq!((fault.kind, fault.sent), (FaultKind::Tls, Sent::No), "{fault}");
    assert!(fault.detail.ends_with("the server may speak plain http there"), "{fault}");
}

async fn an_answer_without_a_proper_end_of_the_tls_stream_is_truncated() {
    let authority = Authority::new();
    let acceptor = authority.acceptor(&["localhost"], &[], false);
    let address = serve(move |_, stream| {
        let acceptor = acceptor.clone();
        async move {
            let mut stream = acceptor.accept(stream).await.unwrap();
            head(&mut stream).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nuntil it closes").await.unwrap();
            stream.flush().await.unwrap();
            // The connection goes without close_notify, as if cut by somebody in between.
            let (tcp, _) = stream.into_inner();
            drop(tcp);
        }
    })
    .await;
    let client = trusting(&authority).build(net()).unwrap();
    let fault = fetch(&client, &format!("https://localhost:{}/", address.port())).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Truncated, "{fault}");
}

async fn unusable_certificates_are_refused_when_the_transport_is_built() {
    let authority = Authority::new();
    let broken = b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    for (builder, words) in [
        (builder().root_certificates(b"no PEM"), "no certificate in PEM form"),
        (builder().root_certificates(b"-----BEGIN CERTIFICATE-----\n!!!"), "PEM"),
        (builder().root_certificates(broken), "a root certificate is unusable"),
        (builder().only_given_roots(true), "none was given"),
        (builder().client_certificate(&authority.root()), "no private key"),
        (builder().client_certificate(b""), "the client certificate"),
    ] {
        let error = builder.build(net()).map(drop).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    let mixed = [authority.client(), Authority::new().client()].map(|pem| String::from_utf8(pem).unwrap());
    let certificate = mixed[0].find("-----BEGIN CERTIFICATE").unwrap();
    let key_of_another = mixed[1].find("-----BEGIN CERTIFICATE").unwrap();
    let pem = format!("{}{}", &mixed[0][certificate..], &mixed[1][..key_of_another]);
    let error = builder().client_certificate(pem.as_bytes()).build(net()).map(drop).unwrap_err().to_string();
    assert!(error.contains("the client certificate is unusable"), "{error}");
}

async fn plain_http_needs_no_trust_store() {
    let address = answers(&["HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"]).await;
    assert_eq!(fetch(&transport(), &format!("http://{address}/")).await.unwrap(), b"ok");
}

crate::nets::on_every_net!(
    the_protocol_is_agreed_upon,
    addresses_are_valid_names_too,
    given_roots_are_trusted_beside_the_systems,
    certificates_that_are_not_acceptable_are_told_with_the_reason,
    a_client_certificate_is_shown_when_asked_for,
    a_server_without_tls_is_told_as_such,
    an_answer_without_a_proper_end_of_the_tls_stream_is_truncated,
    unusable_certificates_are_refused_when_the_transport_is_built,
    plain_http_needs_no_trust_store,
);
