//! One turn of the runner that obeys: the handle with which a test gives orders, and the side that carries them out.

use std::fmt;
use std::sync::Arc;
use std::sync::mpsc as threads;

use runwright_agent::{AgentCall, BackgroundWork, Pace, RunContext, RunError, RunOutcome};
use runwright_proto::{
    Finish, FinishReason, Message, MessageId, Part, Role, RunId, SessionId, Text, ToolCall,
};
use tokio::sync::{mpsc, oneshot};

/// A turn that has begun and waits for orders.
///
/// A turn whose handle is dropped goes on until it is cancelled. A cancelled turn returns at once, unless it was told
/// to [ignore](Self::ignore_cancel) that.
pub struct Turn {
    run: RunId,
    session: SessionId,
    prompt: String,
    orders: mpsc::UnboundedSender<Order>,
}

/// A turn that blocks its thread, so that it can be neither cancelled nor aborted. Dropping this lets it go on.
#[derive(Debug)]
pub struct BlockedTurn {
    words: threads::Sender<String>,
    over: oneshot::Receiver<bool>,
}

enum Order {
    Say(String, oneshot::Sender<()>),
    CallTool(String, oneshot::Sender<()>),
    Fold(oneshot::Sender<Vec<String>>),
    Background(BackgroundWork, oneshot::Sender<()>),
    IgnoreCancel(oneshot::Sender<()>),
    Block {
        blocked: oneshot::Sender<()>,
        words: threads::Receiver<String>,
        over: oneshot::Sender<bool>,
    },
    End(Ending),
}

enum Ending {
    Well(RunOutcome),
    Failed(RunError),
    Panicked(String),
}

/// The side of a turn that carries the orders out.
pub(super) struct Performer {
    orders: mpsc::UnboundedReceiver<Order>,
    ignores_cancel: bool,
    /// The assistant message, once there is one.
    message: Option<Message>,
}

/// Makes both sides of a turn.
pub(super) fn turn(call: &AgentCall) -> (Turn, Performer) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let turn = Turn {
        run: call.run_id().clone(),
        session: call.session_id().clone(),
        prompt: call.prompt().to_owned(),
        orders: sender,
    };
    let performer = Performer {
        orders: receiver,
        ignores_cancel: false,
        message: None,
    };
    (turn, performer)
}

impl Turn {
    /// The run whose turn it is.
    #[must_use]
    pub fn run_id(&self) -> &RunId {
        &self.run
    }

    /// The session it runs in.
    #[must_use]
    pub fn session_id(&self) -> &SessionId {
        &self.session
    }

    /// The prompt that it was given.
    #[must_use]
    pub fn prompt(&self) -> &str {
        &self.prompt
    }

    /// Appends to the assistant message, which begins with the first words. Returns when it is in the history.
    ///
    /// # Panics
    /// When the turn is over.
    ///
    /// # Cancel safety
    /// The words are said all the same.
    pub async fn say(&self, words: &str) {
        self.order(|done| Order::Say(words.to_owned(), done)).await;
    }

    /// Adds the call of a tool to the assistant message and leaves it open.
    ///
    /// # Panics
    /// When the turn is over.
    ///
    /// # Cancel safety
    /// The tool is called all the same.
    pub async fn call_tool(&self, id: &str) {
        self.order(|done| Order::CallTool(id.to_owned(), done))
            .await;
    }

    /// Takes in the prompts that want to steer this turn, and returns what they say.
    ///
    /// # Panics
    /// When the turn is over, also because the history could not be written.
    ///
    /// # Cancel safety
    /// They are taken in all the same.
    pub async fn fold(&self) -> Vec<String> {
        self.order(Order::Fold).await
    }

    /// Starts work that may outlive the turn.
    ///
    /// # Panics
    /// When the turn is over.
    ///
    /// # Cancel safety
    /// It is started all the same.
    pub async fn start_in_background(&self, work: BackgroundWork) {
        self.order(|done| Order::Background(work, done)).await;
    }

