//! The teams of an account.

use crate::read_models::catalogue::{Entry, Since};
use event_schemas::catalogue::Team;
use event_schemas::{AccountId, TeamId, Timestamp, Version};
use follower::table::Json;

follower::table! {
    pub struct TeamRow in "teams" key (id: TeamId) {
        account_id: AccountId,
        name: String,
        team: Json<Team>,
        created_at: Timestamp,
        updated_at: Timestamp,
        version: Version,
    }
}

impl Entry for TeamRow {
    type CatalogueItem = Team;
    fn key_of(team: &Team) -> (TeamId,) {
        (team.id,)
    }
    fn created_at(&self) -> Timestamp {
        self.created_at
    }
    fn defined(team: &Team, since: Since) -> Self {
        Self {
            id: team.id,
            account_id: since.account_id,
            name: team.name.clone(),
            team: Json(team.clone()),
            created_at: since.created_at,
            updated_at: since.updated_at,
            version: since.version,
        }
    }
}
