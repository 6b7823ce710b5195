//! One ordered, bounded, conflating, resumable event log per topic, and its subscriptions.
//!
//! A [`Topic`] numbers events and keeps the newest of them, bounded by count and bytes. A [`Subscription`] is a cursor into
//! that shared log: nothing is queued per reader, a publisher never waits, and a reader that was slow, paced or away goes on
//! from its cursor. The crate knows no domain type, no clock and no executor: its futures run anywhere.
//!
//! # Classes of delivery
//!
//! An [`Event`] says how it is delivered. *Every* event must arrive. A *latest* event carries a whole state under a key:
//! the newest one takes the place of the older one, which is freed at once.
//!
//! | a reader that | of *every* events sees | of *latest* events sees |
//! |---|---|---|
//! | keeps up | each, once, in order | each, once, in order |
//! | is slow or paced, within retention | each, once, in order | under each key the newest at the time it reads; the numbers jump |
//! | is slow, past retention | one [`Lagged`] `{ from, to }` in place of what is gone, then each that is kept | the same, then the newest kept |
//! | left and resumes [`From::After`] its cursor | as if it had been slow | as if it had been slow |
//! | joins [`From::Start`] | each that is kept | the newest kept under each key |
//! | joins [`From::Now`] | each published from now on | each published from now on |
//! | waits in [`Subscription::ready_urgent`] | is woken for each (or as [`Event::is_urgent`] says) | is not woken; takes the newest when it wakes |
//! | keeps a must-deliver publisher waiting to its deadline | one [`Lagged`] up to that event, then each | the same, then the newest |
//! | reads on after [`Topic::shutdown`] | each that it has not received, then the end | the newest it has not received, then the end |
//! | does not read at all | nothing, and costs nothing: no queue grows | the same |
//!
//! A number is never seen twice and never goes back. A jump is not a loss; only [`Lagged`] is one.
//!
//! # What it costs
//!
//! A publish is one append under one short lock and one wake for each reader that is parked; a reader that was woken and
//! has not run yet is not woken again. Readers in lockstep share one [`Batch`], so what is made of it, for example framed
//! bytes, is made once.
//!
//! # Example
//!
//! ```
//! use runwright_pubsub::{Delivery, Event, From, Received, Seq, Topic, TopicOptions};
//!
//! #[derive(Debug, PartialEq)]
//! enum JobEvent {
//!     Progress { job: u32, percent: u8 },
//!     Ended { job: u32 },
//! }
//!
//! impl Event for JobEvent {
//!     type Key = u32;
//!     type Encoding = ();
//!
//!     fn delivery(&self) -> Delivery<u32> {
//!         match self {
//!             Self::Progress { job, .. } => Delivery::Latest(*job),
//!             Self::Ended { .. } => Delivery::Every,
//!         }
//!     }
//!
//!     fn weight(&self) -> usize {
//!         size_of::<Self>()
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let topic = Topic::new(TopicOptions::default());
//! let mut reader = topic.subscribe(From::Now)?;
//! for percent in [10, 20, 30] {
//!     topic.publish(JobEvent::Progress { job: 7, percent })?;
//! }
//! topic.publish(JobEvent::Ended { job: 7 })?;
//!
//! // The reader was slow: of the three reports it gets the newest. The jump from 0 to 3 is no loss.
//! let progress = JobEvent::Progress { job: 7, percent: 30 };
//! assert_eq!(reader.recv().await, Some(Received::Event { seq: Seq::new(3), event: progress.into() }));
//!
//! // It goes away, and resumes where it was.
//! let cursor = reader.cursor();
//! drop(reader);
//! let mut reader = topic.subscribe(From::After(cursor))?;
//! assert_eq!(reader.recv().await, Some(Received::Event { seq: Seq::new(4), event: JobEvent::Ended { job: 7 }.into() }));
//! # Ok(())
//! # }
//! ```

// The example of the README is compiled with the others.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod ahead;
mod batch;
mod confirmation;
mod deferred;
mod error;
mod event;
mod log;
mod options;
mod parking;
mod readers;
mod received;
mod run;
mod seq;
mod state;
mod stats;
mod subscription;
mod sync;
mod topic;
mod waits;

pub use batch::Batch;
pub use confirmation::Confirmation;
pub use error::{Closed, PublishAtError, SubscribeError, TryRecvError};
pub use event::{Delivery, Event};
pub use options::TopicOptions;
pub use received::{Lagged, Received, ReceivedBatch};
pub use seq::Seq;
pub use stats::TopicStats;
pub use subscription::Subscription;
pub use topic::{From, Topic};
pub use waits::MustDeliver;
