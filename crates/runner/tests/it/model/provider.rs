//! A provider that says what the test tells it to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_util::stream;
use runwright_runner::{
    AnswerEvent, AnswerStream, ModelRequest, Provider, ProviderError, ProviderErrorKind,
    StopReason, TokenUsage, ToolCallPiece,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

type Answered = Result<AnswerEvent, ProviderError>;

/// Passes each request to the test, by the model that it is for.
#[derive(Clone, Default)]
pub(crate) struct FakeProvider {
    models: Arc<Mutex<HashMap<String, UnboundedSender<Asked>>>>,
}

/// The requests for one model.
pub(crate) struct Requests(UnboundedReceiver<Asked>);

/// One request. Dropping it cuts its answer off.
pub(crate) struct Asked {
    pub(crate) request: ModelRequest,
    answer: UnboundedSender<Answered>,
}

impl FakeProvider {
    /// The requests for a model. Those for a model that nobody listens to are never answered.
    pub(crate) fn requests(&self, model: &str) -> Requests {
        let (sender, receiver) = unbounded_channel();
        self.models.lock().unwrap().insert(model.to_owned(), sender);
        Requests(receiver)
    }
}

#[async_trait]
impl Provider for FakeProvider {
    fn name(&self) -> &str {
        "fake"
    }

    fn answer(&self, request: ModelRequest) -> AnswerStream {
        assert_eq!(request.problem(), None, "{request:#?}");
        let models = self.models.lock().unwrap();
        let Some(listener) = models.get(&*request.model) else {
            return Box::pin(stream::pending());
        };
        let (answer, mut events) = unbounded_channel();
        drop(listener.send(Asked { request, answer }));
        Box::pin(stream::poll_fn(move |cx| events.poll_recv(cx)))
    }

    async fn models(&self) -> Result<Vec<String>, ProviderError> {
        Ok(self.models.lock().unwrap().keys().cloned().collect())
    }
}

impl Requests {
    /// Waits for the next request.
    pub(crate) async fn next(&mut self) -> Asked {
        self.0.recv().await.expect("the provider is asked")
    }

    /// Asserts that nothing more was asked.
    pub(crate) fn assert_none(&mut self) {
        assert!(self.0.try_recv().is_err(), "nothing more is asked");
    }
}

impl Asked {
    pub(crate) fn event(&self, event: AnswerEvent) {
        self.answer.send(Ok(event)).unwrap();
    }

    pub(crate) fn text(&self, text: &str) {
        self.event(AnswerEvent::Text(text.to_owned()));
    }

    pub(crate) fn call(&self, id: &str, input: &str) {
        self.event(AnswerEvent::ToolCall(ToolCallPiece {
            id: id.to_owned(),
            name: "bash".to_owned(),
            input: input.to_owned(),
        }));
    }

    pub(crate) fn used(&self, input: u64, output: u64) {
        self.event(AnswerEvent::Usage(TokenUsage {
            input,
            output,
            ..TokenUsage::default()
        }));
    }

    pub(crate) fn end(self, reason: StopReason) {
        self.event(AnswerEvent::End(reason));
    }

    /// Says this and no more.
    pub(crate) fn say(self, text: &str) {
        self.text(text);
        self.end(StopReason::EndTurn);
    }

    pub(crate) fn fail(self, kind: ProviderErrorKind, message: &str) {
        self.fail_with(ProviderError::new(kind, message));
    }

    pub(crate) fn fail_with(self, error: ProviderError) {
        self.answer.send(Err(error)).unwrap();
    }

    /// Stops in the middle.
    pub(crate) fn cut_off(self) {
        drop(self);
    }

    /// Waits until nobody wants the answer any more.
    pub(crate) async fn dropped(&self) {
        self.answer.closed().await;
    }
}
