//! Connecting and logging in.

use crate::fixture::{Fixture, PUBLIC_URL, until};
use publication::{Settings, StreamSettings};
use std::process::Command;
use test_engines::Nats;

const USERS: &str = r#"authorization: { users: [
    { user: "verbatim", password: "open sesame" }
    { user: "reader", password: "only looks", permissions: { publish: ["$JS.API.>"] } }
] }"#;

fn settings(nats: &Nats, login: &str) -> Settings {
    let url = nats.url().replace("nats://", &format!("nats://{login}"));
    Settings::new(&url, StreamSettings::default(), PUBLIC_URL).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_publication_waits_for_a_server_that_has_not_started() {
    let fixture = Fixture::with(Nats::reserved()).await;
    fixture.append_messages(10).await;
    let publisher = fixture.publish();
    let error = publisher.wait_for_error().await;
    assert!(error.contains("cannot be reached") && error.contains("127.0.0.1"), "{error}");
    fixture.nats.resume().await;
    fixture.assert_all_published().await;
    publisher.wait_until_recovered().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_reported_and_not_shown() {
    let fixture = Fixture::with(Nats::configured(USERS).await).await;
    for login in ["", "verbatim:open%20barley@", "sesame@"] {
        let error = fixture.publish_with(settings(&fixture.nats, login)).wait_for_error().await;
        assert!(error.contains("rejects the login") && !error.contains("barley"), "{error}");
    }
    fixture.append_messages(10).await;
    let publisher = fixture.publish_with(settings(&fixture.nats, "verbatim:open%20sesame@"));
    let end = fixture.store.end().await.unwrap();
    until("everything is published", || async { publisher.publication.published() == end }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_without_the_right_to_publish_sees_the_servers_error() {
    let fixture = Fixture::with(Nats::configured(USERS).await).await;
    fixture.append_messages(10).await;
    let error = fixture.publish_with(settings(&fixture.nats, "reader:only%20looks@")).wait_for_error().await;
    assert!(error.to_lowercase().contains("permissions violation"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_jetstream_is_reported() {
    let nats = Nats::reserved();
    let conf = nats.folder().join("nats.conf");
    std::fs::write(conf, format!("listen: \"127.0.0.1:{}\"\n", nats.port())).unwrap();
    nats.resume().await;
    let fixture = Fixture::with(nats).await;
    let error = fixture.publish().wait_for_error().await;
    assert!(error.contains("JetStream"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_accepted_and_a_connection_can_be_encrypted() {
    let nats = Nats::reserved();
    let file = |name: &str| nats.folder().join(name);
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"])
        .args(["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-keyout")
        .arg(file("key.pem"))
        .arg("-out")
        .arg(file("certificate.pem"))
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let readable = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(file("key.pem"), readable).unwrap();
    nats.configure(&format!(
        "authorization: {{ token: \"s3cret\" }}\ntls: {{ cert_file: \"{}\", key_file: \"{}\" }}",
        file("certificate.pem").display(),
        file("key.pem").display(),
    ));
    nats.resume().await;
    rustls::crypto::ring::default_provider().install_default().ok();
    let fixture = Fixture::with(nats).await;
    fixture.append_messages(10).await;
    let url = format!("tls://s3cret@127.0.0.1:{}", fixture.nats.port());
    let settings = Settings::new(&url, StreamSettings::default(), PUBLIC_URL).unwrap();
    // No trusted authority has signed this certificate.
    let error = fixture.publish_with(settings.clone()).wait_for_error().await;
    assert!(error.contains("encrypted connection") || error.contains("cannot be reached"), "{error}");
    let trusted = settings.with_authority(&fixture.nats.folder().join("certificate.pem")).unwrap();
    let publisher = fixture.publish_with(trusted);
    let end = fixture.store.end().await.unwrap();
    until("everything is published", || async { publisher.publication.published() == end }).await;
}
