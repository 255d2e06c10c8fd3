//! Clients send anything, in any order: the service answers, refuses or closes their connection, and goes on with the
//! others.

use crate::raw_socket::RawSocket;
use crate::{Service, assert_served};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The panics of the service's tasks, which end nothing but their connection.
static PANICS: AtomicUsize = AtomicUsize::new(0);

fn count_panics() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic.location().is_none_or(|location| !location.file().contains("tests")) {
            PANICS.fetch_add(1, Ordering::SeqCst);
        }
        report(panic);
    }));
}

/// JSON, often deep, often cut off.
fn json_text() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("-0.1e99".to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
        ".{0,8}".prop_map(|text| serde_json::Value::from(text).to_string()),
        "[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}".prop_map(|id| format!("\"{id}\"")),
    ];
    let whole = leaf.prop_recursive(4, 16, 4, |inner| {
        let name = prop_oneof!["[a-z]{1,3}", Just("conversation_id".to_owned()), Just("after".to_owned())];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec((name, inner), 0..4).prop_map(|fields| {
                let fields: Vec<_> =
                    fields.into_iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
                format!("{{{}}}", fields.join(","))
            }),
        ]
    });
    (whole, any::<prop::sample::Index>(), prop::bool::weighted(0.2)).prop_map(|(text, at, is_cut)| {
        let cut = text.char_indices().nth(at.index(text.len().max(1))).map_or(text.len(), |(byte, _)| byte);
        if is_cut { text[..cut].to_owned() } else { text }
    })
}

/// A packet of a client. `TOKEN` stands for a token that is accepted.
fn packet() -> impl Strategy<Value = String> {
    let namespace = prop_oneof![
        8 => Just("/agents,"), 1 => Just(""), 1 => Just("/random,"), 1 => Just("/agents?a=b,"), 1 => Just("/agents")
    ];
    let name = prop_oneof![
        Just("conversation:join"),
        Just("conversation:leave"),
        Just("conversation:typing:start"),
        Just("conversation:typing:stop"),
        Just("connect"),
        Just("\\u0000"),
    ];
    let id = prop_oneof![4 => "[0-9]{0,3}", 1 => "[0-9]{15,25}"];
    prop_oneof![
        1 => ".{0,20}",
        2 => "[1-6b].{0,20}",
        2 => ("[0-9]", namespace.clone(), id.clone(), json_text())
            .prop_map(|(kind, namespace, id, json)| format!("4{kind}{namespace}{id}{json}")),
        4 => (namespace.clone(), id, name, json_text())
            .prop_map(|(namespace, id, name, json)| format!("42{namespace}{id}[\"{name}\",{json}]")),
        1 => namespace.prop_map(|namespace| format!("40{namespace}TOKEN")),
    ]
}

#[test]
fn whatever_clients_send_the_service_goes_on_with_the_others() {
    count_panics();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let service = runtime.block_on(Service::start());
    let auth = serde_json::json!({ "token": service.token() }).to_string();
    let bystander = tokio::sync::Mutex::new(runtime.block_on(service.agent()));
    let mut runner = TestRunner::new(Config { cases: 256, failure_persistence: None, ..Config::default() });
    let packets = (any::<bool>(), prop::collection::vec(packet(), 1..15));
    let all = runner.run(&packets, |(is_connected, packets)| {
        runtime.block_on(async {
            let mut client = match is_connected {
                true => service.agent().await,
                false => RawSocket::open(service.port).await,
            };
            for packet in &packets {
                client.send(packet.replace("TOKEN", &auth)).await;
            }
            client.send("1").await;
            client.closed().await;
            assert_served(&service, &mut *bystander.lock().await).await;
        });
        prop_assert_eq!(PANICS.load(Ordering::SeqCst), 0);
        Ok(())
    });
    all.unwrap();
}
