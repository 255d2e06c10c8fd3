#![allow(clippy::unwrap_used)]

use super::*;
use crate::execute::Outcome;
use domain::catalogue::{Amend, Define};
use event_schemas::automation::{Action, AutomationRule, MacroVisibility};
use event_schemas::message::ChannelType;
use event_schemas::{AutomationRuleId, ChannelId, MacroId, Metadata, NewEvent, StreamId, UserId, Version};
use event_store::Expected;
use event_store::sqlite::SqliteStore;
use providers::{Providers, Timeouts};
use std::sync::Arc;

const ACCOUNT: AccountId = AccountId::from_u128(0xacc);
const TOKEN: &str = "EAAJB-CANARY";

fn ring(keys: &[u8]) -> KeyRing {
    keys.iter().map(|byte| CredentialsKey::new(&[*byte; 32])).collect()
}

fn channel(id: u128, token: &str) -> Channel {
    Channel {
        id: ChannelId::from_u128(id),
        channel_type: ChannelType::WhatsApp,
        name: format!("Channel {id}"),
        credentials: BTreeMap::from([("access_token".to_owned(), Secret(token.to_owned()))]),
        base_url: None,
        is_enabled: true,
    }
}

fn webhook_macro(secret: &str) -> Macro {
    Macro {
        id: MacroId::from_u128(7),
        name: "Escalate".to_owned(),
        description: None,
        visibility: MacroVisibility::Everyone,
        created_by: UserId::from_u128(8),
        actions: vec![Action::Webhook { url: "https://hooks.example.com/".to_owned() }],
        webhook_secret: Some(Secret(secret.to_owned())),
    }
}

/// The write side on an empty log, with these keys.
struct Fixture {
    commands: Commands,
    _folder: tempfile::TempDir,
}

impl Fixture {
    async fn with_keys(keys: &[u8]) -> Self {
        let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::System);
        let store = SqliteStore::open(folder.path().join("events.db"), clock.clone()).await.unwrap();
        let providers = Providers::new([], Timeouts::default(), clock.clone()).unwrap();
        let mut commands = Commands::new(store, Arc::new(providers), clock);
        commands.credential_keys = ring(keys);
        Self { commands, _folder: folder }
    }

    fn context(&self) -> Context {
        let account = ACCOUNT;
        let correlation_id = self.commands.clock.fresh_id();
        let actor = Actor::system("test");
        Context::of(account, actor, correlation_id)
    }

    async fn execute<T: crate::Catalogued>(
        &self,
        command: &impl Decide<Catalogue<T>, Rejection = Rejection>,
    ) -> Result<Outcome<Catalogue<T>>, CommandError<Rejection>> {
        self.commands.catalogue::<T>(ACCOUNT).execute(command, &self.context()).await
    }

    async fn token_of(&self, id: u128) -> Secret {
        let found = self.commands.channel(ACCOUNT, ChannelId::from_u128(id)).await.unwrap().unwrap();
        found.credentials["access_token"].clone()
    }

    /// Appends a definition as a version without keys did.
    async fn stored_before(&self, event: CatalogueEvent) {
        let id = self.commands.clock.event_id();
        let metadata = Metadata {
            account_id: ACCOUNT,
            actor: Actor::system("test"),
            correlation_id: id.0,
            causation_id: None,
            traceparent: None,
            request: None,
            credential: None,
            occurred_at: self.commands.clock.now(),
        };
        let stream = StreamId::catalogue(event.kind(), ACCOUNT);
        let event = NewEvent::of(id, &event, metadata);
        self.commands.store.append(&stream, Expected::Any, vec![event]).await.unwrap();
    }

    async fn log(&self) -> Vec<Recorded> {
        self.commands.store.read_all(None, &Filter::all(), PAGE).await.unwrap().events
    }
}

