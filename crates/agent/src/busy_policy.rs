//! What happens to a prompt whose session is busy: the whole decision, as one pure table.

use runwright_proto::BusyPolicy;

/// What the decision depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneLoad {
    /// Runs of the session that are accepted and not over, the active one included.
    pub runs: usize,
    /// How many of them may wait behind the first (semantics 2.1: 64 unless set otherwise).
    pub max_queued: usize,
}

/// Where an admitted prompt goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// Nothing is in its way.
    First,
    /// Behind everything the session has accepted.
    Last,
    /// Behind everything; the active turn may fold it in before its next model step.
    LastOrFolded,
    /// Directly behind the first run, which is cancelled.
    Next,
}

/// Why a prompt is not admitted to its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The prompt asked to be refused when the session is busy.
    #[error("session is busy with {runs} accepted runs")]
    Busy {
        /// Runs accepted and not over.
        runs: usize,
    },
    /// The queue of the session is full.
    #[error("queue of the session is full: the prompt would be number {position}")]
    QueueFull {
        /// The position the prompt would have had; 1 is the first that waits.
        position: usize,
    },
}

/// Decides where a prompt goes, by its policy and the load of its session (semantics 2.1).
///
/// | session | `queue` | `reject` | `interrupt` | `steer` |
/// |---|---|---|---|---|
/// | no run | first | first | first | first |
/// | busy, room in the queue | last | refused: busy | next, first run cancelled | last, or folded in |
/// | busy, queue full | refused: full | refused: busy | refused: full | refused: full |
///
/// # Errors
/// [`Refusal`], as in the table.
///
/// ```
/// use runwright_agent::{LaneLoad, Placement, Refusal, place};
/// use runwright_proto::BusyPolicy;
///
/// let busy = LaneLoad { runs: 1, max_queued: 64 };
/// assert_eq!(place(BusyPolicy::Queue, busy), Ok(Placement::Last));
/// assert_eq!(place(BusyPolicy::Reject, busy), Err(Refusal::Busy { runs: 1 }));
/// ```
pub fn place(policy: BusyPolicy, load: LaneLoad) -> Result<Placement, Refusal> {
    if load.runs == 0 {
        return Ok(Placement::First);
    }
    let queued = load.runs - 1;
    let full = queued >= load.max_queued;
    match policy {
        BusyPolicy::Reject => Err(Refusal::Busy { runs: load.runs }),
        BusyPolicy::Queue | BusyPolicy::Interrupt | BusyPolicy::Steer if full => {
            Err(Refusal::QueueFull {
                position: load.runs,
            })
        }
        BusyPolicy::Queue => Ok(Placement::Last),
        BusyPolicy::Interrupt => Ok(Placement::Next),
        BusyPolicy::Steer => Ok(Placement::LastOrFolded),
    }
}
