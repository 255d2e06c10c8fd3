//! The methods of the protocol, written by hand: streams, server features, gossip.

use crate::faults::{Faults, Mode};
use crate::log::{Decision, Expectation, Log, Proposal};
use crate::reading::{self, Answer, Reading};
use crate::wire::{
    AppendContent, AppendOptions, AppendReq, AppendResp, AppendResult, ClusterInfo, CurrentRevision,
    EndPoint, ExpectedRevision, MemberInfo, Position, Proposed, ReadReq, ReadResp, StreamIdentifier, Success,
    SuccessPosition, SuccessRevision, SupportedMethod, SupportedMethods, Uuid, WasExpected,
    WrongExpectedVersion,
};
use futures::future::BoxFuture;
use futures::stream::{BoxStream, StreamExt};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use tonic::body::Body;
use tonic::codegen::{Service, http};
use tonic::metadata::MetadataMap;
use tonic::server::{ClientStreamingService, Grpc, NamedService, ServerStreamingService, UnaryService};
use tonic::{Code, Request, Response, Status, Streaming};

/// The largest append that this server accepts, in bytes.
const LARGEST_APPEND: usize = 16 * 1024 * 1024;

const LEADER: i32 = 8;

#[derive(Clone)]
pub struct Protocol {
    pub log: Arc<Mutex<Log>>,
    pub faults: Arc<Faults>,
}

macro_rules! service {
    ($name:ident, $path:literal) => {
        #[derive(Clone)]
        pub struct $name(pub Protocol);

        impl NamedService for $name {
            const NAME: &'static str = $path;
        }

        impl Service<http::Request<Body>> for $name {
            type Response = http::Response<Body>;
            type Error = Infallible;
            type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

            fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
                Poll::Ready(Ok(()))
            }

            fn call(&mut self, request: http::Request<Body>) -> Self::Future {
                let protocol = self.0.clone();
                Box::pin(async move { Ok(dispatch(protocol, request).await) })
            }
        }
    };
}

service!(Streams, "event_store.client.streams.Streams");
service!(ServerFeatures, "event_store.client.server_features.ServerFeatures");
service!(Gossip, "event_store.client.gossip.Gossip");

async fn dispatch(protocol: Protocol, request: http::Request<Body>) -> http::Response<Body> {
    fn codec<E, D>() -> tonic::codec::ProstCodec<E, D> {
        tonic::codec::ProstCodec::default()
    }
    match request.uri().path() {
        "/event_store.client.streams.Streams/Read" => {
            Grpc::new(codec()).server_streaming(ReadMethod(protocol), request).await
        }
        "/event_store.client.streams.Streams/Append" => {
            let limit = LARGEST_APPEND + 1024 * 1024;
            let mut grpc = Grpc::new(codec()).max_decoding_message_size(limit);
            grpc.client_streaming(AppendMethod(protocol), request).await
        }
        "/event_store.client.server_features.ServerFeatures/GetSupportedMethods" => {
            Grpc::new(codec()).unary(FeaturesMethod(protocol), request).await
        }
        "/event_store.client.gossip.Gossip/Read" => {
            Grpc::new(codec()).unary(GossipMethod(protocol), request).await
        }
        _ => Status::unimplemented("this server implements only a part of the protocol").into_http(),
    }
}

struct ReadMethod(Protocol);

impl ServerStreamingService<ReadReq> for ReadMethod {
    type Response = ReadResp;
    type ResponseStream = BoxStream<'static, Answer>;
    type Future = BoxFuture<'static, Result<Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, request: Request<ReadReq>) -> Self::Future {
        let protocol = self.0.clone();
        Box::pin(async move {
            protocol.authenticate(request.metadata())?;
            protocol.faults.before_reading().await;
            let options = request.into_inner().options;
            let options = options.ok_or_else(|| Status::invalid_argument("a read has options"))?;
            Ok(Response::new(match reading::read(&protocol.log, options)? {
                Reading::Run(answers) => futures::stream::iter(answers).boxed(),
                Reading::Live(mut subscription) => {
                    protocol.faults.subscribed();
                    let mut grown = protocol.log()?.grown();
                    async_stream::stream! {
                        loop {
                            grown.mark_unchanged();
                            while let Some(answer) = subscription.next_answer() {
                                protocol.faults.delay().await;
                                yield answer;
                            }
                            if grown.changed().await.is_err() {
                                break;
                            }
                        }
                    }
                    .boxed()
                }
            }))
        })
    }
}

struct AppendMethod(Protocol);

impl ClientStreamingService<AppendReq> for AppendMethod {
    type Response = AppendResp;
    type Future = BoxFuture<'static, Result<Response<AppendResp>, Status>>;

    fn call(&mut self, request: Request<Streaming<AppendReq>>) -> Self::Future {
        let protocol = self.0.clone();
        Box::pin(async move {
            let metadata = request.metadata().clone();
            protocol.authenticate(&metadata)?;
            if let Mode::FollowerOf { port } = protocol.faults.mode() {
                return Err(not_leader(port));
            }
            let (options, events) = gather(request.into_inner()).await?;
            let stream = options.stream_identifier.as_ref().map(StreamIdentifier::read).unwrap_or_default();
            let expected = match options.expected {
                Some(ExpectedRevision::Revision(revision)) => Expectation::Revision(revision),
                Some(ExpectedRevision::NoStream(())) => Expectation::NoStream,
                Some(ExpectedRevision::Any(())) => Expectation::Any,
                Some(ExpectedRevision::StreamExists(())) => Expectation::Exists,
                None => return Err(Status::invalid_argument("an append has an expected revision")),
            };
            protocol.faults.before_writing(&stream).await;
            let decision = protocol.log()?.append(&stream, expected, events);
            protocol.faults.after_writing(&stream).await;
            Ok(Response::new(AppendResp { result: Some(result(decision, expected)) }))
        })
    }
}