#[tokio::test]
async fn no_event_holds_a_secret_in_plain_text() {
    let fixture = Fixture::with_keys(&[1]).await;
    fixture.execute(&Define(channel(1, TOKEN))).await.unwrap();
    fixture.execute(&Define(webhook_macro("whsec_CANARY"))).await.unwrap();
    let log = fixture.log().await;
    assert_eq!(log.len(), 2);
    assert!(
        log.iter().all(|event| event.data.contains("sealed:1:") && !event.data.contains("CANARY")),
        "{log:?}"
    );
    let stored = fixture.commands.channel(ACCOUNT, ChannelId::from_u128(1)).await.unwrap().unwrap();
    assert_eq!(fixture.commands.opened(ACCOUNT, &stored), Ok(channel(1, TOKEN)));
    let other = AccountId::from_u128(0xbad);
    assert_eq!(fixture.commands.opened(other, &stored).unwrap_err().source, OpenError::NotForThisPlace);
}

#[tokio::test]
async fn an_unchanged_credential_changes_nothing() {
    let fixture = Fixture::with_keys(&[1]).await;
    fixture.execute(&Define(channel(1, TOKEN))).await.unwrap();
    let first = fixture.token_of(1).await;
    let again = fixture.execute(&Define(channel(1, TOKEN))).await.unwrap();
    assert!(!again.wrote);
    let mut renamed = channel(1, TOKEN);
    renamed.name = "Renamed".to_owned();
    assert!(fixture.execute(&Define(renamed)).await.unwrap().wrote);
    assert_eq!(fixture.token_of(1).await, first, "the sealed text stays");
    fixture.execute(&Define(channel(1, "another"))).await.unwrap();
    assert_ne!(fixture.token_of(1).await, first);
}

#[tokio::test]
async fn a_request_cannot_bring_a_sealed_text() {
    let fixture = Fixture::with_keys(&[1]).await;
    fixture.execute(&Define(channel(1, TOKEN))).await.unwrap();
    let of_the_first = fixture.token_of(1).await;
    let copied = fixture.execute(&Define(channel(2, &of_the_first.0))).await;
    let Err(CommandError::Rejected(Rejection::Invalid { field, .. })) = copied else {
        panic!("a copied credential was accepted")
    };
    assert_eq!(field, "credentials.access_token");
    // Were it in the log nevertheless, it would not open there.
    fixture.stored_before(ChannelDefined { channel: channel(2, &of_the_first.0) }.into()).await;
    let stored = fixture.commands.channel(ACCOUNT, ChannelId::from_u128(2)).await.unwrap().unwrap();
    let error = fixture.commands.opened(ACCOUNT, &stored).unwrap_err();
    assert_eq!(error.source, OpenError::NotForThisPlace);
}

#[tokio::test]
async fn the_error_of_a_lost_key_names_the_channel_and_other_channels_work() {
    let mut fixture = Fixture::with_keys(&[1]).await;
    fixture.execute(&Define(channel(1, TOKEN))).await.unwrap();
    fixture.commands.credential_keys = ring(&[2]);
    fixture.execute(&Define(channel(2, TOKEN))).await.unwrap();
    let of = async |id| {
        let found = fixture.commands.channel(ACCOUNT, ChannelId::from_u128(id)).await.unwrap().unwrap();
        fixture.commands.opened(ACCOUNT, &found)
    };
    let error = of(1).await.unwrap_err();
    assert!(matches!(error.source, OpenError::UnknownKey(_)), "{error:?}");
    let said = error.to_string();
    for part in [
        "`credentials.access_token`",
        &ChannelId::from_u128(1).to_string(),
        "channel",
        "enter the credential anew",
    ] {
        assert!(said.contains(part), "{said}");
    }
    assert_eq!(of(2).await, Ok(channel(2, TOKEN)));
    // It can be renamed without its key, and works once the credential is entered anew.
    let rename = |item: &mut Channel| {
        item.name = "Renamed".to_owned();
        Ok(())
    };
    fixture.execute(&Amend { id: ChannelId::from_u128(1), default: None, change: rename }).await.unwrap();
    assert!(of(1).await.is_err());
    fixture.execute(&Define(channel(1, TOKEN))).await.unwrap();
    assert_eq!(of(1).await, Ok(channel(1, TOKEN)));
}

