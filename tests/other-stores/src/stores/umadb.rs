//! UmaDB 0.7, a server with its own files, which it flushes before it answers: the client crate over gRPC, one
//! connection per caller. A conversation is a tag; an append is refused if the conversation has an event after the
//! last one that was read. All events are read in the one order of the log.

use super::control::stream_name;
use crate::measure::{PAGE, SampleEvent, Store};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use umadb_client::{AsyncUmaDbClient, UmaDbClient};
use umadb_dcb::{DcbAppendCondition, DcbEvent, DcbEventStoreAsync, DcbQuery, DcbQueryItem};
use uuid::Uuid;

pub struct UmaDb {
    clients: Arc<[AsyncUmaDbClient]>,
    next: Arc<AtomicUsize>,
    own: usize,
}

/// Each clone takes the next connection.
impl Clone for UmaDb {
    fn clone(&self) -> Self {
        let own = self.next.fetch_add(1, Ordering::Relaxed) % self.clients.len();
        Self { clients: Arc::clone(&self.clients), next: Arc::clone(&self.next), own }
    }
}

impl UmaDb {
    fn client(&self) -> &AsyncUmaDbClient {
        &self.clients[self.own]
    }

    async fn read(&self, query: Option<DcbQuery>) -> anyhow::Result<u64> {
        let mut answer = self.client().read(query, None, false, None).await?;
        let mut count = 0;
        loop {
            let batch = answer.next_batch().await?;
            if batch.is_empty() {
                return Ok(count);
            }
            count += batch.len() as u64;
        }
    }
}

fn of(stream: Uuid) -> DcbQuery {
    DcbQuery::with_items([DcbQueryItem::new().tags([stream_name(stream)])])
}

impl Store for UmaDb {
    async fn open(url: &str, callers: usize) -> anyhow::Result<Self> {
        let mut clients = Vec::new();
        for _ in 0..callers {
            let client = UmaDbClient::new(url.to_owned()).batch_size(PAGE as u32);
            clients.push(client.connect_async().await?);
        }
        Ok(Self { clients: clients.into(), next: Arc::default(), own: 0 })
    }

    async fn append(
        &mut self,
        stream: Uuid,
        _version: u64,
        last: Option<u64>,
        sample: SampleEvent,
    ) -> anyhow::Result<u64> {
        let event = DcbEvent::new()
            .event_type(SampleEvent::TYPE)
            .tags([stream_name(stream)])
            .uuid(sample.id)
            .metadata([("metadata", sample.metadata)])
            .data(sample.data);
        let mut condition = DcbAppendCondition::new(of(stream));
        condition.after = last;
        Ok(self.client().append(vec![event], Some(condition), None).await?)
    }

    async fn load(&mut self, stream: Uuid) -> anyhow::Result<u64> {
        self.read(Some(of(stream))).await
    }

    async fn catch_up(&mut self) -> anyhow::Result<u64> {
        self.read(None).await
    }
}
