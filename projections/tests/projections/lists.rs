//! Lists are compared with a simple, slow oracle that filters and sorts all rows in memory.

use crate::environment::Environment;
use crate::scenario::{Random, Scenario};
use event_schemas::contact::{ContactSeen, IdentifierJoined};
use event_schemas::conversation::ConversationOpened;
use event_schemas::message::{ChannelType, Priority, SenderType, Status};
use event_schemas::view_filter::{AssigneeIs, CustomField, SlaState, TeamIs, ViewFilter};
use event_schemas::{
    AccountId, ContactEvent, ContactId, ContactIdentifierId, ConversationEvent, ConversationId, StreamId,
    Timestamp, UserId, Version,
};
use follower::db::Db;
use projections::queries::conversations::{
    AssigneeFilter, Conversations, ListedConversation, Sort, SortBy, list, list_json,
};
use projections::queries::conversations::{count, find};
use projections::queries::{Limit, Page};
use projections::read_models::contacts::IdentifierFilter;
use projections::read_models::inbox::ConversationRow;
use projections::read_models::messages::{self, MessageRow, Messages, PageFrom};
use projections::read_models::tab_counts::{TabCounts, counts, counts_of_all};
use projections::read_models::{assignments, contacts, sla_timers};
use std::collections::BTreeMap;
use std::time::Duration;

crate::on_each_engine!(
    pages_contain_each_row_once_in_order_for_every_sort_and_filter,
    a_walk_misses_no_conversation_although_others_write,
    a_nested_filter_lists_what_an_oracle_finds,
    a_cursor_of_another_sort_is_rejected,
    tab_counts_equal_the_number_of_rows,
    pages_of_messages_contain_each_message_once_in_both_directions,
    unread_counts_are_the_same_in_a_list_and_in_one_conversation,
    rows_of_another_account_are_not_found,
    running_timers_are_listed_by_deadline,
    numbers_have_spellings_where_identifiers_are_numbers,
    a_conversation_that_begins_when_its_identifier_is_joined_is_of_the_joined_contact,
);

struct Fixture {
    _env: Environment,
    scenario: Scenario,
    db: Db,
    everything: Vec<ConversationRow>,
}

async fn fixture(env: Environment, seed: u64, steps: usize) -> Fixture {
    let store = env.store().await;
    let mut scenario = Scenario::new(seed);
    scenario.run(steps).write(&*store).await;
    let generations = env.generations();
    generations.rebuild(&store, |_| {}).await.unwrap();
    let (_, db) = generations.open_current(Default::default()).await.unwrap().unwrap();
    let mut everything = Vec::new();
    for account in &scenario.accounts {
        let mut query = Conversations::of(*account);
        query.limit = Limit::new(200).unwrap();
        loop {
            let page = list(db.readers(), &query).await.unwrap();
            everything.extend(page.rows.into_iter().map(|listed| listed.conversation));
            query.after = page.next;
            if query.after.is_none() {
                break;
            }
        }
    }
    Fixture { _env: env, scenario, db, everything }
}

fn key(row: &ConversationRow, by: SortBy) -> Option<i64> {
    match by {
        SortBy::LastMessage => Some(row.last_message_at.as_micros()),
        SortBy::Created => Some(row.created_at.as_micros()),
        SortBy::Priority => Some(row.priority.rank()),
        SortBy::Unanswered => row.unanswered_since.map(Timestamp::as_micros),
        SortBy::SlaDue => row.sla_due_at.map(Timestamp::as_micros),
    }
}

