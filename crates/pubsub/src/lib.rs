//! One ordered, bounded, conflating, resumable event log per topic, and its subscriptions.