async fn gather(mut requests: Streaming<AppendReq>) -> Result<(AppendOptions, Vec<Proposal>), Status> {
    let incomplete = || Status::invalid_argument("an append begins with its options");
    let first = requests.message().await?.and_then(|request| request.content).ok_or_else(incomplete)?;
    let AppendContent::Options(options) = first else { return Err(incomplete()) };
    let (mut events, mut size) = (Vec::new(), 0);
    while let Some(request) = requests.message().await? {
        let Some(AppendContent::Proposed(proposed)) = request.content else {
            return Err(Status::invalid_argument("only events follow the options"));
        };
        size += proposed.data.len();
        if size > LARGEST_APPEND {
            let mut status = Status::invalid_argument("Maximum Append Size Exceeded.");
            status.metadata_mut().insert("exception", "maximum-append-size-exceeded".parse().map_err(bad)?);
            return Err(status);
        }
        events.push(proposal(proposed)?);
    }
    Ok((options, events))
}

fn bad(error: impl std::fmt::Display) -> Status {
    Status::internal(error.to_string())
}

fn proposal(mut proposed: Proposed) -> Result<Proposal, Status> {
    let missing =
        |name: &str| Status::invalid_argument(format!("Required Metadata Property '{name}' is missing"));
    let id = proposed.id.as_ref().and_then(Uuid::read).ok_or_else(|| missing("id"))?;
    let event_type = proposed.metadata.remove("type").ok_or_else(|| missing("type"))?;
    let content_type = proposed.metadata.remove("content-type").ok_or_else(|| missing("content-type"))?;
    Ok(Proposal { id, event_type, content_type, metadata: proposed.custom_metadata, data: proposed.data })
}

fn result(decision: Decision, expected: Expectation) -> AppendResult {
    match decision {
        Decision::Written { revision, position } => AppendResult::Success(Success {
            current: Some(SuccessRevision::CurrentRevision(revision)),
            position: Some(SuccessPosition::Position(Position {
                commit_position: position.commit,
                prepare_position: position.prepare,
            })),
        }),
        Decision::Wrong { current } => AppendResult::WrongExpectedVersion(WrongExpectedVersion {
            current: Some(current.map_or(CurrentRevision::NoStream(()), CurrentRevision::Revision)),
            expected: Some(match expected {
                Expectation::Revision(revision) => WasExpected::Revision(revision),
                Expectation::NoStream => WasExpected::NoStream(()),
                Expectation::Any => WasExpected::Any(()),
                Expectation::Exists => WasExpected::StreamExists(()),
            }),
        }),
    }
}

fn not_leader(port: u16) -> Status {
    let mut metadata = MetadataMap::new();
    let values = [
        ("exception", "not-leader".to_owned()),
        ("leader-endpoint-host", "127.0.0.1".to_owned()),
        ("leader-endpoint-port", port.to_string()),
    ];
    for (name, value) in values {
        if let Ok(value) = value.parse() {
            metadata.insert(name, value);
        }
    }
    Status::with_metadata(Code::NotFound, "Leader info available", metadata)
}

struct FeaturesMethod(Protocol);

impl UnaryService<()> for FeaturesMethod {
    type Response = SupportedMethods;
    type Future = BoxFuture<'static, Result<Response<SupportedMethods>, Status>>;

    fn call(&mut self, _: Request<()>) -> Self::Future {
        let version = self.0.faults.version();
        let known = ["read", "append"].map(|method| SupportedMethod {
            method_name: method.to_owned(),
            service_name: "event_store.client.streams.streams".to_owned(),
            features: Vec::new(),
        });
        Box::pin(async move {
            Ok(Response::new(SupportedMethods {
                methods: known.to_vec(),
                event_store_server_version: version,
            }))
        })
    }
}

struct GossipMethod(Protocol);

impl UnaryService<()> for GossipMethod {
    type Response = ClusterInfo;
    type Future = BoxFuture<'static, Result<Response<ClusterInfo>, Status>>;

    fn call(&mut self, _: Request<()>) -> Self::Future {
        let port = match self.0.faults.mode() {
            Mode::FollowerOf { port } => port,
            Mode::Leader => self.0.faults.port(),
        };
        let member = MemberInfo {
            instance_id: Some(Uuid::of(uuid::Uuid::from_u128(u128::from(port)))),
            time_stamp: 0,
            state: LEADER,
            is_alive: true,
            http_end_point: Some(EndPoint { address: "127.0.0.1".to_owned(), port: port.into() }),
        };
        Box::pin(async move { Ok(Response::new(ClusterInfo { members: vec![member] })) })
    }
}

impl Protocol {
    fn log(&self) -> Result<std::sync::MutexGuard<'_, Log>, Status> {
        self.log.lock().map_err(|_| Status::internal("the lock of the log is poisoned"))
    }

    fn authenticate(&self, metadata: &MetadataMap) -> Result<(), Status> {
        let given = metadata.get("authorization").and_then(|value| value.to_str().ok());
        match self.faults.credentials() {
            Some(expected) if given != Some(expected.as_str()) => {
                Err(Status::unauthenticated("Authentication Failed"))
            }
            _ => Ok(()),
        }
    }
}
