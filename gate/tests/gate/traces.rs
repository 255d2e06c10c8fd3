//! The access log and the metrics of a request.

use super::service::{ACME, ANA, Service, send_get, token};
use gate::Role;
use metrics_exporter_prometheus::PrometheusBuilder;
use std::io;
use std::sync::{Arc, Mutex};
use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(line);
        Ok(line.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn a_log_line_has_the_ids_and_no_text_that_a_user_typed() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().json().with_writer(log.clone()).finish();
    let _until_the_end = tracing::subscriber::set_default(subscriber);
    let router = Service::default().build();
    let agent = token(Role::Agent);
    let headers = [("authorization", &*agent), ("x-request-id", "job-7")];
    send_get(&router, "/agents", &headers).await;
    send_get(&router, "/things/abebe?limit=abebe", &[("idempotency-key", "abebe")]).await;
    send_get(&router, "/abebe", &[]).await;
    send_get(&router, "/agents?abebe=abebe", &headers).await;

    let text = log.text();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let fields: Vec<_> = lines.iter().map(|line| &line["fields"]).collect();
    assert_eq!((&fields[0]["route"], &fields[0]["status"]), (&"/agents".into(), &200.into()));
    assert_eq!(
        (fields[0]["account_id"].as_str(), fields[0]["user_id"].as_str()),
        (Some(&*ACME.to_string()), Some(&*ANA.to_string()))
    );
    assert_eq!((&fields[1]["route"], &fields[1]["problem"]), (&"/things/{id}".into(), &"unreadable".into()));
    assert_eq!((&fields[2]["route"], &fields[2]["status"]), (&"unknown".into(), &404.into()));
    assert!(!text.contains("abebe") && !text.contains("Ana") && !text.contains(&agent["Bearer ".len()..]));
}

#[tokio::test]
async fn metrics_are_counted_by_route_pattern_and_not_by_url() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let metrics = recorder.handle();
    let _until_the_end = metrics::set_default_local_recorder(&recorder);
    let router = Service::default().build();
    send_get(&router, &format!("/things/{ACME}"), &[]).await;
    send_get(&router, "/things/abebe", &[]).await;
    send_get(&router, "/abebe", &[]).await;
    let shown = metrics.render();
    for label in [
        "route=\"/things/{id}\",status=\"200\"",
        "route=\"/things/{id}\",status=\"400\"",
        "route=\"unknown\"",
    ] {
        assert!(shown.contains(label), "{label} is not in {shown}");
    }
    assert!(!shown.contains("abebe"));
}
