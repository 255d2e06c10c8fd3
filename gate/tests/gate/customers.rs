//! The tokens of customers' sessions.

use super::service::{ACME, ANA, NOW, SECRET};
use event_schemas::{ChannelId, Clock, ContactId, Credential};
use gate::auth::CustomerSession;
use gate::{AuthConfig, Authenticator, Caller, Role};
use std::time::{Duration, Instant};

const SESSION: CustomerSession = CustomerSession {
    account: ACME,
    channel: ChannelId::from_u128(1),
    contact: ContactId::from_u128(2),
    conversation: None,
};

fn process(secret: &str, clock: &Clock) -> Authenticator {
    let config = AuthConfig { secret: Some(secret.to_owned()), ..AuthConfig::default() };
    Authenticator::new(config, clock.clone()).unwrap()
}

#[tokio::test]
async fn a_customers_token_is_valid_for_an_hour_and_is_no_other_token() {
    let clock = Clock::manual(NOW);
    let (one, same) = (process(SECRET, &clock), process(SECRET, &clock));
    let other = process("another secret of at least thirty-two bytes", &clock);
    let issued = one.issue_customer_token(SESSION).unwrap();
    assert_eq!(issued.expires_at, NOW + Duration::from_secs(3_600));
    let (session, until) = same.identify_customer(&issued.token).unwrap();
    assert_eq!(session, SESSION);
    assert!(until <= Instant::now() + Duration::from_secs(3_600));
    assert!(other.identify_customer(&issued.token).is_err());
    assert!(same.identify_customer(&format!("{}x", issued.token)).is_err());

    assert!(one.identify_bearer(&issued.token, None).await.is_err());
    let caller = Caller::of(ACME, ANA, Role::Agent, Credential::Token);
    let stream = one.issue_stream_token(&caller, Vec::new()).unwrap();
    assert!(one.identify_customer(&stream.token).is_err());

    clock.advance(Duration::from_secs(3_599));
    assert!(same.identify_customer(&issued.token).is_ok());
    clock.advance(Duration::from_secs(1));
    assert_eq!(same.identify_customer(&issued.token).unwrap_err().status(), 401);
}
