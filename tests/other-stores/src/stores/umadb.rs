//! UmaDB 0.7, a server of its own with its own files, flushed before it answers: the client crate over
//! gRPC, one connection a caller. An append is refused if the conversation has an event after the last one
//! that was seen; a conversation is a tag. Everything is read in the one order of the log.

use super::control::stream_name;
use crate::measure::{PAGE, Said, Store};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use umadb_client::{AsyncUmaDbClient, UmaDbClient};
use umadb_dcb::{DcbAppendCondition, DcbEvent, DcbEventStoreAsync, DcbQuery, DcbQueryItem};
use uuid::Uuid;

pub struct UmaDb {
    clients: Arc<[AsyncUmaDbClient]>,
    next: Arc<AtomicUsize>,
    mine: usize,
}

/// A clone takes the next connection.
impl Clone for UmaDb {
    fn clone(&self) -> Self {
        let mine = self.next.fetch_add(1, Ordering::Relaxed) % self.clients.len();
        Self { clients: Arc::clone(&self.clients), next: Arc::clone(&self.next), mine }
    }
}

impl UmaDb {
    fn client(&self) -> &AsyncUmaDbClient {
        &self.clients[self.mine]
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
        Ok(Self { clients: clients.into(), next: Arc::default(), mine: 0 })
    }

    async fn append(
        &mut self,
        stream: Uuid,
        _version: u64,
        last: Option<u64>,
        said: Said,
    ) -> anyhow::Result<u64> {
        let event = DcbEvent::new()
            .event_type(Said::TYPE)
            .tags([stream_name(stream)])
            .uuid(said.id)
            .metadata([("metadata", said.metadata)])
            .data(said.data);
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
