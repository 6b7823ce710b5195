//! How a provider refuses, told once for all protocols. It must never know how a vendor words it.

/// An answer that is an error, in the words and the JSON of each vendor.
///
/// As an answer ([`Script::fail`](super::Script::fail)) it has a status and headers; inside an answer that has begun
/// ([`Script::error`](super::Script::error)) it is a frame, and its headers are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub(super) said: Said,
    pub(super) headers: Vec<(String, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// In the words of each vendor.
    Kind(Kind),
    /// As it is.
    Body {
        status: u16,
        content_type: String,
        body: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    BadKey,
    UnknownModel,
    ContextTooLong,
    RateLimited,
    OutOfQuota,
    Internal,
    Overloaded,
    Status(u16, String),
}

impl Failure {
    /// The key is wrong: 401, but 400 from Gemini.
    #[must_use]
    pub fn bad_key() -> Self {
        Kind::BadKey.into()
    }

    /// There is no such model: 404.
    #[must_use]
    pub fn unknown_model() -> Self {
        Kind::UnknownModel.into()
    }

    /// The conversation is longer than the model can see: 400.
    #[must_use]
    pub fn context_too_long() -> Self {
        Kind::ContextTooLong.into()
    }

    /// Too many requests: 429. Says when to come again only with [`retry_after`](Self::retry_after).
    #[must_use]
    pub fn rate_limited() -> Self {
        Kind::RateLimited.into()
    }

    /// Nothing is left to spend: 429 that no waiting helps against, but 400 from Anthropic.
    #[must_use]
    pub fn out_of_quota() -> Self {
        Kind::OutOfQuota.into()
    }

    /// The provider broke: 500.
    #[must_use]
    pub fn internal() -> Self {
        Kind::Internal.into()
    }

    /// The provider has too much to do: 503, but 529 from Anthropic.
    #[must_use]
    pub fn overloaded() -> Self {
        Kind::Overloaded.into()
    }

    /// A status of the test's choice, with a message in the JSON of each protocol.
    #[must_use]
    pub fn status(status: u16, message: impl Into<String>) -> Self {
        Kind::Status(status, message.into()).into()
    }

    /// A status and a body as they are, such as the page of a proxy. As a frame, the body is the data of the frame.
    #[must_use]
    pub fn body(status: u16, content_type: impl Into<String>, body: impl Into<String>) -> Self {
        let (content_type, body) = (content_type.into(), body.into());
        let said = Said::Body {
            status,
            content_type,
            body,
        };
        Self {
            said,
            headers: Vec::new(),
        }
    }

    /// Says when to come again, in seconds or as a date.
    #[must_use]
    pub fn retry_after(self, value: impl Into<String>) -> Self {
        self.header("retry-after", value)
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

impl From<Kind> for Failure {
    fn from(kind: Kind) -> Self {
        Self {
            said: Said::Kind(kind),
            headers: Vec::new(),
        }
    }
}