fn oracle(everything: &[ConversationRow], query: &Conversations) -> Vec<ConversationRow> {
    let mut rows: Vec<_> = everything
        .iter()
        .filter(|row| row.account_id == query.account)
        .filter(|row| query.statuses.is_empty() || query.statuses.contains(&row.status))
        .filter(|row| match query.assignee {
            None => true,
            Some(AssigneeFilter::Unassigned) => row.assignee_id.is_none(),
            Some(AssigneeFilter::Agent(user)) => row.assignee_id == Some(user),
        })
        .filter(|row| query.team.is_none_or(|team| row.team_id == Some(team)))
        .filter(|row| query.channel.is_none_or(|channel| row.channel_id == channel))
        .filter(|row| query.contact.is_none_or(|contact| row.contact_id == contact))
        .filter(|row| query.label.as_ref().is_none_or(|label| row.labels.0.contains(label)))
        .filter(|row| query.priority.is_none_or(|priority| row.priority == priority))
        .filter(|row| query.updated_since.is_none_or(|since| row.updated_at >= since))
        .cloned()
        .collect();
    rows.sort_by(|a, b| {
        let by = query.sort.by;
        match (key(a, by), key(b, by)) {
            (Some(x), Some(y)) => (x, a.seq).cmp(&(y, b.seq)),
            (None, None) => (a.last_message_at, a.seq).cmp(&(b.last_message_at, b.seq)),
            // A row without a key is last in either direction: a descending list is reversed below.
            (None, Some(_)) => {
                if query.sort.descending {
                    std::cmp::Ordering::Less
                } else {
                    std::cmp::Ordering::Greater
                }
            }
            (Some(_), None) => {
                if query.sort.descending {
                    std::cmp::Ordering::Greater
                } else {
                    std::cmp::Ordering::Less
                }
            }
        }
    });
    if query.sort.descending {
        rows.reverse();
    }
    rows
}

/// A filter of up to three levels.
fn random_filter(random: &mut Random, scenario: &Scenario, depth: usize) -> ViewFilter {
    if depth > 0 && random.chance(50) {
        let inner: Vec<_> =
            (0..random.below(4)).map(|_| random_filter(random, scenario, depth - 1)).collect();
        return match random.below(3) {
            0 => ViewFilter::All(inner),
            1 => ViewFilter::Any(inner),
            _ => ViewFilter::Not(Box::new(random_filter(random, scenario, depth - 1))),
        };
    }
    let days = |random: &mut Random| 86_400 * random.below(8) as u32;
    match random.below(16) {
        0 => ViewFilter::Status(Status::ALL.iter().copied().filter(|_| random.chance(40)).collect()),
        1 => ViewFilter::Assignee(vec![AssigneeIs::Me]),
        2 => ViewFilter::Assignee(vec![AssigneeIs::None, AssigneeIs::Agent(*random.pick(&scenario.agents))]),
        3 => ViewFilter::Team(vec![TeamIs::Team(*random.pick(&scenario.teams))]),
        4 => ViewFilter::Team(vec![TeamIs::None, TeamIs::Team(*random.pick(&scenario.teams))]),
        5 => ViewFilter::Channel(vec![*random.pick(&scenario.channels)]),
        6 => ViewFilter::ChannelType(vec![*random.pick(&[ChannelType::WhatsApp, ChannelType::Sms])]),
        7 => ViewFilter::Label((0..random.below(3)).map(|_| random.pick(&scenario.labels).clone()).collect()),
        8 => ViewFilter::Priority(vec![*random.pick(Priority::ALL)]),
        9 => ViewFilter::Language(vec![random.pick(&["en", "am"]).to_string()]),
        10 => ViewFilter::Unread(random.chance(50)),
        11 => ViewFilter::UnansweredFor(days(random)),
        12 => ViewFilter::SlaState(SlaState::ALL.iter().copied().filter(|_| random.chance(40)).collect()),
        13 => ViewFilter::SlaDueWithin(days(random)),
        14 => ViewFilter::ActiveWithin(days(random)),
        _ if random.chance(50) => ViewFilter::CreatedWithin(days(random)),
        _ => {
            let (name, value) = *random.pick(&[("tier", "gold"), ("seats", "3"), ("no \"such", "x")]);
            ViewFilter::Custom(CustomField { name: name.to_owned(), value: value.to_owned() })
        }
    }
}

