//! The kinds of thing an account defines, and what makes each of them sensible.

use super::{CatalogueItem, Change, Rejection};
use crate::calendar::Hours;
use event_schemas::catalogue::{
    BusinessCalendar, CalendarDefined, CalendarRetired, CannedResponse, CannedResponseDefined,
    CannedResponseRetired, Channel, ChannelDefined, ChannelRetired, SlaPolicy, SlaPolicyDefined,
    SlaPolicyRetired, Team, TeamDefined, TeamRetired,
};
use event_schemas::{CalendarId, CannedResponseId, CatalogueEvent, ChannelId, SlaPolicyId, TeamId};
use std::collections::BTreeSet;

const LONGEST_NAME: usize = 200;
const LONGEST_TEXT: usize = 10_000;
const MOST_MEMBERS: usize = 1_000;
/// Ten years, in seconds: a promise beyond that is a mistake.
const LONGEST_PROMISE: u32 = 10 * 366 * 24 * 3600;

pub(super) fn named(field: &'static str, text: &str) -> Result<(), Rejection> {
    match text.trim().chars().count() {
        0 => Err(Rejection::invalid(field, "must not be empty")),
        length if length > LONGEST_NAME => {
            Err(Rejection::invalid(field, format!("has at most {LONGEST_NAME} characters")))
        }
        _ => Ok(()),
    }
}

impl CatalogueItem for Channel {
    type Id = ChannelId;

    fn id(&self) -> ChannelId {
        self.id
    }
    fn name(&self) -> (&'static str, &str) {
        ("name", &self.name)
    }
    /// Whether its credentials can work is for the provider's room to say.
    fn check(&self) -> Result<(), Rejection> {
        named("name", &self.name)
    }
    fn check_change(&self, before: &Self) -> Result<(), Rejection> {
        if self.channel_type != before.channel_type {
            return Err(Rejection::invalid("channel_type", "cannot change; define another channel"));
        }
        Ok(())
    }
    fn defined(self) -> CatalogueEvent {
        ChannelDefined { channel: self }.into()
    }
    fn retired(id: ChannelId) -> CatalogueEvent {
        ChannelRetired { id }.into()
    }
    fn told(event: &CatalogueEvent) -> Option<Change<'_, Self>> {
        match event {
            CatalogueEvent::ChannelDefined(event) => Some(Change::Defined(&event.channel)),
            CatalogueEvent::ChannelRetired(event) => Some(Change::Retired(event.id)),
            _other_kind => None,
        }
    }
}

impl CatalogueItem for Team {
    type Id = TeamId;

    fn id(&self) -> TeamId {
        self.id
    }
    fn name(&self) -> (&'static str, &str) {
        ("name", &self.name)
    }
    fn check(&self) -> Result<(), Rejection> {
        named("name", &self.name)?;
        if self.member_ids.len() > MOST_MEMBERS {
            return Err(Rejection::invalid("member_ids", format!("has at most {MOST_MEMBERS} members")));
        }
        let distinct: BTreeSet<_> = self.member_ids.iter().collect();
        if distinct.len() < self.member_ids.len() {
            return Err(Rejection::invalid("member_ids", "names somebody twice"));
        }
        Ok(())
    }
    fn defined(self) -> CatalogueEvent {
        TeamDefined { team: self }.into()
    }
    fn retired(id: TeamId) -> CatalogueEvent {
        TeamRetired { id }.into()
    }
    fn told(event: &CatalogueEvent) -> Option<Change<'_, Self>> {
        match event {
            CatalogueEvent::TeamDefined(event) => Some(Change::Defined(&event.team)),
            CatalogueEvent::TeamRetired(event) => Some(Change::Retired(event.id)),
            _other_kind => None,
        }
    }
}

impl CatalogueItem for CannedResponse {
    type Id = CannedResponseId;