#[tokio::test]
async fn what_is_stored_in_plain_text_works_and_is_sealed_once() {
    let mut fixture = Fixture::with_keys(&[1]).await;
    let rule = AutomationRule {
        id: AutomationRuleId::from_u128(9),
        name: "Rule".to_owned(),
        description: None,
        priority: 0,
        is_active: true,
        event: event_schemas::automation::AutomationEvent::MessageReceived,
        waiting_seconds: None,
        conditions: Default::default(),
        actions: vec![Action::Webhook { url: "https://hooks.example.com/".to_owned() }],
        webhook_secret: Some(Secret("whsec_CANARY".to_owned())),
    };
    fixture.stored_before(ChannelDefined { channel: channel(1, TOKEN) }.into()).await;
    fixture.stored_before(ChannelDefined { channel: channel(2, "") }.into()).await;
    fixture.stored_before(MacroDefined { defined: webhook_macro("whsec_CANARY") }.into()).await;
    fixture.stored_before(AutomationRuleDefined { automation_rule: rule }.into()).await;
    let stored = channel(1, TOKEN);
    assert_eq!(fixture.commands.opened(ACCOUNT, &stored), Ok(stored));
    assert_eq!(fixture.commands.seal_stored().await.unwrap(), 3);
    let sealed: Vec<_> = fixture.log().await.split_off(4);
    assert_eq!(sealed.len(), 3);
    assert!(sealed.iter().all(|event| !event.data.contains("CANARY")), "{sealed:?}");
    assert_eq!(fixture.commands.seal_stored().await.unwrap(), 0);
    // With a new key before the old one they are sealed again, and the old one is not needed any more.
    fixture.commands.credential_keys = ring(&[2, 1]);
    assert_eq!(fixture.commands.seal_stored().await.unwrap(), 3);
    fixture.commands.credential_keys = ring(&[2]);
    assert_eq!(fixture.commands.seal_stored().await.unwrap(), 0);
    let found = fixture.commands.channel(ACCOUNT, ChannelId::from_u128(1)).await.unwrap().unwrap();
    assert_eq!(fixture.commands.opened(ACCOUNT, &found), Ok(channel(1, TOKEN)));
}

#[tokio::test]
async fn without_a_key_credentials_are_stored_as_they_are() {
    let fixture = Fixture::with_keys(&[]).await;
    fixture.execute(&Define(channel(1, TOKEN))).await.unwrap();
    assert_eq!(fixture.token_of(1).await, Secret(TOKEN.to_owned()));
    assert_eq!(fixture.commands.seal_stored().await.unwrap(), 0);
    let sealed = fixture.execute(&Define(channel(2, "sealed:1:0:0"))).await;
    assert!(matches!(sealed, Err(CommandError::Rejected(Rejection::Invalid { .. }))));
}

#[tokio::test]
async fn an_imported_event_is_sealed_and_all_others_stay_as_they_are() {
    let fixture = Fixture::with_keys(&[1]).await;
    fixture.stored_before(ChannelDefined { channel: channel(1, TOKEN) }.into()).await;
    fixture.stored_before(ChannelRetired { id: ChannelId::from_u128(1) }.into()).await;
    let log = fixture.log().await;
    let clock = &fixture.commands.clock;
    let sealed = ring(&[1]).imported(&log[0], clock).unwrap().unwrap();
    assert!(!sealed.data.contains(TOKEN));
    assert_eq!((sealed.id, sealed.version), (log[0].id, Version::FIRST));
    assert_eq!(ring(&[1]).imported(&sealed, clock).unwrap(), None);
    assert_eq!(ring(&[2]).imported(&sealed, clock).unwrap(), None, "a key of another installation");
    assert_eq!(ring(&[1]).imported(&log[1], clock).unwrap(), None);
    assert_eq!(ring(&[]).imported(&log[0], clock).unwrap(), None);
}
