//! The log told to others: every event as a CloudEvent on a NATS JetStream stream.