    /// Goes on when it is cancelled, until it is aborted or told to end.
    ///
    /// # Panics
    /// When the turn is over.
    ///
    /// # Cancel safety
    /// It ignores a cancel all the same.
    pub async fn ignore_cancel(&self) {
        self.order(Order::IgnoreCancel).await;
    }

    /// Blocks the thread of the turn. Needs a runtime with several threads, or the test blocks with it.
    ///
    /// # Panics
    /// When the turn is over.
    ///
    /// # Cancel safety
    /// The turn blocks, and goes on at once.
    pub async fn block(self) -> BlockedTurn {
        let (words, to_say) = threads::channel();
        let (over, done) = oneshot::channel();
        self.order(|blocked| Order::Block {
            blocked,
            words: to_say,
            over,
        })
        .await;
        BlockedTurn { words, over: done }
    }

    /// Ends the turn well: finishes the assistant message, and answers the prompt if nothing was said.
    pub fn release(self) {
        self.release_with(RunOutcome::default());
    }

    /// Ends the turn well, with this outcome.
    pub fn release_with(self, outcome: RunOutcome) {
        self.end(Ending::Well(outcome));
    }

    /// Ends the turn with a failure, and leaves its messages as they are.
    pub fn fail_with(self, title: &str, details: &str) {
        self.end(Ending::Failed(RunError::failed(title, details)));
    }

    /// Returns as if it had been asked to stop.
    pub fn stop(self) {
        self.end(Ending::Failed(RunError::Cancelled));
    }

    /// Panics in the turn.
    pub fn panic(self, text: &str) {
        self.end(Ending::Panicked(text.to_owned()));
    }

    /// An order to a turn that was cancelled in the same moment comes too late, and that is no error.
    fn end(self, ending: Ending) {
        drop(self.orders.send(Order::End(ending)));
    }

    async fn order<T>(&self, order: impl FnOnce(oneshot::Sender<T>) -> Order) -> T {
        let (done, wait) = oneshot::channel();
        // An order that is not taken is dropped, and its answer with it.
        drop(self.orders.send(order(done)));
        wait.await.expect("the turn is over")
    }
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn")
            .field("run", &self.run)
            .finish_non_exhaustive()
    }
}

impl BlockedTurn {
    /// Lets the thread go on, which says these words before it gives the runtime a chance to abort it. Returns
    /// whether they came into the history.
    ///
    /// # Cancel safety
    /// They are said all the same.
    pub async fn release_saying(self, words: &str) -> bool {
        let Self {
            words: sender,
            over,
        } = self;
        drop(sender.send(words.to_owned()));
        over.await.unwrap_or(false)
    }
}

impl Performer {
    /// Obeys until an order ends the turn, or a cancel does.
    pub(super) async fn perform(mut self, cx: RunContext) -> Result<RunOutcome, RunError> {
        loop {
            let order = tokio::select! {
                // A cancel that is there already goes before an order of the same moment, as in an agent that looks
                // at its token before each step.
                biased;
                _reason = cx.cancel.cancelled(), if !self.ignores_cancel => return Err(RunError::Cancelled),
                order = self.orders.recv() => order,
            };
            match order {
                Some(Order::End(ending)) => return self.end(&cx, ending).await,
                Some(order) => self.obey(&cx, order).await?,
                None => {
                    self.orphaned(&cx).await;
                    return Err(RunError::Cancelled);
                }
            }
        }
    }

    /// Answers the prompt and ends.
    pub(super) async fn answer(cx: RunContext) -> Result<RunOutcome, RunError> {
        if cx.cancel.is_cancelled() {
            return Err(RunError::Cancelled);
        }
        let mut performer = turn(&cx.call).1;
        performer
            .end(&cx, Ending::Well(RunOutcome::default()))
            .await
    }