/// Whether the conversation meets the filter, by the words of its description.
fn meets(filter: &ViewFilter, listed: &ListedConversation, reader: UserId, now: Timestamp) -> bool {
    let row = &listed.conversation;
    let seconds_ago = |at: Timestamp| (now.as_micros() - at.as_micros()) as f64 / 1e6;
    match filter {
        ViewFilter::All(all) => all.iter().all(|filter| meets(filter, listed, reader, now)),
        ViewFilter::Any(any) => any.iter().any(|filter| meets(filter, listed, reader, now)),
        ViewFilter::Not(filter) => !meets(filter, listed, reader, now),
        ViewFilter::Status(statuses) => statuses.contains(&row.status),
        ViewFilter::Assignee(assignees) => assignees.iter().any(|assignee| match assignee {
            AssigneeIs::Me => row.assignee_id == Some(reader),
            AssigneeIs::None => row.assignee_id.is_none(),
            AssigneeIs::Agent(user) => row.assignee_id == Some(*user),
        }),
        ViewFilter::Team(teams) => teams.iter().any(|team| match team {
            TeamIs::None => row.team_id.is_none(),
            TeamIs::Team(team) => row.team_id == Some(*team),
        }),
        ViewFilter::Channel(channels) => channels.contains(&row.channel_id),
        ViewFilter::ChannelType(types) => types.contains(&row.channel_type),
        ViewFilter::Label(labels) => labels.iter().any(|label| row.labels.0.contains(label)),
        ViewFilter::Priority(priorities) => priorities.contains(&row.priority),
        ViewFilter::Language(languages) => row.language.as_ref().is_some_and(|own| languages.contains(own)),
        ViewFilter::Unread(is_unread) => (listed.unread > 0) == *is_unread,
        ViewFilter::UnansweredFor(seconds) => {
            row.unanswered_since.is_some_and(|since| seconds_ago(since) >= f64::from(*seconds))
        }
        ViewFilter::SlaState(states) => {
            row.sla_state.as_ref().is_some_and(|state| states.iter().any(|word| word.as_str() == state))
        }
        ViewFilter::SlaDueWithin(seconds) => {
            row.sla_due_at.is_some_and(|due| -seconds_ago(due) <= f64::from(*seconds))
        }
        ViewFilter::ActiveWithin(seconds) => seconds_ago(row.last_message_at) <= f64::from(*seconds),
        ViewFilter::CreatedWithin(seconds) => seconds_ago(row.created_at) <= f64::from(*seconds),
        ViewFilter::Custom(field) => {
            let value = row.metadata.as_ref().and_then(|metadata| metadata.0.get(&field.name));
            let text = value.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            text.as_ref() == Some(&field.value)
        }
    }
}

