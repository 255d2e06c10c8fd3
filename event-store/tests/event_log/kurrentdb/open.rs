//! Opening a log on a KurrentDB server: what is refused, and the error texts.

use event_schemas::Clock;
use event_store::{EventStore, KurrentStore, OpenError};
use std::path::Path;
use test_kurrentdb::Server;
use test_kurrentdb::log::{Expectation, Proposal};

const CERTIFICATE: &str = include_str!("tls/server.pem");
const KEY: &str = include_str!("tls/server.key");

async fn refused(url: &str) -> OpenError {
    KurrentStore::open(url, Clock::System).await.err().unwrap()
}

fn written_by_another(event_type: &str, data: &'static str) -> Proposal {
    Proposal {
        id: Clock::System.fresh_id(),
        event_type: event_type.to_owned(),
        content_type: "application/json".to_owned(),
        metadata: "{}".into(),
        data: data.into(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_of_another_program_is_left_as_it_is() {
    let server = Server::start().await.unwrap();
    server.log().append("cart-1", Expectation::NoStream, vec![written_by_another("ItemAdded", "{}")]);
    let before = server.log().records().len();
    let error = refused(&server.url()).await;
    assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
    assert_eq!(server.log().records().len(), before);
    // A log with a name can be opened beside it.
    KurrentStore::open(&format!("{}&log=desk", server.url()), Clock::System).await.unwrap().close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_of_a_newer_version_is_left_as_it_is() {
    let server = Server::start().await.unwrap();
    let newer = written_by_another("$verbatim-log", r#"{"format":99}"#);
    server.log().append("verbatim", Expectation::NoStream, vec![newer]);
    let before = server.log().records().len();
    let error = refused(&server.url()).await;
    assert!(matches!(error, OpenError::Newer { found: 99, known: 1, .. }), "{error}");
    assert_eq!(server.log().records().len(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_opening_is_explained_in_one_sentence_without_the_password() {
    let server = Server::start().await.unwrap();
    server.faults.set_credentials("Basic YW5hOnJpZ2h0");
    let before = server.log().records().len();
    let wrong = server.url().replace("esdb://", "esdb://ana:wrong@");
    let error = refused(&wrong).await.to_string();
    assert!(error.contains("rejects this user") && !error.contains("wrong"), "{error}");
    assert_eq!(server.log().records().len(), before);
    let right = server.url().replace("esdb://", "esdb://ana:right@");
    KurrentStore::open(&right, Clock::System).await.unwrap().close().await;

    let error = refused(&server.url().replace("tls=false", "tls=true")).await.to_string();
    assert!(error.contains("answers, but not as a KurrentDB server with a certificate"), "{error}");
    let error = refused("esdb://127.0.0.1:1?tls=false").await.to_string();
    assert!(error.contains("nothing answers at 127.0.0.1:1"), "{error}");
    let error = refused(&format!("{}&log=no/slash", server.url())).await.to_string();
    assert!(error.contains("a log's name is"), "{error}");
    assert!(matches!(refused("esdb://host:port").await, OpenError::NotAUrl { .. }));

    server.faults.set_version("22.10.5");
    let error = refused(&right).await.to_string();
    assert!(error.contains("version 22.10.5, and 23.10 or newer is needed"), "{error}");
}

/// The program installs a TLS provider of its own at its start; an earlier client of the vendor panicked then.
#[tokio::test(flavor = "multi_thread")]
async fn tls_works_when_another_provider_is_installed() {
    let _first_here = rustls::crypto::ring::default_provider().install_default();
    let server = Server::start_with_tls(CERTIFICATE, KEY).await.unwrap();
    let authority = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/event_log/kurrentdb/tls/server.pem");
    let trusted = format!("{}&tlsCaFile={}", server.url(), authority.display());
    let store = KurrentStore::open(&trusted, Clock::System).await.unwrap();
    store.check().await.unwrap();
    store.close().await;
    let unchecked = format!("{}&tlsVerifyCert=false", server.url());
    KurrentStore::open(&unchecked, Clock::System).await.unwrap().close().await;

    let error = refused(&server.url()).await.to_string();
    assert!(error.contains("a certificate that is trusted here"), "{error}");
    let error = refused(&server.url().replace("tls=true", "tls=false")).await.to_string();
    assert!(error.contains("not as a KurrentDB server without TLS"), "{error}");
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.pem");
    std::fs::write(&broken, "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n").unwrap();
    let error = refused(&format!("{}&tlsCaFile={}", server.url(), broken.display())).await.to_string();
    assert!(error.contains("tlsCaFile is not a certificate"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_scheme_of_the_vendor_opens_the_log() {
    let server = Server::start().await.unwrap();
    for scheme in ["esdb", "esdb+discover", "kurrentdb", "kurrentdb+discover"] {
        let url = server.url().replacen("esdb", scheme, 1);
        event_store::open(&url, Clock::System).await.unwrap().close().await;
    }
}