    async fn orphaned(&self, cx: &RunContext) {
        if self.ignores_cancel {
            std::future::pending::<()>().await;
        }
        cx.cancel.cancelled().await;
    }

    async fn obey(&mut self, cx: &RunContext, order: Order) -> Result<(), RunError> {
        match order {
            Order::Say(words, done) => {
                self.say(cx, &words).await?;
                finished(done, ());
            }
            Order::CallTool(id, done) => {
                self.call_tool(cx, &id).await?;
                finished(done, ());
            }
            Order::Fold(done) => {
                let calls = cx.steering.fold().await?;
                let prompts = calls.iter().map(|call| call.prompt().to_owned()).collect();
                finished(done, prompts);
            }
            Order::Background(work, done) => {
                cx.background.spawn(work);
                finished(done, ());
            }
            Order::IgnoreCancel(done) => {
                self.ignores_cancel = true;
                finished(done, ());
            }
            Order::Block {
                blocked,
                words,
                over,
            } => {
                finished(blocked, ());
                let words = words.recv().unwrap_or_default();
                let said = self.say(cx, &words).await;
                finished(over, said.is_ok());
            }
            Order::End(_) => {}
        }
        Ok(())
    }

    async fn end(&mut self, cx: &RunContext, ending: Ending) -> Result<RunOutcome, RunError> {
        match ending {
            Ending::Well(outcome) => {
                if self.message.is_none() {
                    self.say(cx, &format!("answer to {}", cx.call.prompt()))
                        .await?;
                }
                self.finish(cx).await?;
                Ok(outcome)
            }
            Ending::Failed(error) => Err(error),
            Ending::Panicked(text) => std::panic::resume_unwind(Box::new(text)),
        }
    }

    async fn say(&mut self, cx: &RunContext, words: &str) -> Result<(), RunError> {
        self.change(cx, Pace::Streamed, |message| {
            let said = message.parts.iter_mut().find_map(as_text);
            match said {
                Some(text) => text.push_str(words),
                None => message.parts.push(Part::text(Text::from(words))),
            }
        })
        .await
    }

    async fn call_tool(&mut self, cx: &RunContext, id: &str) -> Result<(), RunError> {
        let call = ToolCall {
            id: Arc::from(id),
            name: "fake_tool".into(),
            ..ToolCall::default()
        };
        self.change(cx, Pace::Streamed, |message| {
            message.parts.push(Part::ToolCall(call))
        })
        .await
    }

    async fn finish(&mut self, cx: &RunContext) -> Result<(), RunError> {
        let finish = Finish {
            reason: FinishReason::EndTurn,
            time: cx.clock.now().seconds(),
            ..Finish::default()
        };
        self.change(cx, Pace::Now, |message| {
            message.parts.push(Part::Finish(finish))
        })
        .await
    }

    /// Changes the assistant message, which is created empty first, as every agent does.
    async fn change(
        &mut self,
        cx: &RunContext,
        pace: Pace,
        change: impl FnOnce(&mut Message),
    ) -> Result<(), RunError> {
        let mut message = match self.message.take() {
            Some(message) => message,
            None => begin(cx).await?,
        };
        change(&mut message);
        cx.transcript.update_message(message.clone(), pace).await?;
        self.message = Some(message);
        Ok(())
    }
}

fn as_text(part: &mut Part) -> Option<&mut Text> {
    if let Part::Text(part) = part {
        Some(&mut part.text)
    } else {
        None
    }
}

async fn begin(cx: &RunContext) -> Result<Message, RunError> {
    let message = Message::new(
        MessageId::generate(),
        cx.call.session_id().clone(),
        Role::Assistant,
        cx.clock.now().seconds(),
    );
    cx.transcript
        .create_message(Some(cx.call.run_id()), message.clone())
        .await?;
    Ok(message)
}

/// Tells the test that an order was carried out, if it still waits for that.
fn finished<T>(done: oneshot::Sender<T>, value: T) {
    drop(done.send(value));
}
