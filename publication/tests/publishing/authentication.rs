//! Being let in, or not.

use crate::fixture::{DESK, Desk, until};
use publication::{Settings, StreamSettings};
use std::process::Command;
use test_engines::Nats;

const USERS: &str = r#"authorization: { users: [
    { user: "verbatim", password: "open sesame" }
    { user: "reader", password: "only looks", permissions: { publish: ["$JS.API.>"] } }
] }"#;

fn settings(nats: &Nats, login: &str) -> Settings {
    let url = nats.url().replace("nats://", &format!("nats://{login}"));
    Settings::new(&url, StreamSettings::default(), DESK).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_yet_is_waited_for() {
    let desk = Desk::with(Nats::reserved()).await;
    desk.say(10).await;
    let publisher = desk.publish();
    let said = publisher.complains().await;
    assert!(said.contains("cannot be reached") && said.contains("127.0.0.1"), "{said}");
    desk.nats.resume().await;
    desk.all_is_told().await;
    publisher.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_said_and_not_repeated() {
    let desk = Desk::with(Nats::configured(USERS).await).await;
    for login in ["", "verbatim:open%20barley@", "sesame@"] {
        let said = desk.publish_with(settings(&desk.nats, login)).complains().await;
        assert!(said.contains("does not let us in") && !said.contains("barley"), "{said}");
    }
    desk.say(10).await;
    let publisher = desk.publish_with(settings(&desk.nats, "verbatim:open%20sesame@"));
    let end = desk.store.end().await.unwrap();
    until("it has come to the end", || async { publisher.publication.published() == end }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_publish_hears_what_the_server_says() {
    let desk = Desk::with(Nats::configured(USERS).await).await;
    desk.say(10).await;
    let said = desk.publish_with(settings(&desk.nats, "reader:only%20looks@")).complains().await;
    assert!(said.to_lowercase().contains("permissions violation"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_jetstream_is_said() {
    let nats = Nats::reserved();
    let conf = nats.folder().join("nats.conf");
    std::fs::write(conf, format!("listen: \"127.0.0.1:{}\"\n", nats.port())).unwrap();
    nats.resume().await;
    let desk = Desk::with(nats).await;
    let said = desk.publish().complains().await;
    assert!(said.contains("JetStream"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_and_a_connection_can_be_encrypted() {
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
    let desk = Desk::with(nats).await;
    desk.say(10).await;
    let url = format!("tls://s3cret@127.0.0.1:{}", desk.nats.port());
    let settings = Settings::new(&url, StreamSettings::default(), DESK).unwrap();
    // Nobody vouches for this certificate.
    let said = desk.publish_with(settings.clone()).complains().await;
    assert!(said.contains("encrypted connection") || said.contains("cannot be reached"), "{said}");
    let trusted = settings.with_authority(&desk.nats.folder().join("certificate.pem")).unwrap();
    let publisher = desk.publish_with(trusted);
    let end = desk.store.end().await.unwrap();
    until("it has come to the end", || async { publisher.publication.published() == end }).await;
}
