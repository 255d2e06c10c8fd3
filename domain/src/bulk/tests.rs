use super::*;
use crate::aggregate::given::given;
use event_schemas::message::Priority;
use event_schemas::{AccountId, Actor, BulkId, ConversationId};

const BULK: BulkId = BulkId::from_u128(1);

fn start(conversations: u128, actions: Vec<Action>) -> BulkStarted {
    BulkStarted {
        bulk_id: BULK,
        account_id: AccountId::from_u128(2),
        started_by: Actor::system("test"),
        may_take_over: false,
        actions,
        conversation_ids: (0..conversations).map(ConversationId::from_u128).collect(),
    }
}

fn urgent() -> Vec<Action> {
    vec![Action::SetPriority { priority: Priority::Urgent }]
}

fn started(conversations: u128) -> BulkEvent {
    start(conversations, urgent()).into()
}

fn refusal(id: u128) -> BulkRefusal {
    BulkRefusal {
        conversation_id: ConversationId::from_u128(id),
        reason: "the conversation is closed".to_owned(),
    }
}

fn advanced(done: u32, changed: u32, refused: Vec<BulkRefusal>) -> BulkEvent {
    BulkAdvanced { bulk_id: BULK, done, changed, refused }.into()
}

fn undo() -> BulkUndoStarted {
    BulkUndoStarted { bulk_id: BULK, started_by: Actor::system("test"), may_take_over: false }
}

fn step(from: usize, done: usize, changed: usize) -> Advance {
    Advance { from, progress: Progress { done, changed, refused: Vec::new() } }
}

#[test]
fn conversations_are_named_once_and_not_too_many() {
    let field = |command: BulkStarted| match Start(command).decide(&Bulk::default(), Timestamp::from_secs(1))
    {
        Err(Rejection::Invalid { field, .. }) => field,
        other => panic!("{other:?}"),
    };
    given::<Bulk>([]).when(Start(start(5_000, urgent()))).then([started(5_000)]);
    assert_eq!(field(start(0, urgent())), "conversation_ids");
    assert_eq!(field(start(5_001, urgent())), "conversation_ids");
    let mut twice = start(3, urgent());
    twice.conversation_ids.push(ConversationId::from_u128(1));
    assert_eq!(field(twice), "conversation_ids[3]");
    assert_eq!(field(start(1, Vec::new())), "actions");
    let label = Action::AddLabels { labels: vec![String::new()] };
    assert_eq!(field(start(1, vec![urgent()[0].clone(), label])), "actions[1].labels[0]");
    // A message cannot be taken back.
    let note = Action::Note { text: "Look".to_owned() };
    assert_eq!(field(start(1, vec![urgent()[0].clone(), note])), "actions[1].type");
    given::<Bulk>([started(1)]).when(Start(start(1, urgent()))).then_rejected(Rejection::Started);
}

#[test]
fn steps_follow_each_other_and_a_repeated_one_changes_nothing() {
    given::<Bulk>([started(3)]).when(step(0, 2, 1)).then([advanced(2, 1, Vec::new())]);
    given::<Bulk>([started(3), advanced(2, 1, Vec::new())]).when(step(0, 2, 1)).then_nothing();
    let done = [started(3), advanced(2, 1, vec![refusal(0)]), advanced(3, 1, vec![refusal(2)])];
    let state = given::<Bulk>(done.clone()).state;
    let running = state.started().unwrap();
    assert!(running.is_done());
    let refused = vec![refusal(0), refusal(2)];
    assert_eq!(running.changes, Progress { done: 3, changed: 2, refused });
    given::<Bulk>(done).when(step(3, 3, 0)).then_nothing();
}

#[test]
fn it_is_taken_back_once_when_it_is_done() {
    let undo_started = || BulkEvent::from(undo());
    given::<Bulk>([]).when(StartUndo(undo())).then_rejected(Rejection::NotStarted);
    given::<Bulk>([started(2)]).when(StartUndo(undo())).then_rejected(Rejection::NotDone);
    let nothing = [started(2), advanced(2, 0, Vec::new())];
    given::<Bulk>(nothing).when(StartUndo(undo())).then_rejected(Rejection::NothingChanged);
    let done = [started(2), advanced(2, 2, Vec::new())];
    given::<Bulk>(done.clone()).when(StartUndo(undo())).then([undo_started()]);
    let undoing = [done.to_vec(), vec![undo_started()]].concat();
    assert!(!given::<Bulk>(undoing.clone()).state.started().unwrap().is_done());
    let expected = BulkUndoAdvanced { bulk_id: BULK, done: 2, undone: 2, refused: Vec::new() };
    given::<Bulk>(undoing.clone()).when(step(0, 2, 2)).then([expected.clone().into()]);
    given::<Bulk>(undoing.clone()).when(StartUndo(undo())).then_rejected(Rejection::UndoneAlready);
    let undone = [undoing, vec![expected.into()]].concat();
    assert!(given::<Bulk>(undone.clone()).state.started().unwrap().is_done());
    given::<Bulk>(undone.clone()).when(StartUndo(undo())).then_rejected(Rejection::UndoneAlready);
    given::<Bulk>(undone).when(step(0, 2, 2)).then_nothing();
}