async fn a_nested_filter_lists_what_an_oracle_finds(env: Environment) {
    let fixture = fixture(env, 29, 2000).await;
    let (scenario, db) = (&fixture.scenario, &fixture.db);
    // Some conversations have custom fields, which the scenario does not set.
    db.run(r#"update conversations set metadata = '{"tier":"gold","seats":3}' where seq % 3 = 0"#)
        .await
        .unwrap();
    db.run(r#"update conversations set metadata = '{"tier":true,"no \"such":"x"}' where seq % 3 = 1"#)
        .await
        .unwrap();
    let now = fixture.everything.iter().map(|row| row.last_message_at).max().unwrap();
    let mut random = Random::new(6);
    let mut met = 0;
    for round in 0..200 {
        let (account, reader) = (*random.pick(&scenario.accounts), *random.pick(&scenario.agents));
        let filter = random_filter(&mut random, scenario, 3);
        let sort = Sort { by: Sort::ALL_BY[round % 5], descending: random.chance(50) };
        let walk = async |query: Conversations| {
            let (mut query, mut rows) = (query, Vec::new());
            loop {
                let page = list(db.readers(), &query).await.unwrap();
                rows.extend(page.rows);
                query.after = page.next;
                if query.after.is_none() {
                    return rows;
                }
            }
        };
        let unfiltered = Conversations { reader: Some(reader), sort, ..Conversations::of(account) };
        let mut expected = walk(unfiltered.clone()).await;
        expected.retain(|listed| meets(&filter, listed, reader, now));
        let mut query = unfiltered.filtered_by(filter.clone(), now);
        let most = 1 + random.below(expected.len() + 20);
        let counted = count(db.readers(), &query, most).await.unwrap();
        assert_eq!(counted, expected.len().min(most), "{filter:?}");
        query.limit = Limit::new(1 + random.below(40)).unwrap();
        query.sort_at_most = if random.chance(50) { 5000 } else { 3 };
        let found = walk(query).await;
        let ids =
            |rows: &[ListedConversation]| rows.iter().map(|row| row.conversation.id).collect::<Vec<_>>();
        assert_eq!(ids(&found), ids(&expected), "{filter:?} {sort:?}");
        met += found.len();
    }
    assert!(met > 2_000, "{met} rows are too few for this test");
}

async fn pages_contain_each_row_once_in_order_for_every_sort_and_filter(env: Environment) {
    let fixture = fixture(env, 11, 3000).await;
    let (scenario, everything) = (&fixture.scenario, &fixture.everything);
    assert!(everything.len() > 300, "{} conversations are too few for this test", everything.len());
    let mut random = Random::new(3);
    let mut met = 0;
    for round in 0..150 {
        let mut query = Conversations::of(*random.pick(&scenario.accounts));
        let by = Sort::ALL_BY[round % 5];
        query.sort = Sort { by, descending: round % 2 == 0 };
        query.limit = Limit::new(1 + random.below(60)).unwrap();
        // The matching rows are sorted, or an index is scanned.
        query.sort_at_most = if random.chance(50) { 5000 } else { 3 };
        if random.chance(60) {
            query.statuses = Status::ALL.iter().copied().filter(|_| random.chance(50)).collect();
        }
        if random.chance(30) {
            let agent = *random.pick(&scenario.agents);
            query.assignee = Some(if random.chance(50) {
                AssigneeFilter::Unassigned
            } else {
                AssigneeFilter::Agent(agent)
            });
        }
        query.team = random.chance(20).then(|| *random.pick(&scenario.teams));
        query.channel = random.chance(20).then(|| *random.pick(&scenario.channels));
        query.label = random.chance(20).then(|| random.pick(&scenario.labels).clone());
        query.priority = random.chance(20).then(|| *random.pick(Priority::ALL));
        let row = random.pick(everything);
        query.contact = random.chance(15).then_some(row.contact_id);
        query.updated_since = random.chance(15).then_some(row.updated_at);
        let expected = oracle(everything, &query);
        let mut found = Vec::new();
        loop {
            let page = list(fixture.db.readers(), &query).await.unwrap();
            assert!(page.rows.len() <= query.limit.get());
            found.extend(page.rows.into_iter().map(|listed| listed.conversation));
            // The cursor as text, as a caller sends it back.
            query.after = page.next.map(|cursor| cursor.to_string().parse().unwrap());
            if query.after.is_none() {
                break;
            }
        }
        let first_page =
            list_json(fixture.db.readers(), &Conversations { after: None, ..query.clone() }).await.unwrap();
        let page: Vec<serde_json::Value> = serde_json::from_str(&first_page.json).unwrap();
        let shown: Vec<_> = page.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
        let first: Vec<_> = expected.iter().take(query.limit.get()).map(|row| row.id.to_string()).collect();
        assert_eq!(shown, first, "round {round}: {query:?}");
        assert_eq!(first_page.next.is_some(), expected.len() > query.limit.get());
        let ids = |rows: &[ConversationRow]| rows.iter().map(|row| row.id).collect::<Vec<_>>();
        assert_eq!(ids(&found), ids(&expected), "round {round}: {query:?}");
        met += found.len();
    }
    assert!(met > 2000, "{met} rows in all prove little");
}

/// Between the pages customers write, agents answer and priorities change, so that rows move past the reader in both
/// directions. The oracle: each conversation of the beginning was on a page, and on two only when it had changed.
async fn a_walk_misses_no_conversation_although_others_write(env: Environment) {
    let mut fixture = fixture(env, 71, 600).await;
    let store = fixture._env.store().await;
    let generations = fixture._env.generations();
    let mut moved = 0;
    for (round, by) in Sort::ALL_BY.into_iter().enumerate() {
        let mut query = Conversations::of(fixture.scenario.accounts[0]);
        query.sort = Sort { by, descending: round % 2 == 0 };
        query.limit = Limit::new(15).unwrap();
        query.sort_at_most = if round < 3 { 3 } else { 5000 };
        let whole = Conversations { limit: Limit::new(200).unwrap(), ..query.clone() };
        let begin = list(fixture.db.readers(), &whole);
        let there: BTreeMap<_, _> = begin.await.unwrap().rows.into_iter().map(version).collect();
        assert!(there.len() > 40);
        let mut seen = BTreeMap::new();
        for page in 0.. {
            let shown = list(fixture.db.readers(), &query).await.unwrap();
            let json = list_json(fixture.db.readers(), &query).await.unwrap();
            assert_eq!(json.next, shown.next);
            for (id, version) in shown.rows.into_iter().map(version) {
                let before = seen.insert(id, version);
                let is_new = there.get(&id).is_none_or(|first| *first < version);
                assert!(before.is_none() || is_new, "{id} came twice and had not changed");
                moved += usize::from(before.is_some());
            }
            query.after = shown.next;
            if query.after.is_none() {
                break;
            }
            // The others stop at some time, so that the walk ends.
            if page < 6 {
                fixture.scenario.run(30).write(&*store).await;
                generations.rebuild(&store, |_| {}).await.unwrap();
                fixture.db = generations.open_current(Default::default()).await.unwrap().unwrap().1;
            }
        }
        let missed: Vec<_> = there.keys().filter(|id| !seen.contains_key(id)).collect();
        assert!(missed.is_empty(), "{by:?}: {missed:?} were on no page");
    }
    assert!(moved > 0, "nothing moved while it was read");
}

fn version(listed: ListedConversation) -> (ConversationId, Version) {
    (listed.conversation.id, listed.conversation.version)
}

async fn a_cursor_of_another_sort_is_rejected(env: Environment) {
    let fixture = fixture(env, 4, 200).await;
    let mut query = Conversations::of(fixture.scenario.accounts[0]);
    query.limit = Limit::new(1).unwrap();
    query.after = list(fixture.db.readers(), &query).await.unwrap().next;
    assert!(query.after.is_some());
    query.sort.by = SortBy::Created;
    assert!(list(fixture.db.readers(), &query).await.is_err());
}

async fn tab_counts_equal_the_number_of_rows(env: Environment) {
    let fixture = fixture(env, 21, 2000).await;
    let empty = AccountId::from_u128(1);
    let all: Vec<_> = fixture.scenario.accounts.iter().copied().chain([empty]).collect();
    let of_all = counts_of_all(fixture.db.readers(), &all).await.unwrap();
    assert_eq!(of_all.len(), fixture.scenario.accounts.len());
    for account in &fixture.scenario.accounts {
        let me = fixture.scenario.agents[0];
        let counts = counts(fixture.db.readers(), *account, Some(me)).await.unwrap();
        assert_eq!(of_all[account], TabCounts { mine: BTreeMap::new(), ..counts.clone() });
        let count = |fits: &dyn Fn(&ConversationRow) -> bool| {
            let mut by_status = BTreeMap::new();
            for row in fixture.everything.iter().filter(|row| row.account_id == *account && fits(row)) {
                *by_status.entry(row.status).or_default() += 1;
            }
            by_status
        };
        assert_eq!(counts.all, count(&|_| true));
        assert_eq!(counts.mine, count(&|row| row.assignee_id == Some(me)));
        assert_eq!(counts.unassigned, count(&|row| row.assignee_id.is_none()));
        assert_eq!(counts.without_team, count(&|row| row.team_id.is_none()));
        for team in &fixture.scenario.teams {
            assert_eq!(counts.teams[team], count(&|row| row.team_id == Some(*team)));
        }
        for agent in &fixture.scenario.agents {
            assert_eq!(counts.assignees[agent], count(&|row| row.assignee_id == Some(*agent)));
        }
    }
}

async fn pages_of_messages_contain_each_message_once_in_both_directions(env: Environment) {
    let fixture = fixture(env, 31, 1500).await;
    let longest = fixture.everything.iter().max_by_key(|row| row.message_count + row.note_count).unwrap();
    let (account, conversation) = (longest.account_id, longest.id);
    let limit = Limit::new(3).unwrap();
    let read = |from, limit| {
        let readers = fixture.db.readers();
        async move {
            let query = Messages { account, conversation, from, limit };
            messages::list(readers, query).await.unwrap()
        }
    };
    let all = read(PageFrom::End, Limit::new(200).unwrap()).await.rows;
    assert_eq!(all.len(), (longest.message_count + longest.note_count) as usize);
    assert!(all.len() > 8);
    // The slow way: all of them, in the order in which they were recorded, sorted by when they were said.
    let mut said = all.clone();
    said.sort_by_key(|message| message.version);
    let recorded = said.clone();
    let said_at = |message: &MessageRow| match message.sent_at.as_micros() % 1_000_000 {
        0 if message.sender_type == SenderType::Contact => message.sent_at + Duration::from_micros(999_999),
        _ => message.sent_at,
    };
    said.sort_by_key(said_at);
    assert!(all == said, "another order");
    assert!(all != recorded, "no message came late");
    let last = said.iter().rfind(|message| !message.is_private).unwrap();
    assert_eq!(longest.last_message_sender_type, Some(last.sender_type));
    assert_eq!(longest.last_message_id, Some(last.id));
    let mut back = read(PageFrom::End, limit).await;
    let mut from_the_end = back.rows.clone();
    while let Some(cursor) = back.next {
        back = read(PageFrom::Before(cursor), limit).await;
        from_the_end.splice(0..0, back.rows.clone());
    }
    assert_eq!(from_the_end, all);
    let mut forth = read(PageFrom::After(messages::cursor(&all[0])), limit).await;
    let mut to_the_end = vec![all[0].clone()];
    to_the_end.extend(forth.rows);
    while let Some(cursor) = forth.next {
        forth = read(PageFrom::After(cursor), limit).await;
        to_the_end.extend(forth.rows);
    }
    assert_eq!(to_the_end, all);
}

async fn unread_counts_are_the_same_in_a_list_and_in_one_conversation(env: Environment) {
    let fixture = fixture(env, 41, 1500).await;
    for account in &fixture.scenario.accounts {
        for agent in &fixture.scenario.agents {
            let mut query = Conversations::of(*account);
            query.reader = Some(*agent);
            query.limit = Limit::new(200).unwrap();
            for listed in list(fixture.db.readers(), &query).await.unwrap().rows {
                let id = listed.conversation.id;
                let one = find(fixture.db.readers(), *account, id, Some(*agent)).await.unwrap();
                assert_eq!(one.as_ref(), Some(&listed));
                assert!(listed.unread <= listed.conversation.received_count);
            }
        }
    }
}

async fn rows_of_another_account_are_not_found(env: Environment) {
    let fixture = fixture(env, 51, 300).await;
    let theirs = &fixture.everything[0];
    let other = *fixture.scenario.accounts.iter().find(|account| **account != theirs.account_id).unwrap();
    let readers = fixture.db.readers();
    assert_eq!(find(readers, other, theirs.id, None).await.unwrap(), None);
    let query =
        Messages { account: other, conversation: theirs.id, from: PageFrom::End, limit: Limit::default() };
    assert!(messages::list(readers, query).await.unwrap().rows.is_empty());
    assert!(assignments::of_conversation(readers, other, theirs.id).await.unwrap().is_empty());
    assert!(sla_timers::of_conversation(readers, other, theirs.id).await.unwrap().is_empty());
    assert_eq!(contacts::find(readers, other, theirs.contact_id).await.unwrap(), None);
}

async fn numbers_have_spellings_where_identifiers_are_numbers(env: Environment) {
    let store = env.store().await;
    let mut scenario = Scenario::new(71);
    let account = scenario.accounts[0];
    // The first as another program wrote it into a log that was imported.
    let known = [
        (ChannelType::WhatsApp, "+251911000000"),
        (ChannelType::Sms, "251911000000"),
        (ChannelType::Telegram, "251911000000"),
        (ChannelType::WebChat, "00251911000000"),
    ];
    for (channel_type, identifier) in known {
        let identifier_id = ContactIdentifierId::of(account, channel_type.as_str(), identifier);
        let contact_id = ContactId::from_u128(identifier_id.0.as_u128());
        let identifier = identifier.to_owned();
        let seen = ContactSeen { identifier_id, contact_id, channel_type, identifier, display_name: None };
        scenario.record(StreamId::contact(identifier_id), account, [ContactEvent::from(seen)]);
    }
    scenario.write(&*store).await;
    let generations = env.generations();
    generations.rebuild(&store, |_| {}).await.unwrap();
    let (_, db) = generations.open_current(Default::default()).await.unwrap().unwrap();
    for (written, meant) in [
        ("+251 911 000000", [true, true, false, false]),
        ("251911000000", [true, true, true, false]),
        ("00251911000000", [true, true, false, true]),
        ("911000000", [false; 4]),
    ] {
        let filter = IdentifierFilter { identifier: Some(written.to_owned()), ..Default::default() };
        let page = Page { account, limit: Limit::default(), after: None };
        let rows = contacts::identifiers(db.readers(), page, &filter).await.unwrap().rows;
        let found =
            known.map(|known| rows.iter().any(|row| (row.channel_type, row.identifier.as_str()) == known));
        assert_eq!(found, meant, "{written}");
    }
}

/// One process begins the conversation, and another one has just joined the identifier.
async fn a_conversation_that_begins_when_its_identifier_is_joined_is_of_the_joined_contact(env: Environment) {
    let store = env.store().await;
    let mut scenario = Scenario::new(73);
    let (account, channel_id) = (scenario.accounts[0], scenario.channels[0]);
    let channel_type = ChannelType::WhatsApp;
    let id_of = |identifier| ContactIdentifierId::of(account, channel_type.as_str(), identifier);
    let (id, contact_id) = ("ET.1349120865", id_of("251911000000").own_contact());
    let joined = IdentifierJoined {
        identifier_id: id_of(id),
        contact_id,
        channel_type,
        identifier: id.to_owned(),
        joined_to: "251911000000".to_owned(),
    };
    scenario.record(StreamId::contact(id_of(id)), account, [ContactEvent::from(joined)]);
    let conversation_id = ConversationId::of(channel_id, id, 0);
    let opened = ConversationOpened {
        conversation_id,
        account_id: account,
        channel_id,
        channel_type,
        contact_id: id_of(id).own_contact(),
        contact_identifier: id.to_owned(),
        display_name: None,
        ordinal: 0,
        subject: None,
        priority: Priority::Normal,
        language: None,
        metadata: Default::default(),
    };
    scenario.record(StreamId::conversation(conversation_id), account, [ConversationEvent::from(opened)]);
    scenario.write(&*store).await;
    let generations = env.generations();
    generations.rebuild(&store, |_| {}).await.unwrap();
    let (_, db) = generations.open_current(Default::default()).await.unwrap().unwrap();
    let found = find(db.readers(), account, conversation_id, None).await.unwrap().unwrap();
    assert_eq!(found.conversation.contact_id, contact_id);
}

async fn running_timers_are_listed_by_deadline(env: Environment) {
    let fixture = fixture(env, 61, 1500).await;
    for account in &fixture.scenario.accounts {
        let read = |limit, after| {
            let page = Page { account: *account, limit: Limit::new(limit).unwrap(), after };
            sla_timers::running(fixture.db.readers(), page)
        };
        let all = read(200, None).await.unwrap();
        assert!(all.rows.len() > 10 && all.next.is_none());
        assert!(all.rows.is_sorted_by_key(|timer| timer.timer.due_at));
        let (mut paged, mut after) = (Vec::new(), None);
        loop {
            let page = read(2, after).await.unwrap();
            paged.extend(page.rows);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(paged, all.rows);
    }
}