    fn id(&self) -> CannedResponseId {
        self.id
    }
    fn name(&self) -> (&'static str, &str) {
        ("short_code", &self.short_code)
    }
    fn check(&self) -> Result<(), Rejection> {
        let code = self.short_code.strip_prefix('/').unwrap_or_default();
        let plain = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
        if code.is_empty() || code.chars().count() > 64 || !code.chars().all(plain) {
            return Err(Rejection::invalid(
                "short_code",
                "is a slash and up to 64 letters, digits, hyphens or underscores: /greeting",
            ));
        }
        named("title", &self.title)?;
        if self.content.trim().is_empty() {
            return Err(Rejection::invalid("content", "must not be empty"));
        }
        if self.content.chars().count() > LONGEST_TEXT {
            return Err(Rejection::invalid("content", format!("has at most {LONGEST_TEXT} characters")));
        }
        self.category.as_deref().map_or(Ok(()), |category| named("category", category))
    }
    fn defined(self) -> CatalogueEvent {
        CannedResponseDefined { canned_response: self }.into()
    }
    fn retired(id: CannedResponseId) -> CatalogueEvent {
        CannedResponseRetired { id }.into()
    }
    fn told(event: &CatalogueEvent) -> Option<Change<'_, Self>> {
        match event {
            CatalogueEvent::CannedResponseDefined(event) => Some(Change::Defined(&event.canned_response)),
            CatalogueEvent::CannedResponseRetired(event) => Some(Change::Retired(event.id)),
            _other_kind => None,
        }
    }
}

impl CatalogueItem for SlaPolicy {
    type Id = SlaPolicyId;

    fn id(&self) -> SlaPolicyId {
        self.id
    }
    fn name(&self) -> (&'static str, &str) {
        ("name", &self.name)
    }
    fn check(&self) -> Result<(), Rejection> {
        named("name", &self.name)?;
        if self.targets.is_empty() {
            return Err(Rejection::invalid("targets", "needs at least one priority"));
        }
        for (priority, targets) in &self.targets {
            for (metric, seconds) in [
                ("first_response_seconds", targets.first_response_seconds),
                ("next_response_seconds", targets.next_response_seconds),
                ("resolution_seconds", targets.resolution_seconds),
            ] {
                if seconds.is_some_and(|seconds| seconds == 0 || seconds > LONGEST_PROMISE) {
                    return Err(Rejection::invalid(
                        format!("targets.{priority}.{metric}"),
                        "is between one second and ten years",
                    ));
                }
            }
        }
        Ok(())
    }
    fn defined(self) -> CatalogueEvent {
        SlaPolicyDefined { sla_policy: self }.into()
    }
    fn retired(id: SlaPolicyId) -> CatalogueEvent {
        SlaPolicyRetired { id }.into()
    }
    fn told(event: &CatalogueEvent) -> Option<Change<'_, Self>> {
        match event {
            CatalogueEvent::SlaPolicyDefined(event) => Some(Change::Defined(&event.sla_policy)),
            CatalogueEvent::SlaPolicyRetired(event) => Some(Change::Retired(event.id)),
            _other_kind => None,
        }
    }
}

impl CatalogueItem for BusinessCalendar {
    type Id = CalendarId;

    fn id(&self) -> CalendarId {
        self.id
    }
    fn name(&self) -> (&'static str, &str) {
        ("name", &self.name)
    }
    fn check(&self) -> Result<(), Rejection> {
        named("name", &self.name)?;
        match Hours::of(self) {
            Ok(_) => Ok(()),
            Err(error) => Err(Rejection::invalid(error.field(), error.to_string())),
        }
    }
    fn defined(self) -> CatalogueEvent {
        CalendarDefined { calendar: self }.into()
    }
    fn retired(id: CalendarId) -> CatalogueEvent {
        CalendarRetired { id }.into()
    }
    fn told(event: &CatalogueEvent) -> Option<Change<'_, Self>> {
        match event {
            CatalogueEvent::CalendarDefined(event) => Some(Change::Defined(&event.calendar)),
            CatalogueEvent::CalendarRetired(event) => Some(Change::Retired(event.id)),
            _other_kind => None,
        }
    }
}
